package lis1a

import (
	"bytes"
	"time"
)

// receiving is the receiver's half of a link.
type receiving struct {
	scan      scanner
	asked     *Frame // Asking: the frame in question; nil: the session.
	unbidden  bool   // The session begins without ENQ.
	restarted bool   // The session began in the middle of another one.
	expected  int    // The next frame's number.
	last      *Frame // The last frame that was kept; nil: none in this session, which is not the same as number 0.
	kept      int
	doubt     string // Why the session is not complete if it ends now.
	interrupt bool   // The next good frame is answered with EOT.
}

// Interrupt asks the sender for the line: the next good frame is answered with EOT instead of ACK [LIS01 6.3.3].
func (l *Link) Interrupt() { l.interrupt = true }

// answerBegin: Asking about a session → WaitFrame or Idle [LIS01 6.2.5].
func (l *Link) answerBegin(a Answer, out *Output) {
	l.expected, l.last, l.kept, l.doubt, l.interrupt = 1, nil, 0, "", false
	l.scan.reset()
	switch a {
	case Accept:
		if l.unbidden {
			l.scan.push(STX)
		} else {
			out.Write = []byte{ACK}
		}
		l.state, out.Timer = WaitFrame, FrameTimeout
	case Refuse:
		out.Write = []byte{NAK}
		l.rest(out, l.turnaround())
	case Late:
		l.endSession(out, "the session could not be opened in time")
	}
}

// waitFrame: frames are kept, EOT ends the session, ENQ begins another [LIS01 6.3.2].
func (l *Link) waitFrame(b []byte, out *Output) int {
	st := l.scan.push(b[0])
	switch {
	case st.done:
		l.frame(out)
	case st.broke:
		l.scan.reset()
		l.doubt = "a frame broke off"
		out.Notes = append(out.Notes, NoteBroken)
	case st.took:
		out.Timer = FrameTimeout
		if l.scan.waitsForLineEnd() {
			out.Timer = LineEndWait
		}
	default:
		return l.between(b, out)
	}
	if st.took {
		return 1
	}
	return 0
}

// between takes what stands between frames.
func (l *Link) between(b []byte, out *Output) int {
	switch {
	case b[0] == EOT:
		l.endSession(out, l.incomplete())
	case b[0] == ENQ && len(b) > 1 && b[1] == ENQ:
	case b[0] == ENQ: // A device that was reset bids anew.
		l.endSession(out, "a new session began before its end")
		l.open(out)
		l.restarted = true
	default:
		l.noise(b[0], out)
		if !blank(b[0]) && l.doubt == "" {
			l.doubt = "bytes that make no frame came before the end"
		}
	}
	return 1
}

// incomplete says why a session that ends with EOT is not complete, or "".
func (l *Link) incomplete() string {
	if l.doubt == "" && l.last != nil && l.last.End == ETB {
		return "the last frame announced another one"
	}
	return l.doubt
}

// frame judges a frame that has all its bytes [LIS01 6.3.2.1].
func (l *Link) frame(out *Output) {
	f, err := l.scan.take()
	repeated := err == nil && l.last != nil && f.Number == l.last.Number && sameFrame(f, *l.last)
	switch {
	case repeated:
		out.Notes = append(out.Notes, NoteRepeated)
		l.acknowledge(out)
	case err != nil || !l.inOrder(f, out):
		l.refuse(out)
	default:
		f.First = l.last == nil
		l.asked, l.state = &f, Asking
		out.Keep, out.Timer = &f, StopTimer
	}
}

// sameFrame compares what frames say, whatever stands at their line ends.
func sameFrame(a, b Frame) bool { return a.End == b.End && bytes.Equal(a.Text, b.Text) }

// inOrder tells whether a frame that is no repetition may be the next one.
func (l *Link) inOrder(f Frame, out *Output) bool {
	if f.Number == l.expected {
		return true
	}
	ok := l.dialect.FrameNumbers.takes(f.Number, l.last, l.restarted)
	if ok {
		out.Notes = append(out.Notes, NoteNumber)
	}
	return ok
}

// takes tells whether a frame may come after last with a number that is not the next one. The first frame of a session
// may be 0, unless the session may be one that goes on.
func (n FrameNumbers) takes(number int, last *Frame, restarted bool) bool {
	switch {
	case n == NumbersIgnored:
		return true
	case n == NumbersStrict:
		return false
	case last == nil:
		return number == 0 && !restarted
	}
	return number == last.Number
}

// answerKeep: Asking about a frame → WaitFrame, with the one answer that each frame gets.
func (l *Link) answerKeep(a Answer, out *Output) {
	f := l.asked
	l.asked, l.state = nil, WaitFrame
	if a == Refuse {
		l.refuse(out)
		return
	}
	if l.kept++; a == Late {
		l.endSession(out, "a frame could not be kept in time")
		return
	}
	l.last, l.expected = f, (f.Number+1)%8
	l.acknowledge(out)
}

func (l *Link) acknowledge(out *Output) {
	out.Write, out.Timer, l.doubt = []byte{ACK}, FrameTimeout, ""
	if l.interrupt {
		out.Write, l.interrupt = []byte{EOT}, false
	}
}

func (l *Link) refuse(out *Output) {
	out.Write, out.Timer, l.doubt = []byte{NAK}, FrameTimeout, "the sender gave up after a frame was refused"
	out.Notes = append(out.Notes, NoteRefused)
}

// frameTimeout: the line end or the next frame did not come [LIS01 6.5.2.4].
func (l *Link) frameTimeout(out *Output) {
	if l.scan.waitsForLineEnd() {
		l.scan.finish()
		l.frame(out)
		return
	}
	l.endSession(out, "nothing came for 30 seconds")
}

// endSession: WaitFrame → Idle; an empty reason is a complete session.
func (l *Link) endSession(out *Output, reason string) {
	out.End = &End{Complete: reason == "", Reason: reason, Frames: l.kept}
	l.scan.reset()
	l.asked, l.last, l.kept, l.doubt = nil, nil, 0, ""
	l.rest(out, l.turnaround())
}

// turnaround is the pause after EOT.
func (l *Link) turnaround() time.Duration { return max(Turnaround, l.dialect.AnswerDelay) }
