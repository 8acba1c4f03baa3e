package outbox

import (
	"context"
	"sync"
	"time"

	"rorpost/gateway/store"
)

// The states of a lane, from the worst to the best.
const (
	StateDown    = "down"    // The destination cannot be reached, or does not answer.
	StateWaiting = "waiting" // It answered that a delivery must be tried again.
	StateSending = "sending"
	StateIdle    = "idle"
)

// Status is how one destination is doing, without personal data.
type Status struct {
	Name, Kind, Serves, Address string
	State                       string    // "down", "waiting", "sending" or "idle": of its worst worker.
	Since                       time.Time // When that state began.
	Why, Hint                   string    // For "down" and "waiting".
	Waiting                     int       // Deliveries owed.
	Oldest                      time.Time // When the oldest of them was owed; zero when none is.
	Delivered, Retried, Parked  uint64    // Since the start of the program.
	Connected                   bool      // An mllp connection is open; for other kinds, the last attempt reached it.
}

// Status reports on every destination in the order of the configuration.
func (o *Outbox) Status() []Status {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts, err := o.store.Counts(ctx)
	out := make([]Status, 0, len(o.lanes))
	for _, l := range o.lanes {
		st := l.status()
		if err == nil {
			st.Waiting = int(counts.Deliveries[st.Name][store.StateOwed])
			st.Oldest = counts.Oldest[st.Name]
		}
		out = append(out, st)
	}
	return out
}

// condition is the state of one worker.
type condition struct {
	mu                         sync.Mutex
	state                      string
	since                      time.Time
	why, hint                  string
	connected                  bool
	delivered, retried, parked uint64
}

// set changes the state; since moves only when the state does.
func (c *condition) set(state, why, hint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != state {
		c.state, c.since = state, time.Now()
	}
	c.why, c.hint = why, hint
}

// sending keeps a trouble in sight while the next attempt runs: the lane is not well before it has succeeded.
func (c *condition) sending() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == StateIdle {
		c.state, c.since = StateSending, time.Now()
	}
}

func (c *condition) link(connected bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected = connected
}

// count adds one attempt and reports the state that was left.
func (c *condition) count(class string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch class {
	case store.ClassDelivered:
		c.delivered++
	case store.ClassPark:
		c.parked++
	default:
		c.retried++
	}
}

var gravity = map[string]int{StateDown: 3, StateWaiting: 2, StateSending: 1, StateIdle: 0}

func (l *lane) status() Status {
	c := l.cfg
	st := Status{Name: c.Name, Kind: c.Kind, Serves: c.Serves, Address: c.Address}
	st.Waiting, st.Oldest = l.window.waiting()
	worst := -1
	for _, w := range l.workers {
		w.now.mu.Lock()
		if g := gravity[w.now.state]; g > worst {
			worst = g
			st.State, st.Since, st.Why, st.Hint = w.now.state, w.now.since, w.now.why, w.now.hint
		}
		st.Delivered += w.now.delivered
		st.Retried += w.now.retried
		st.Parked += w.now.parked
		st.Connected = st.Connected || w.now.connected
		w.now.mu.Unlock()
	}
	return st
}
