package web

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rorpost/gateway/store"
)

// lines reads the stream until it has one with the prefix.
func until(t *testing.T, r *bufio.Reader, prefix string) string {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ended before %q: %v", prefix, err)
		}
		if strings.HasPrefix(line, prefix) {
			return strings.TrimSpace(line)
		}
	}
}

func TestEventsArriveLive(t *testing.T) {
	s := newSite(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	open := func(last string) *bufio.Reader {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.http.URL+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		resp, err := s.visitorClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
			t.Fatalf("content type: got %q", got)
		}
		b := bufio.NewReader(resp.Body)
		until(t, b, "retry:")
		return b
	}
	first := open("")
	s.park()
	if got := until(t, first, "id:"); got != "id: 1" {
		t.Errorf("first event: got %q, want id: 1", got)
	}
	until(t, first, "event: store")
	if got := until(t, first, "data:"); !strings.Contains(got, `"what":"kept"`) || !strings.Contains(got, `"source":"answers"`) {
		t.Errorf("first event: got %s", got)
	}
	until(t, first, "event: store")
	if got := until(t, first, "data:"); !strings.Contains(got, `"what":"parked"`) || !strings.Contains(got, `"source":"answers"`) {
		t.Errorf("second event: got %s, want parked, completed with its source", got)
	}
	again := open("1")
	if got := until(t, again, "id:"); got != "id: 2" {
		t.Errorf("after a reconnect: got %q, want the missed id: 2", got)
	}
	s.web.Close()
	if _, err := first.ReadString('z'); err == nil {
		t.Error("the stream goes on after Close")
	}
}

func TestASlowClientIsDroppedAndNobodyWaits(t *testing.T) {
	h := newHub()
	slow, _ := h.join(0)
	quick, _ := h.join(0)
	for i := range streamBuffer + 10 {
		h.publish(store.Event{What: store.EventKept, Arrival: int64(i + 1)})
		<-quick.events
	}
	if got := h.open(); got != 1 {
		t.Errorf("open streams: got %d, want 1", got)
	}
	n := 0
	for range slow.events {
		n++
	}
	if n != streamBuffer {
		t.Errorf("the slow client: got %d events before its end, want %d", n, streamBuffer)
	}
	h.leave(quick)
	h.leave(slow)
	if got := len(h.last(1000)); got != recentEvents {
		t.Errorf("recent events: got %d, want %d", got, recentEvents)
	}
	if len(h.origins) != streamBuffer+10 {
		t.Errorf("origins: got %d", len(h.origins))
	}
}

func TestOriginsAreBounded(t *testing.T) {
	h := newHub()
	for i := range maxOrigins + 100 {
		h.publish(store.Event{What: store.EventKept, Arrival: int64(i + 1), Source: "a"})
	}
	if len(h.origins) != maxOrigins || len(h.order) != maxOrigins {
		t.Errorf("origins: got %d and %d, want %d", len(h.origins), len(h.order), maxOrigins)
	}
}

// TestTheStreamBeatsAndEnds runs on a pipe in a bubble: the heartbeat and the end of a stream's life need hours.
func TestTheStreamBeatsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{hub: newHub()}
		near, far := net.Pipe()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.events(w, r, visitor{})
		})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = server.Serve(&oneConn{conn: far, end: make(chan struct{})})
		}()
		go func() { _, _ = near.Write([]byte("GET / HTTP/1.0\r\n\r\n")) }()
		began, beats := time.Now(), 0
		for in := bufio.NewScanner(near); in.Scan(); {
			if strings.HasPrefix(in.Text(), ": beat") {
				beats++
			}
		}
		if life := time.Since(began); life != streamLife {
			t.Errorf("the stream's life: got %v, want %v", life, streamLife)
		}
		if want := int(streamLife/heartbeat) - 1; beats < want {
			t.Errorf("heartbeats: got %d, want at least %d", beats, want)
		}
		if s.hub.open() != 0 {
			t.Error("the stream is still joined")
		}
		_ = server.Close()
		<-done
	})
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn net.Conn
	end  chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.end
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	select {
	case <-l.end:
	default:
		close(l.end)
	}
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }
