package lis1a

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a receiver that keeps frames in memory.
type memory struct {
	mu     sync.Mutex
	keep   func(Frame) error
	frames []Frame
	ends   []End
}

func (m *memory) Begin(context.Context) error { return nil }

func (m *memory) Keep(_ context.Context, f Frame) error {
	if m.keep != nil {
		if err := m.keep(f); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frames = append(m.frames, f)
	return nil
}

func (m *memory) End(_ context.Context, e End) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends = append(m.ends, e)
	return nil
}

func (m *memory) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(Text(m.frames))
}

func (m *memory) ended() []End {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.ends)
}

// driven is a connection whose Run is running.
type driven struct {
	*Conn
	memory
	cancel context.CancelFunc
	over   chan error
}

// drive runs a connection until the test ends.
func drive(t *testing.T, port io.ReadWriter, o Options) *driven {
	ctx, cancel := context.WithCancel(t.Context())
	d := &driven{Conn: NewConn(port, o), cancel: cancel, over: make(chan error, 1)}
	go func() { d.over <- d.Run(ctx, &d.memory) }()
	return d
}

const message = "H|\\^&|||test\rP|1\rO|1|4711\rR|1|^^^CRP|8|mg/L\rL|1|N\r"

// talk writes, and returns the answer; "" when none came in time.
func talk(t *testing.T, c net.Conn, say string, wait time.Duration) string {
	t.Helper()
	if _, err := c.Write([]byte(say)); err != nil {
		t.Fatal(err)
	}
	return hear(t, c, wait)
}

func hear(t *testing.T, c net.Conn, wait time.Duration) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil && !isTimeout(err) {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestConnBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		host := drive(t, a, Options{Role: Host})
		instrument := drive(t, b, Options{Role: Instrument})
		var wg sync.WaitGroup
		for _, d := range []*driven{host, instrument} {
			for range 3 {
				wg.Go(func() { // Both at once: there is contention.
					if err := d.Send(t.Context(), []byte(message)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		synctest.Wait()
		for _, d := range []*driven{host, instrument} {
			if got, want := d.text(), strings.Repeat(message, 3); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := d.ended(); len(got) != 3 || !got[0].Complete || got[0].Frames != 5 {
				t.Errorf("got %+v", got)
			}
			d.cancel()
			if err := <-d.over; !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
		}
	})
}

// P1: while Keep has not returned nothing is on the line, and what it refuses is refused.
func TestP1_NoAckBeforeKeepReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		release := make(chan error)
		host := &driven{Conn: NewConn(a, Options{})}
		host.keep = func(Frame) error { return <-release }
		go host.Run(t.Context(), &host.memory)
		if got := talk(t, b, "\x05", time.Second); got != "\x06" {
			t.Fatalf("got %q", got)
		}
		frame := string(Encode([]byte("H|\\^&\r"), 0)[0])
		for _, c := range []struct {
			kept error
			want string
		}{{errors.New("the disk is full"), "\x15"}, {nil, "\x06"}} {
			if got := talk(t, b, frame, 5*time.Second); got != "" {
				t.Fatalf("%q came before the frame was kept", got)
			}
			release <- c.kept
			if got := hear(t, b, time.Second); got != c.want {
				t.Fatalf("kept %v: got %q, want %q", c.kept, got, c.want)
			}
		}
		a.Close()
	})
}

// P2: a frame that is kept too late is not acknowledged: the sender has given up, and would take the acknowledgement for one
// to its next bid.
func TestP2_NoAckThatIsTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		host := &driven{Conn: NewConn(a, Options{})}
		slow := true
		host.keep = func(Frame) error {
			if slow {
				<-time.After(14 * time.Second)
				slow = false
			}
			return nil
		}
		go host.Run(t.Context(), &host.memory)
		talk(t, b, "\x05", time.Second)
		frame := string(Encode([]byte("H|\\^&\r"), 0)[0])
		if got := talk(t, b, frame, 20*time.Second); got != "" {
			t.Errorf("got %q", got)
		}
		if got := host.ended(); len(got) != 1 || got[0].Complete {
			t.Errorf("got %+v, want one incomplete session", got)
		}
		if got := talk(t, b, "\x04", time.Second); got != "" {
			t.Errorf("got %q", got)
		}
		if got := talk(t, b, "\x05", time.Second); got != "\x06" {
			t.Errorf("the next session: got %q", got)
		}
		a.Close()
	})
}

func TestConnTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		host := drive(t, a, Options{})
		talk(t, b, "\x05", time.Second)
		talk(t, b, string(Encode([]byte("H|\\^&\r"), 0)[0]), time.Second)
		began := time.Now()
		hear(t, b, 29*time.Second-time.Since(began))
		if got := host.ended(); len(got) != 0 {
			t.Errorf("after 29 s: %+v", got)
		}
		hear(t, b, 2*time.Second)
		if got := host.ended(); len(got) != 1 || got[0].Complete || got[0].Frames != 1 {
			t.Errorf("after 31 s: %+v, want one incomplete session", got)
		}
		sent := make(chan error, 1)
		began = time.Now()
		go func() { sent <- host.Send(t.Context(), []byte(message)) }()
		if got := hear(t, b, time.Second); got != "\x05" {
			t.Errorf("got %q, want ENQ", got)
		}
		if got := hear(t, b, 20*time.Second); got != "\x04" || time.Since(began) != BidTimeout {
			t.Errorf("got %q after %v, want EOT after %v", got, time.Since(began), BidTimeout)
		}
		if err := <-sent; !errors.Is(err, ErrNoAnswer) {
			t.Errorf("got %v, want %v", err, ErrNoAnswer)
		}
		a.Close()
		if err := <-host.over; err == nil {
			t.Error("Run returned nil from a closed port")
		}
	})
}

func TestLostLineEndsSessionAndSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		host := drive(t, a, Options{})
		talk(t, b, "\x05", time.Second)
		talk(t, b, string(Encode([]byte("H|\\^&\r"), 0)[0]), time.Second)
		sent := make(chan error, 1)
		go func() { sent <- host.Send(t.Context(), []byte(message)) }()
		synctest.Wait()
		b.Close()
		if err := <-host.over; !errors.Is(err, io.EOF) {
			t.Errorf("Run: %v, want %v", err, io.EOF)
		}
		if err := <-sent; !errors.Is(err, ErrClosed) {
			t.Errorf("Send: %v, want %v", err, ErrClosed)
		}
		if got := host.ended(); len(got) != 1 || got[0].Complete {
			t.Errorf("got %+v, want one incomplete session", got)
		}
		if err := host.Send(t.Context(), []byte(message)); !errors.Is(err, ErrClosed) {
			t.Errorf("Send after Run: %v, want %v", err, ErrClosed)
		}
	})
}

func TestSendIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		host := drive(t, a, Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		sent := make(chan error, 1)
		go func() { sent <- host.Send(ctx, []byte(message)) }()
		hear(t, b, time.Second)
		talk(t, b, "\x06", time.Second)
		if got := hear(t, b, 10*time.Second); got != "\x04" {
			t.Errorf("got %q, want EOT", got)
		}
		if err := <-sent; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := host.Send(t.Context(), []byte("H|\nL|1\r")); err == nil {
			t.Error("a text with LF was sent")
		}
		a.Close()
	})
}

func TestSendWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := net.Pipe()
		c := NewConn(a, Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Send(ctx, []byte(message)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// stutter is a port that returns nothing now and then, and a few bytes at a time.
type stutter struct {
	net.Conn
	odd bool
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.odd = !s.odd; s.odd {
		return 0, nil
	}
	return s.Conn.Read(p[:min(len(p), 8)])
}

func TestConnOverAStutteringPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		var seen bytes.Buffer
		var last Progress
		host := drive(t, &stutter{Conn: a}, Options{
			OnTrace:    func(dir byte, p []byte) { seen.WriteByte(dir); seen.Write(p) },
			OnProgress: func(p Progress) { last = p },
		})
		instrument := drive(t, b, Options{Role: Instrument})
		if err := instrument.Send(t.Context(), []byte(message)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := host.text(); got != message {
			t.Errorf("got %q, want %q", got, message)
		}
		if got := seen.String(); !strings.HasPrefix(got, ">\x05<\x06>\x021H") || !strings.HasSuffix(got, "<\x06>\x04") {
			t.Errorf("the trace is %q", got)
		}
		if last.Received != 5 || last.Sessions != 1 || last.Count(NoteNoise) != 0 {
			t.Errorf("got %+v", last)
		}
		host.cancel()
		instrument.cancel()
		<-host.over
		<-instrument.over
	})
}
