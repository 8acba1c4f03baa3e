package lis1a

import (
	"context"
	"io"
	"sync"
)

// Receiver takes what comes over a link. Its methods are called by Run, one at a time, and must not call Send.
type Receiver interface {
	// Begin opens a session. With an error the other side is told that we are busy, and End is not called.
	Begin(ctx context.Context) error
	// Keep makes a frame durable. Only when it returns nil the frame is acknowledged; an error has it sent again. It
	// should return within a second, since some analyzers wait no longer, and must within ReplyTimeout. The frame's bytes
	// must not be changed.
	Keep(ctx context.Context, f Frame) error
	// End closes a session. An error ends Run.
	End(ctx context.Context, e End) error
}

// Progress is what a connection has done since Run began.
type Progress struct {
	Sessions int // That ended, complete or not.
	Received int // Frames that were kept.
	Sent     int // Messages whose last frame was acknowledged.
	Failed   int // Messages that were not.
	Notes    [noteCount]int
}

// Count is how often something remarkable happened.
func (p Progress) Count(n Note) int { return p.Notes[n] }

// The directions that OnTrace tells.
const (
	FromInstrument byte = '>'
	FromHost       byte = '<'
)

// Options describe a connection; the zero value is a host that takes the standard to the letter.
type Options struct {
	Dialect Dialect
	Role    Role
	// OnTrace is told of all bytes that come and go, before they are acted on. They must not be changed or kept.
	OnTrace func(dir byte, b []byte)
	// OnProgress is told whenever the numbers change.
	OnProgress func(Progress)
}

// Conn drives a link over a port.
type Conn struct {
	port io.ReadWriter
	opts Options

	turn chan struct{} // Held by the one Send that may hand over a message.
	wake chan struct{} // There is a message to send, or one to give up.

	mu      sync.Mutex
	request *request // The message that is to be sent or is being sent.
	done    bool     // Run has returned.
	running bool
}

// request is one message and what becomes of it.
type request struct {
	frames    [][]byte
	cancelled bool
	outcome   chan error
}

// NewConn returns a connection over a port; it does no I/O. A Read of the port may return 0 and nil on a timeout. Where
// the port has SetReadDeadline and SetWriteDeadline they are used; one that has not must be closed to end Run.
func NewConn(port io.ReadWriter, o Options) *Conn {
	return &Conn{port: port, opts: o, turn: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
}

// Send sends one message: records that end in CR. It waits until the line is neutral, and returns nil when the other
// side has acknowledged the last frame. Run must be running. After a *SendError the whole message may be sent again;
// the other side may have kept a part of it.
func (c *Conn) Send(ctx context.Context, text []byte) error {
	if err := CheckText(text); err != nil {
		return err
	}
	return c.SendFrames(ctx, Encode(text, c.opts.Dialect.maxText()))
}

// SendFrames sends one message as Send does, with frames that are ready for the line.
func (c *Conn) SendFrames(ctx context.Context, frames [][]byte) error {
	if len(frames) == 0 {
		return ErrEmpty
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	r := &request{frames: frames, outcome: make(chan error, 1)}
	if !c.hand(r) {
		return ErrClosed
	}
	select {
	case err := <-r.outcome:
		return err
	case <-ctx.Done():
	}
	if c.withdraw(r) {
		return ctx.Err()
	}
	if err := <-r.outcome; err != nil {
		return ctx.Err()
	}
	return nil
}

// hand gives a message to Run.
func (c *Conn) hand(r *request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return false
	}
	c.request = r
	c.nudge()
	return true
}

// withdraw gives a message up; false: Run has it, and will tell the outcome soon.
func (c *Conn) withdraw(r *request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.cancelled = true
	if c.running || c.request != r {
		c.nudge()
		return false
	}
	c.request = nil
	return true
}

func (c *Conn) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// settle tells a Send what became of its message.
func (c *Conn) settle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.request != nil {
		c.request.outcome <- err
		c.request = nil
	}
}

// wish is what a Send wants now.
func (c *Conn) wish() (r *request, cancelled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.request, c.request != nil && c.request.cancelled
}

func (c *Conn) start() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running || c.done {
		return false
	}
	c.running = true
	return true
}

func (c *Conn) stop() {
	c.mu.Lock()
	c.running, c.done = false, true
	c.mu.Unlock()
	c.settle(ErrClosed)
}
