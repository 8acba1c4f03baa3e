package lis1a

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Run drives the port until it fails, the receiver cannot end a session, or ctx ends; then it returns the error. A
// session that is open then is ended as incomplete. A Conn is run once.
func (c *Conn) Run(ctx context.Context, r Receiver) error {
	if !c.start() {
		return ErrClosed
	}
	defer c.stop()
	d := &driver{conn: c, link: NewLink(c.opts.Dialect, c.opts.Role), receiver: r, timer: time.NewTimer(time.Hour)}
	d.timer.Stop()
	in := newReader(c.port)
	stop := in.start()
	defer stop()
	err := d.loop(ctx, in)
	return d.close(ctx, err)
}

// driver is the state of one Run.
type driver struct {
	conn     *Conn
	link     *Link
	receiver Receiver
	timer    *time.Timer
	progress Progress
	given    *request // The message that the link has.
	closing  bool     // Run is about to return.
	late     bool     // An answer came too late: what has come meanwhile belongs to a conversation that is over.
}

func (d *driver) loop(ctx context.Context, in *reader) error {
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.timer.C:
			err = d.act(ctx, d.link.Expire())
		case <-d.conn.wake:
			err = d.wish(ctx)
		case <-in.full:
			err = d.feed(ctx, in.buf[:in.n])
			if err == nil {
				err = in.err
			}
			in.free <- struct{}{}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// close ends what is open.
func (d *driver) close(ctx context.Context, err error) error {
	d.timer.Stop()
	d.closing = true
	ctx = context.WithoutCancel(ctx)
	if d.link.State() == LineBid || d.link.State() == WaitReply {
		_ = d.act(ctx, d.link.Cancel()) // The line is given back, if it still stands.
	}
	reason := "the line was lost"
	if errors.Is(err, context.Canceled) {
		reason = "the connection was closed by us"
	}
	if end := d.act(ctx, d.link.Drop(reason)); end != nil {
		err = errors.Join(err, end)
	}
	return err
}

// wish hands the link the message of a Send, or takes it away.
func (d *driver) wish(ctx context.Context) error {
	r, cancelled := d.conn.wish()
	switch {
	case r == nil:
		return nil
	case cancelled && d.given == r:
		return d.act(ctx, d.link.Cancel())
	case cancelled:
		d.conn.settle(ErrCancelled)
		return nil
	case d.given == r:
		return nil
	}
	d.given = r
	out, err := d.link.Send(r.frames)
	if err != nil {
		d.given = nil
		d.conn.settle(err)
		return nil
	}
	return d.act(ctx, out)
}

// feed gives the link what came in one read.
func (d *driver) feed(ctx context.Context, b []byte) error {
	d.trace(d.conn.opts.Role == Host, b)
	for len(b) > 0 {
		n, out := d.link.Receive(b)
		b = b[n:]
		if err := d.act(ctx, out); err != nil {
			return err
		}
		if d.late {
			d.late = false
			return nil
		}
	}
	return nil
}

// act does what the link wants done, in the order of its fields: nothing is written before all that was to be kept is
// kept. What the owner is asked goes back to the link, until there is nothing to ask.
func (d *driver) act(ctx context.Context, out Output) error {
	for {
		d.count(out)
		if out.End != nil {
			if err := d.receiver.End(ctx, *out.End); err != nil {
				return fmt.Errorf("end the session: %w", err)
			}
		}
		answer, asked := d.ask(ctx, out)
		if out.Write != nil {
			if err := d.write(out.Write); err != nil {
				return err
			}
		}
		d.setTimer(out.Timer)
		if out.Sent != nil {
			d.given = nil
			d.conn.settle(out.Sent.Err)
		}
		if !asked {
			return nil
		}
		out = d.link.Answer(answer)
	}
}

// answerLimit is how long after a frame an answer is still safe: the sender gives up after ReplyTimeout, and would take
// it for the answer to its next ENQ.
const answerLimit = 10 * time.Second

// ask puts the link's question to the receiver.
func (d *driver) ask(ctx context.Context, out Output) (a Answer, asked bool) {
	began := time.Now()
	var err error
	switch {
	case out.Begin:
		err = d.receiver.Begin(ctx)
	case out.Keep != nil:
		err = d.receiver.Keep(ctx, *out.Keep)
	default:
		return 0, false
	}
	switch {
	case err != nil:
		return Refuse, true
	case time.Since(began) > answerLimit:
		d.late = true
		return Late, true
	case out.Keep != nil:
		d.progress.Received++
	}
	return Accept, true
}

// A write is bounded: at 300 bits per second a frame of the standard takes eight seconds.
const (
	writeLimit = 30 * time.Second
	byeLimit   = time.Second // For the last EOT.
)

func (d *driver) write(b []byte) error {
	d.trace(d.conn.opts.Role == Instrument, b)
	if p, ok := d.conn.port.(interface{ SetWriteDeadline(time.Time) error }); ok {
		limit := writeLimit + replyTime(len(b)) - ReplyTimeout
		if d.closing {
			limit = byeLimit
		}
		_ = p.SetWriteDeadline(time.Now().Add(limit))
	}
	n, err := d.conn.port.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write to the line: %w", err)
	}
	return nil
}

func (d *driver) trace(instrument bool, b []byte) {
	if d.conn.opts.OnTrace == nil {
		return
	}
	dir := FromHost
	if instrument {
		dir = FromInstrument
	}
	d.conn.opts.OnTrace(dir, b)
}

func (d *driver) setTimer(t time.Duration) {
	switch {
	case t > 0:
		d.timer.Reset(t)
	case t < 0:
		d.timer.Stop()
	}
}

// count keeps the numbers, and tells them.
func (d *driver) count(out Output) {
	p := d.progress
	for _, n := range out.Notes {
		d.progress.Notes[n]++
	}
	if out.End != nil {
		d.progress.Sessions++
	}
	switch {
	case out.Sent == nil:
	case out.Sent.Err == nil:
		d.progress.Sent++
	default:
		d.progress.Failed++
	}
	if d.conn.opts.OnProgress != nil && (p != d.progress || out.Keep != nil) {
		d.conn.opts.OnProgress(d.progress)
	}
}

// reader is the goroutine that reads the port. It hands over one read at a time, and reads on when that was acted on.
type reader struct {
	port io.Reader
	buf  []byte
	n    int
	err  error
	full chan struct{} // buf[:n] and err are there.
	free chan struct{} // They were acted on.
}

func newReader(port io.Reader) *reader {
	return &reader{port: port, buf: make([]byte, 4096), full: make(chan struct{}), free: make(chan struct{}, 1)}
}

// start begins to read; stop returns when the goroutine has ended.
func (r *reader) start() (stop func()) {
	port, timed := r.port.(interface{ SetReadDeadline(time.Time) error })
	if timed {
		_ = port.SetReadDeadline(time.Time{})
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		r.run(over)
	}()
	return func() {
		close(over)
		if timed {
			_ = port.SetReadDeadline(time.Unix(1, 0)) // Ends a Read that waits.
		}
		<-ended
	}
}

func (r *reader) run(over <-chan struct{}) {
	for {
		r.n, r.err = r.port.Read(r.buf)
		if isTimeout(r.err) {
			r.err = nil
		}
		if r.n == 0 && r.err == nil {
			select {
			case <-over:
				return
			default:
				continue
			}
		}
		if r.err != nil {
			r.err = fmt.Errorf("read from the line: %w", r.err)
		}
		select {
		case r.full <- struct{}{}:
		case <-over:
			return
		}
		select {
		case <-r.free:
		case <-over:
			return
		}
		if r.err != nil {
			return
		}
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
