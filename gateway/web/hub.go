package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"rorpost/gateway/store"
)

// Limits of the live stream.
const (
	recentEvents = 200              // Kept for a new page and for a browser that reconnects.
	maxOrigins   = 4096             // Arrivals whose source is remembered.
	streamBuffer = 256              // Events that a client may lag behind before it is dropped.
	heartbeat    = 15 * time.Second // Shorter than the idle limit of any proxy.
	writeLimit   = 10 * time.Second // A client that takes no byte for so long is gone.
	streamLife   = time.Hour        // Then the browser reconnects and shows its session again.
)

// numbered is an event with its place in the stream. Numbers start at 1 with the process.
type numbered struct {
	N     uint64
	Event store.Event
}

// hub hands every event to every open stream and never waits for any of them.
type hub struct {
	mu      sync.Mutex
	next    uint64
	recent  []numbered
	streams map[*stream]bool
	closed  bool
	origins map[int64]origin
	order   []int64 // Arrivals in origins, the oldest first.
}

// origin is what only the first event about an arrival says; later ones are completed with it.
type origin struct{ source, kind string }

// stream is one client. Its channel is closed when it lags or when the hub closes.
type stream struct{ events chan numbered }

func newHub() *hub { return &hub{next: 1, streams: map[*stream]bool{}, origins: map[int64]origin{}} }

// publish is called after a commit, on the store's own goroutine: it must not block.
func (h *hub) publish(e store.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := numbered{h.next, h.complete(e)}
	h.next++
	if len(h.recent) == recentEvents {
		h.recent = h.recent[:copy(h.recent, h.recent[1:])]
	}
	h.recent = append(h.recent, n)
	for s := range h.streams {
		select {
		case s.events <- n:
		default:
			h.drop(s)
		}
	}
}

// complete says where an arrival came from in each event about it. It needs the lock.
func (h *hub) complete(e store.Event) store.Event {
	if e.What == store.EventKept && e.Arrival != 0 {
		if _, known := h.origins[e.Arrival]; !known {
			h.order = append(h.order, e.Arrival)
		}
		h.origins[e.Arrival] = origin{e.Source, e.Kind}
		if len(h.order) > maxOrigins {
			delete(h.origins, h.order[0])
			h.order = h.order[1:]
		}
	}
	if from, ok := h.origins[e.Arrival]; ok && e.Source == "" {
		e.Source = from.source
		if e.Kind == "" {
			e.Kind = from.kind
		}
	}
	return e
}

// drop needs the lock.
func (h *hub) drop(s *stream) {
	if h.streams[s] {
		delete(h.streams, s)
		close(s.events)
	}
}

// join opens a stream and returns what it has missed since event number after; 0 asks for nothing old.
func (h *hub) join(after uint64) (*stream, []numbered) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &stream{events: make(chan numbered, streamBuffer)}
	if h.closed {
		close(s.events)
		return s, nil
	}
	h.streams[s] = true
	var missed []numbered
	for _, n := range h.recent {
		if after > 0 && n.N > after {
			missed = append(missed, n)
		}
	}
	return s, missed
}

func (h *hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(s)
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.streams {
		h.drop(s)
	}
}

// last returns up to n events, the newest first.
func (h *hub) last(n int) []numbered {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []numbered
	for i := len(h.recent) - 1; i >= 0 && len(out) < n; i-- {
		out = append(out, h.recent[i])
	}
	return out
}

// open tells how many streams are open.
func (h *hub) open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

// events serves the stream: `event: store` with one JSON object each, a comment as heartbeat, an id so that a browser
// that reconnects gets what it missed.
func (s *Server) events(w http.ResponseWriter, r *http.Request, _ visitor) {
	after, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64)
	st, missed := s.hub.join(after)
	defer s.hub.leave(st)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := sse{w, http.NewResponseController(w)}
	if out.send("retry: 2000\n\n") != nil {
		return
	}
	for _, n := range missed {
		if out.event(n) != nil {
			return
		}
	}
	beat, end := time.NewTicker(heartbeat), time.NewTimer(streamLife)
	defer beat.Stop()
	defer end.Stop()
	for {
		var err error
		select {
		case n, ok := <-st.events:
			if !ok {
				return
			}
			err = out.event(n)
		case <-beat.C:
			err = out.send(": beat\n\n")
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// sse writes server-sent events with a deadline each.
type sse struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (o sse) event(n numbered) error {
	b, err := json.Marshal(eventJSON(n))
	if err != nil {
		return err
	}
	return o.send(fmt.Sprintf("id: %d\nevent: store\ndata: %s\n\n", n.N, b))
}

func (o sse) send(text string) error {
	// A recorder in a test knows no deadline; a connection does.
	_ = o.rc.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.rc.Flush()
}
