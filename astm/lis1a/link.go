package lis1a

import "time"

// Role is which side of a link we are; it does not follow who dialled.
type Role uint8

// The roles [LIS01 6.2.7].
const (
	Host       Role = iota // Yields when both bid for the line.
	Instrument             // Bids again first.
)

// State is what a link is doing.
type State uint8

// The states. [LIS01 6.2 to 6.5]
const (
	Idle      State = iota // Neutral: nobody has the line.
	LineBid                // We sent ENQ and wait for the answer.
	WaitReply              // We sent a frame and wait for the answer.
	WaitFrame              // The other side has the line.
	Asking                 // The owner was asked about a session or a frame and has not answered.
)

func (s State) String() string {
	return [...]string{"idle", "line bid", "waiting for a reply", "waiting for a frame", "asking"}[s]
}

// The timers.
const (
	BidTimeout      = 15 * time.Second       // LineBid: for an answer to ENQ [LIS01 6.5.2.1].
	ReplyTimeout    = 15 * time.Second       // WaitReply: for an answer to a frame [LIS01 6.5.2.3].
	FrameTimeout    = 30 * time.Second       // WaitFrame: for a frame or EOT [LIS01 6.5.2.4]; each byte of a frame extends it.
	BusyPause       = 10 * time.Second       // Idle: before the next ENQ, when one was answered with NAK [LIS01 6.2.6], or a message failed.
	InstrumentPause = 1 * time.Second        // Idle: before an instrument bids again after contention [LIS01 6.2.7.1].
	HostPause       = 20 * time.Second       // Idle: before a host bids again after contention [LIS01 6.2.7.2].
	InterruptPause  = 15 * time.Second       // Idle: before the next ENQ, when the receiver asked for the line [LIS01 6.3.3.2].
	Turnaround      = 50 * time.Millisecond  // Idle: after EOT, so that the other side can bid first.
	LineEndWait     = 50 * time.Millisecond  // WaitFrame: for a line end that may not come.
	NoiseWait       = 100 * time.Millisecond // WaitReply: after a byte that is no answer, for the answer behind it.
)

// maxTries is how often a frame or a bid may be refused [LIS01 6.5.1.2].
const maxTries = 6

// StopTimer in Output.Timer stops the timer.
const StopTimer time.Duration = -1

// Answer is what the owner of a link says about a session or a frame.
type Answer uint8

// The answers.
const (
	Accept Answer = iota // The session is welcome; the frame is durable.
	Refuse               // It could not be kept.
	Late                 // It took so long that the sender has given up: another answer would be taken for one to something else.
)

// End is how a session ended.
type End struct {
	Complete bool   // With EOT, and with nothing missing that the link could notice.
	Reason   string // Why it is not complete.
	Frames   int    // The number of frames that were kept.
}

// Sent is how the sending of a message ended.
type Sent struct {
	Err error // nil, or a *SendError.
}

// Output is what a link wants done. The order of the fields is the order in which it must be done: what is to be kept is
// kept before anything is written. When Begin or Keep is set the link does nothing until Answer was called, and the
// acknowledgement is in Answer's output, not in this one.
type Output struct {
	End   *End          // 1. The session is over.
	Begin bool          // 2. A session wants to begin: call Answer.
	Keep  *Frame        // 3. A frame wants to be kept: make it durable, then call Answer.
	Write []byte        // 4. Put this on the line.
	Timer time.Duration // 5. Call Expire after this time, counted from the last byte written; 0: leave the timer; StopTimer: stop it.
	Sent  *Sent         // 6. The message given to Send is done.
	Notes []Note        // What was remarkable.
}

// acts tells whether there is anything to do before more bytes may be taken.
func (o *Output) acts() bool {
	return o.End != nil || o.Begin || o.Keep != nil || o.Write != nil || o.Sent != nil
}

// Note is something remarkable on the line.
type Note uint8

// The notes.
const (
	NoteRepeated   Note = iota // A frame came again and was acknowledged again.
	NoteRefused                // A frame was refused.
	NoteNoise                  // Bytes came that are no part of anything.
	NoteNumber                 // A frame's number was not the next one, and was taken.
	NoteContention             // Both sides bid for the line.
	NoteResent                 // A frame of ours was refused, and was sent again.
	NoteBroken                 // A frame broke off.
	noteCount
)

