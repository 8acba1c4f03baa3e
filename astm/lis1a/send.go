package lis1a

import "time"

// sending is the sender's half of a link.
type sending struct {
	frames      [][]byte // The message; nil: none.
	next        int      // The frame that is on the line, or will be.
	tries       int      // How often it was refused; before the first one, how often the bid was.
	interrupted bool     // The receiver asked for the line.
	confirm     bool     // WaitReply: the frame was answered with EOT once.
	noisy       bool     // WaitReply: something came that is no answer.
}

// Send gives the link a message to send, as frames ready for the line. The link bids for the line when it is neutral
// and tells the outcome in Output.Sent. The error is ErrBusy while another message is being sent, or ErrEmpty.
func (l *Link) Send(frames [][]byte) (out Output, err error) {
	switch {
	case l.frames != nil:
		return out, ErrBusy
	case len(frames) == 0:
		return out, ErrEmpty
	}
	l.sending = sending{frames: frames}
	if l.state == Idle && !l.pause {
		l.bid(&out)
	}
	return out, nil
}

// Cancel gives up the message that is being sent, if there is one.
func (l *Link) Cancel() (out Output) {
	switch {
	case l.frames == nil:
	case l.state == LineBid, l.state == WaitReply:
		l.fail(&out, ErrCancelled)
	default:
		l.sent(&out, ErrCancelled)
	}
	return out
}

// bid: Idle → LineBid [LIS01 6.2.3].
func (l *Link) bid(out *Output) {
	if l.frames == nil {
		return
	}
	l.state, out.Write, out.Timer = LineBid, []byte{ENQ}, BidTimeout
}

// lineBid: ACK → WaitReply; NAK, ENQ → Idle and a pause [LIS01 6.2.6, 6.2.7].
func (l *Link) lineBid(b []byte, out *Output) int {
	switch b[0] {
	case ACK:
		l.next, l.tries = 0, 0
		l.transmit(out)
		return len(b) // What came with the answer can be no answer to the frame.
	case NAK:
		if l.tries++; l.tries >= maxTries {
			l.sent(out, ErrRefused)
		}
		l.rest(out, BusyPause)
	case ENQ:
		out.Notes = append(out.Notes, NoteContention)
		pause := HostPause
		if l.role == Instrument {
			pause = InstrumentPause
		}
		l.rest(out, pause)
		return len(b) // One bid, however often it rang.
	default:
		l.noise(b[0], out)
	}
	return 1
}

// transmit puts the current frame on the line.
func (l *Link) transmit(out *Output) {
	f := l.frames[l.next]
	l.state, l.noisy, out.Write, out.Timer = WaitReply, false, f, replyTime(len(f))
}

// longFrame is the longest frame of the first edition [E1381 6.3.1.2]; longer ones take so long on a slow line that the
// time of the answer must not run meanwhile.
const longFrame = 247

func replyTime(n int) time.Duration {
	if n <= longFrame {
		return ReplyTimeout
	}
	return ReplyTimeout + time.Duration(n)*time.Second*10/9600
}

// waitReply: one answer to each frame [LIS01 6.3.2].
func (l *Link) waitReply(b []byte, out *Output) int {
	switch {
	case b[0] == ACK:
		return l.acknowledged(b, out)
	case b[0] == EOT:
		l.wanted(out)
		return len(b)
	case b[0] == ENQ: // Who bids is not receiving: our session is over on the other side.
		l.fail(out, errBids)
		return len(b)
	case b[0] == NAK:
		l.again(out)
		return len(b)
	case blank(b[0]) && l.dialect.LooseReply:
	case !l.noisy: // Anything else is a refusal [LIS01 6.3.2.3], unless the answer is right behind it.
		l.noisy, out.Timer = true, NoiseWait
		l.noise(b[0], out)
	}
	return 1
}

// acknowledged: the next frame, or EOT after the last.
func (l *Link) acknowledged(b []byte, out *Output) int {
	l.next, l.tries, l.confirm = l.next+1, 0, false
	if l.next < len(l.frames) {
		l.transmit(out)
		return len(b) // What came with the answer can be no answer to the next frame.
	}
	out.Write = []byte{EOT}
	pause := l.turnaround()
	if l.interrupted {
		pause = InterruptPause
	}
	l.sent(out, nil)
	l.rest(out, pause)
	n := 1
	for n < len(b) && (b[n] == ACK || b[n] == NAK) {
		n++ // Nor one to our next bid.
	}
	return n
}

// wanted: EOT for an answer is the receiver's wish for the line, and an acknowledgement [LIS01 6.3.3]. But one that ends
// a bid of the other side which we did not hear looks the same; so the frame is sent again, which a receiver that has it
// discards, and only the second EOT is taken for an acknowledgement.
func (l *Link) wanted(out *Output) {
	l.interrupted = true
	switch {
	case l.dialect.GrantInterrupt && l.next < len(l.frames)-1:
		out.Write = []byte{EOT}
		l.next, l.interrupted = 0, false
		l.rest(out, InterruptPause)
	case !l.confirm:
		l.confirm = true
		out.Notes = append(out.Notes, NoteResent)
		l.transmit(out)
	default:
		l.acknowledged(nil, out)
	}
}

// again: the same frame with the same number, or EOT after the sixth refusal [LIS01 6.5.1.2].
func (l *Link) again(out *Output) {
	if l.tries++; l.tries >= maxTries {
		l.fail(out, ErrRefused)
		return
	}
	out.Notes = append(out.Notes, NoteResent)
	l.transmit(out)
}

func (l *Link) replyTimeout(out *Output) {
	if l.noisy {
		l.again(out)
		return
	}
	l.fail(out, ErrNoAnswer) // [LIS01 6.5.2.3]
}

// fail: LineBid or WaitReply → Idle. The pause keeps a belated answer from being taken for one to the next bid.
func (l *Link) fail(out *Output, err error) {
	out.Write = []byte{EOT}
	l.sent(out, err)
	l.rest(out, BusyPause)
}

// sent tells the outcome of the message.
func (l *Link) sent(out *Output, err error) {
	if err != nil {
		err = &SendError{Acknowledged: l.next, Frames: len(l.frames), Err: err}
	}
	out.Sent = &Sent{Err: err}
	l.sending = sending{}
}
