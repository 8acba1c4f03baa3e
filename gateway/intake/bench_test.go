package intake

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"rorpost/devices/port"
	"rorpost/gateway/store"
)

// newStore opens a real store with a running writer.
func newStore(t testing.TB, dir string) (s *store.Store, stop func()) {
	t.Helper()
	s, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
		s.Close()
	})
	t.Cleanup(stop)
	return s, stop
}

// start runs something until the test ends or the returned function is called.
func start(t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// socket is a port.Source that is plugged by the test.
type socket struct {
	mu    sync.Mutex
	fails int // Opens that fail.
	plugs chan net.Conn
}

func newSocket() *socket { return &socket{plugs: make(chan net.Conn)} }

func (s *socket) Open(ctx context.Context) (port.Port, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails > 0 {
		s.fails--
		return nil, errors.New("no such device")
	}
	select {
	case c := <-s.plugs:
		return line{c}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *socket) String() string { return "serial:/dev/ttyTest" }
func (s *socket) Close() error   { return nil }

// line is one end of a pipe as a port.
type line struct{ net.Conn }

func (line) String() string { return "test" }

// plug connects a device and returns its end.
func (s *socket) plug(t testing.TB) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	select {
	case s.plugs <- ours:
	case <-time.After(20 * time.Second):
		t.Fatal("the port is not opened")
	}
	t.Cleanup(func() { theirs.Close() })
	theirs.SetDeadline(time.Now().Add(20 * time.Second))
	return theirs
}

// say writes, and reads one byte of answer.
func say(t testing.TB, c net.Conn, b []byte) byte {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatalf("write: %v", err)
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(c, answer); err != nil {
		t.Fatalf("read: %v", err)
	}
	return answer[0]
}

// book notes what the settling function was given, and settles it.
type book struct {
	s    *store.Store
	mu   sync.Mutex
	got  []store.Arrival
	fail int // First attempts that fail.
}

func (b *book) settle(ctx context.Context, a store.Arrival, reply []byte) error {
	b.mu.Lock()
	b.got = append(b.got, a)
	fail := b.fail > 0
	if fail {
		b.fail--
	}
	b.mu.Unlock()
	if fail {
		return errors.New("the order store cannot be reached")
	}
	_, err := b.s.Settle(ctx, store.Settlement{Arrival: a.ID, Decision: "test", Reply: reply})
	if errors.Is(err, store.ErrSettled) {
		return nil
	}
	return err
}

func (b *book) arrivals() []store.Arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]store.Arrival(nil), b.got...)
}
