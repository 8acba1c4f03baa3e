package port

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Spec{
		"serial:/dev/ttyUSB0":                     {Serial, "/dev/ttyUSB0", 9600, "8N1"},
		"serial:/dev/ttyUSB0?baud=19200&mode=7e2": {Serial, "/dev/ttyUSB0", 19200, "7E2"},
		"serial:///dev/ttyS0":                     {Serial, "/dev/ttyS0", 9600, "8N1"},
		"serial:COM3?mode=8N1.5":                  {Serial, "COM3", 9600, "8N1.5"},
		"tcp://10.0.0.7:4001":                     {TCP, "10.0.0.7:4001", 0, ""},
		"tcp://[::1]:4001":                        {TCP, "[::1]:4001", 0, ""},
		"listen://:4001":                          {Listen, ":4001", 0, ""},
		"listen://127.0.0.1:0":                    {Listen, "127.0.0.1:0", 0, ""},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := Parse(got.String()); again != got {
			t.Errorf("%q: written as %q, read as %+v, %v", text, got, again, err)
		}
	}
	for text, want := range map[string]string{
		"":                               "what kind",
		"/dev/ttyUSB0":                   "what kind",
		"usb:1":                          "no kind of port",
		"serial:":                        "names no device",
		"serial:/dev/x?baud=fast":        "no number from 50",
		"serial:/dev/x?mode=9N1":         "not like 8N1",
		"serial:/dev/x?speed=9600":       "want baud or mode",
		"serial:/dev/x?baud=1%":          "not like baud=9600",
		"serial:/dev/x?baud=300&baud=50": "twice",
		"tcp:host:1":                     "must follow //",
		"tcp://host":                     "not like host:port",
		"tcp://:4001":                    "names no host",
		"tcp://host:0":                   "no number from 1",
		"listen://x:70000":               "no number from 1",
		"rfc2217://host:4001":            "not built",
	} {
		var bad *SpecError
		if got, err := Parse(text); !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v; want %q", text, got, err, want)
		}
	}
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, s Source) Port {
	t.Helper()
	p, err := s.Open(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func newSource(t *testing.T, text string) Source {
	t.Helper()
	spec, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s := New(spec)
	t.Cleanup(func() { s.Close() })
	return s
}

// exchange checks that bytes pass both ways.
func exchange(t *testing.T, a, b io.ReadWriter) {
	t.Helper()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, way := range [][2]io.ReadWriter{{a, b}, {b, a}} {
		if _, err := way[0].Write(all); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(all))
		if _, err := io.ReadFull(way[1], got); err != nil || string(got) != string(all) {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

// behaves checks what every port promises: deadlines, and a Close that ends Read.
func behaves(t *testing.T, p Port) {
	t.Helper()
	b := make([]byte, 1)
	if err := p.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Read(b); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("at the deadline: %d, %v", n, err)
	}
	if err := p.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := p.Read(b)
		ended <- err
	}()
	if err := p.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a read of a closed port returned no error")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("close did not end the read")
	}
	_ = p.Close() // Closing again does no harm.
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSource(t, "tcp://"+l.Addr().String())
	p := open(t, s)
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	exchange(t, p, peer)
	behaves(t, p)
	l.Close()
	var failed *OpenError
	if _, err := s.Open(limited(t)); !errors.As(err, &failed) || failed.Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestListen(t *testing.T) {
	s := newSource(t, "listen://127.0.0.1:0").(*listenSource)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	nobody, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Open(nobody); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("nobody connects: %v", err)
	}
	first := dial()
	p := open(t, s)
	exchange(t, p, first)

	second := dial() // Replaces the first.
	p.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := p.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the older connection: %d, %v; want it closed", n, err)
	}
	p = open(t, s)
	exchange(t, p, second)
	behaves(t, p)

	other := newSource(t, "listen://"+s.Addr().String())
	var failed *OpenError
	if _, err := other.Open(limited(t)); !errors.As(err, &failed) || failed.Hint == "" {
		t.Errorf("the address is taken: %v", err)
	}
	waits := make(chan error, 1)
	go func() {
		_, err := s.Open(limited(t))
		waits <- err
	}()
	s.Close()
	if err := <-waits; err == nil {
		t.Error("open of a closed source succeeded")
	}
}

func TestZeroSpec(t *testing.T) {
	if _, err := New(Spec{}).Open(t.Context()); err == nil {
		t.Error("nothing was opened")
	}
}
