package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const maxGroup = 1 << 20 // Bytes in one transaction, unless a single operation is larger.

// op is one operation that waits for the writer. run may be called twice: when another operation of its group fails,
// the group is run again with each operation isolated; so run sets its results, it never adds to them.
type op struct {
	run       func(*tx) error
	size      int
	freesRoom bool // Tried even while the store has failed: it may be the cure.

	taken atomic.Bool // By the writer, or by a waiter that gave up.
	err   error
	done  chan struct{}
}

func newOp(size int, run func(*tx) error) *op {
	return &op{run: run, size: size, done: make(chan struct{})}
}

// queue is what waits for the writer.
type queue struct {
	mu      sync.Mutex
	waiting []*op
	bytes   int
	target  int // The writer wants to be woken when this many wait.
	closed  bool
	wake    chan struct{}
	max     int
}

func (q *queue) init(max int) { q.wake, q.max, q.target = make(chan struct{}, 1), max, 1 }

func (q *queue) put(o *op) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, o)
	q.bytes += o.size
	if len(q.waiting) >= q.target || q.bytes >= maxGroup {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// take returns the next group and how many it could have been.
func (q *queue) take() []*op {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.waiting) && n < q.max && (n == 0 || size+q.waiting[n].size <= maxGroup) {
		size += q.waiting[n].size
		n++
	}
	group := make([]*op, 0, n)
	for _, o := range q.waiting[:n] {
		if o.taken.CompareAndSwap(false, true) {
			group = append(group, o)
		}
	}
	rest := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[rest:])
	q.waiting, q.bytes, q.target = q.waiting[:rest], q.bytes-size, 1
	return group
}

// want asks to be woken at n waiting operations and reports whether that many wait already. An earlier wake-up call
// is out of date.
func (q *queue) want(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-q.wake:
	default:
	}
	q.target = min(n, q.max)
	return len(q.waiting) >= q.target || q.bytes >= maxGroup
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// gather waits for work. With company in the last group it lingers until as many are back, or the time is over: the
// senders that were just released are the next group, and one sync serves them all. It returns nil when ctx ends or
// patience does.
func (q *queue) gather(ctx context.Context, company int, linger, patience time.Duration) []*op {
	if !q.want(1) {
		var timeout <-chan time.Time
		if patience > 0 {
			timeout = time.After(patience)
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil
		case <-timeout:
			return nil
		}
	}
	if company > 1 && linger > 0 && !q.want(company) {
		select {
		case <-q.wake:
		case <-ctx.Done():
		case <-time.After(linger):
		}
	}
	return q.take()
}

// do runs an operation in the next group and returns when it is on disk, or is not going to be. ctx can end the wait
// for the writer, but not the commit: its outcome is always known.
func (s *Store) do(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.health.failure(); err != nil && !o.freesRoom {
		return err
	}
	if !s.queue.put(o) {
		return stopped()
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		if o.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	}
	<-o.done
	return o.err
}
