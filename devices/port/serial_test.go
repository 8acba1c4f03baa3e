//go:build linux

package port

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"rorpost/astm/lis1a"
)

// terminal opens a pseudo-terminal as a serial line; device is the other end.
func terminal(t *testing.T) (line Port, device *os.File) {
	t.Helper()
	device, tty, err := pty.Open()
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { device.Close() })
	line = open(t, newSource(t, "serial:"+tty.Name()+"?baud=9600"))
	tty.Close()
	return line, device
}

func TestSerial(t *testing.T) {
	line, device := terminal(t)
	exchange(t, line, device)
	behaves(t, line)
}

func TestSerialUnplugged(t *testing.T) {
	line, device := terminal(t)
	device.Close()
	line.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := line.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want an error", err)
	}
}

func TestSerialThatCannotBeOpened(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"/dev/ttyNone": "plugged in", file: "not that of a serial port"} {
		var failed *OpenError
		if _, err := newSource(t, "serial:"+name).Open(t.Context()); !errors.As(err, &failed) || !strings.Contains(failed.Hint, want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// collector keeps what comes.
type collector struct {
	frames []lis1a.Frame
	ends   chan lis1a.End
}

func (c *collector) Begin(context.Context) error { return nil }

func (c *collector) Keep(_ context.Context, f lis1a.Frame) error {
	c.frames = append(c.frames, f)
	return nil
}

func (c *collector) End(_ context.Context, e lis1a.End) error { c.ends <- e; return nil }

// A whole session over a serial line, with its handshake.
func TestLinkOverSerial(t *testing.T) {
	line, device := terminal(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := &collector{ends: make(chan lis1a.End, 1)}
	over := make(chan error, 2)
	go func() { over <- lis1a.NewConn(line, lis1a.Options{}).Run(ctx, got) }()
	instrument := lis1a.NewConn(device, lis1a.Options{Role: lis1a.Instrument})
	go func() { over <- instrument.Run(ctx, &collector{ends: make(chan lis1a.End, 1)}) }()
	text := "H|\\^&\rR|1|^^^X|" + strings.Repeat("7", 1000) + "\rL|1|N\r"
	if err := instrument.Send(ctx, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if e := <-got.ends; !e.Complete || string(lis1a.Text(got.frames)) != text {
		t.Errorf("got %+v, %q", e, lis1a.Text(got.frames))
	}
	line.Close() // Ends the reads at both ends.
	<-over
	<-over
}

func TestList(t *testing.T) {
	ports, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		if _, err := Parse(p.Spec()); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
