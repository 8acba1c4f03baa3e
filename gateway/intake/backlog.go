package intake

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"rorpost/gateway/store"
)

// pause returns how long to wait after the n-th failure in a row, n from 1: half a second, doubled up to 30 s, a fifth
// more or less. luck is in [0, 1).
func pause(n int, luck float64) time.Duration {
	d := 500 * time.Millisecond
	for i := 1; i < n && d < 30*time.Second; i++ {
		d *= 2
	}
	d = min(d, 30*time.Second)
	return d + time.Duration(float64(d)*0.2*(2*luck-1))
}

func pauseNow(n int) time.Duration { return pause(n, rand.Float64()) }

// backlog is the arrivals that are kept and still to be settled. The first attempt at each is made in their order; one
// that fails is tried again later and does not keep the others waiting. Only numbers are held for those: the bytes are
// in the store.
type backlog struct {
	name  string
	store *store.Store
	log   *slog.Logger
	do    func(ctx context.Context, a store.Arrival) error

	mu    sync.Mutex
	queue []due
	woken chan struct{}
}

// due is one arrival to settle.
type due struct {
	id       int64
	arrival  *store.Arrival // nil after a failure: read it again.
	failures int
	at       time.Time
}

func newBacklog(name string, s *store.Store, log *slog.Logger, do func(context.Context, store.Arrival) error) *backlog {
	return &backlog{name: name, store: s, log: log, do: do, woken: make(chan struct{}, 1)}
}

// add queues an arrival for its first attempt.
func (b *backlog) add(a store.Arrival) { b.put(due{id: a.ID, arrival: &a}) }

// failed queues an arrival whose first attempt was made elsewhere.
func (b *backlog) failed(id int64) { b.put(due{id: id, failures: 1, at: time.Now().Add(pauseNow(1))}) }

func (b *backlog) put(d due) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, d)
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

// next takes the first arrival that is due, or says how long there is none.
func (b *backlog) next(now time.Time) (d due, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait = time.Hour
	for i, q := range b.queue {
		if w := q.at.Sub(now); w > 0 {
			wait = min(wait, w)
			continue
		}
		b.queue = append(b.queue[:i], b.queue[i+1:]...)
		return q, 0
	}
	return due{}, wait
}

// run settles until ctx ends. The attempt in hand is made with hard, which ends later.
func (b *backlog) run(ctx, hard context.Context) {
	for ctx.Err() == nil {
		d, wait := b.next(time.Now())
		if wait == 0 {
			b.attempt(hard, d)
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-b.woken:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

func (b *backlog) attempt(ctx context.Context, d due) {
	a, err := b.load(ctx, d)
	if err == nil && a != nil {
		err = b.do(ctx, *a)
	}
	if err == nil {
		return
	}
	d.failures++
	b.log.Warn("an arrival is not settled yet", "intake", b.name, "arrival", d.id, "attempts", d.failures, "error", err)
	b.put(due{id: d.id, failures: d.failures, at: time.Now().Add(pauseNow(d.failures))})
}

// load returns the arrival, or nil when it has been settled meanwhile.
func (b *backlog) load(ctx context.Context, d due) (*store.Arrival, error) {
	if d.arrival != nil {
		return d.arrival, nil
	}
	detail, err := b.store.Arrival(ctx, d.id)
	if err != nil || detail.Arrival.State != store.Kept {
		return nil, err
	}
	return &detail.Arrival, nil
}

// grace bounds the second phase of a stop.
const grace = 5 * time.Second

// graceful returns a context that outlives ctx by grace, for what was begun before the stop.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-hard.Done():
		case <-time.After(grace):
			cancel()
		}
	})
	return hard, func() { stop(); cancel() }
}

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
