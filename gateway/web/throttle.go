package web

import (
	"sync"
	"time"
)

// Limits of guessing: after freeTries failures a key waits, twice as long after each further failure.
const (
	freeTries   = 5
	firstWait   = 2 * time.Second
	longestWait = 5 * time.Minute
	forgetAfter = 15 * time.Minute
	maxKeys     = 10_000
)

// throttle slows down password guessing, per name and per address. It is bounded: when full it forgets the key that
// has been quiet longest, so that a flood of made-up names cannot fill the memory.
type throttle struct {
	mu   sync.Mutex
	keys map[string]failures
}

type failures struct {
	count int
	last  time.Time
}

func newThrottle() *throttle { return &throttle{keys: map[string]failures{}} }

// wait returns how long any of the keys must still wait; 0 means try now.
func (t *throttle) wait(now time.Time, keys ...string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	var longest time.Duration
	for _, k := range keys {
		f, ok := t.keys[k]
		if !ok || now.Sub(f.last) > forgetAfter {
			continue
		}
		longest = max(longest, f.last.Add(f.penalty()).Sub(now))
	}
	return longest
}

func (f failures) penalty() time.Duration {
	if f.count < freeTries {
		return 0
	}
	return min(firstWait<<min(f.count-freeTries, 10), longestWait)
}

// failed notes one wrong password for each key.
func (t *throttle) failed(now time.Time, keys ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range keys {
		f := t.keys[k]
		if now.Sub(f.last) > forgetAfter {
			f.count = 0
		}
		if _, known := t.keys[k]; !known && len(t.keys) >= maxKeys {
			t.forgetQuietest()
		}
		t.keys[k] = failures{count: f.count + 1, last: now}
	}
}

// passed forgets the failures of a key whose owner has proved who it is.
func (t *throttle) passed(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.keys, key)
}

func (t *throttle) forgetQuietest() {
	var quietest string
	var when time.Time
	for k, f := range t.keys {
		if quietest == "" || f.last.Before(when) {
			quietest, when = k, f.last
		}
	}
	delete(t.keys, quietest)
}