func (n Note) String() string {
	return [...]string{
		"frame repeated", "frame refused", "noise", "frame number out of order", "contention", "frame sent again", "frame broken off",
	}[n]
}

// Link is the protocol as a pure machine, for both roles. It is not safe for concurrent use.
type Link struct {
	dialect Dialect
	role    Role
	state   State
	pause   bool // Idle: the timer runs, and we may not bid before it expires.
	receiving
	sending
}

// NewLink returns an idle link.
func NewLink(d Dialect, r Role) *Link {
	return &Link{dialect: d, role: r, receiving: receiving{scan: scanner{dialect: d}}}
}

// State tells what the link is doing.
func (l *Link) State() State { return l.state }

// Receive takes bytes from the line, as they came in one read, until something is to be done; n is the number taken. It
// must not be called while the link is Asking.
func (l *Link) Receive(b []byte) (n int, out Output) {
	for n < len(b) && !out.acts() {
		switch l.state {
		case Idle:
			n += l.idle(b[n:], &out)
		case LineBid:
			n += l.lineBid(b[n:], &out)
		case WaitReply:
			n += l.waitReply(b[n:], &out)
		case WaitFrame:
			n += l.waitFrame(b[n:], &out)
		default:
			panic("lis1a: Receive called before Answer")
		}
	}
	return n, out
}

// Expire tells that the timer ran out.
func (l *Link) Expire() (out Output) {
	switch l.state {
	case Idle:
		l.pause = false
		l.bid(&out)
	case LineBid:
		l.fail(&out, ErrNoAnswer) // [LIS01 6.5.2.1]
	case WaitReply:
		l.replyTimeout(&out)
	case WaitFrame:
		l.frameTimeout(&out)
	}
	return out
}

// Answer tells what became of what the link asked for.
func (l *Link) Answer(a Answer) (out Output) {
	if l.state != Asking {
		panic("lis1a: Answer called without a question")
	}
	if l.asked == nil {
		l.answerBegin(a, &out)
	} else {
		l.answerKeep(a, &out)
	}
	return out
}

// Drop tells that the line is lost: what is open ends.
func (l *Link) Drop(reason string) (out Output) {
	if l.state == WaitFrame || l.state == Asking && l.asked != nil {
		l.endSession(&out, reason)
	}
	if l.frames != nil {
		l.sent(&out, ErrClosed)
	}
	l.scan.reset()
	l.state, l.pause, l.asked, out.Timer = Idle, false, nil, StopTimer
	return out
}

// rest makes the line neutral, and lets a waiting message bid after a pause.
func (l *Link) rest(out *Output, pause time.Duration) {
	l.state, l.pause, out.Timer = Idle, true, max(pause, 1)
	if pause == 0 {
		l.pause, out.Timer = false, StopTimer
	}
}

// idle: ENQ opens a session; all else is ignored [LIS01 6.5.1.1].
func (l *Link) idle(b []byte, out *Output) int {
	switch {
	case b[0] == ENQ && len(b) > 1 && b[1] == ENQ:
		return 1 // One answer, however often it rang.
	case b[0] == ENQ:
		l.open(out)
	case b[0] == STX && l.dialect.NoENQ:
		l.open(out)
		l.unbidden = true
	default:
		l.noise(b[0], out)
	}
	return 1
}

func (l *Link) open(out *Output) {
	l.state, l.asked, l.unbidden, l.restarted = Asking, nil, false, false
	out.Begin, out.Timer = true, StopTimer
}

// noise notes a byte that is part of nothing.
func (l *Link) noise(b byte, out *Output) {
	if !blank(b) && (len(out.Notes) == 0 || out.Notes[len(out.Notes)-1] != NoteNoise) {
		out.Notes = append(out.Notes, NoteNoise)
	}
}

// blank are the bytes that mean nothing between frames.
func blank(b byte) bool { return b == CR || b == LF || b == 0 }
