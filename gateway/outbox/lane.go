package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rorpost/gateway/store"
)

// verdict is what one attempt came to: the answer of a classify function.
type verdict struct {
	class  string // One of the classes of store.Outcome.
	down   bool   // Nobody answered: the destination is ill, not the delivery.
	nack   bool   // It answered AE, CE or the like: counted against Policy.AEAttempts.
	detail string // What happened, for people.
	hint   string // What a person can do.
	after  time.Duration
	answer []byte
}

// courier carries deliveries to one destination over one connection.
type courier interface {
	carry(ctx context.Context, d store.Delivery) verdict
	probe(ctx context.Context) error // Looks whether the destination is there; nil when that cannot be known.
	connected() bool
	close()
}

// lane is one destination.
type lane struct {
	box     *Outbox
	cfg     Config
	window  *window
	workers []*worker
}

func newLane(o *Outbox, cfg Config) (*lane, error) {
	l := &lane{box: o, cfg: cfg}
	l.window = newWindow(cfg.Lanes, func(ctx context.Context, after int64, limit int) ([]store.Delivery, error) {
		return o.store.Owed(ctx, cfg.Name, after, limit)
	})
	couriers, err := hire(cfg)
	if err != nil {
		return nil, err
	}
	for i, c := range couriers {
		l.workers = append(l.workers, &worker{
			lane: l, n: i, courier: c, woken: make(chan struct{}, 1), room: make(chan struct{}, cfg.Unrecorded),
			now: condition{state: StateIdle, since: time.Now()},
		})
	}
	return l, nil
}

// hire returns one courier for each worker.
func hire(cfg Config) ([]courier, error) {
	var one func() courier
	var err error
	switch cfg.Kind {
	case KindMLLP:
		one, err = newMLLP(cfg)
	case KindHTTP:
		one, err = newHTTP(cfg)
	case KindFile:
		one, err = newFile(cfg)
	default:
		err = fmt.Errorf("there is no kind %q; there are %s, %s and %s", cfg.Kind, KindMLLP, KindHTTP, KindFile)
	}
	if err != nil {
		return nil, err
	}
	out := make([]courier, cfg.Lanes)
	for i := range out {
		out[i] = one()
	}
	return out, nil
}

func (l *lane) wake() {
	l.window.touch()
	for _, w := range l.workers {
		w.wake()
	}
}

// worker pays its part of a lane, one delivery at a time.
//
//	idle     -> sending   something is owed
//	sending  -> idle      delivered, or parked: the next one may go
//	sending  -> waiting   answered, and to be tried again
//	sending  -> down      not answered, or not reached
//	waiting, down -> sending, after the pause of the policy
//	idle     -> down, down -> idle   the probe of an idle link fails, or succeeds
type worker struct {
	lane    *lane
	n       int
	courier courier
	woken   chan struct{}
	now     condition

	records sync.WaitGroup // Records being written.
	room    chan struct{}  // One place for each of them.
	ill     atomic.Bool    // A record failed: nothing new is sent before it is written.
}

func (w *worker) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// run pays until ctx ends. hard ends later, and ends the exchange in hand.
func (w *worker) run(ctx, hard context.Context) {
	defer w.courier.close()
	defer w.records.Wait()
	for ctx.Err() == nil {
		it, others, err := w.lane.window.head(ctx, w.n)
		if others {
			w.wakeOthers()
		}
		switch {
		case err != nil && ctx.Err() == nil:
			w.unreadable(ctx, err)
		case it == nil:
			w.idle(ctx)
		case time.Until(it.NotBefore) > 0:
			w.sleep(ctx, time.Until(it.NotBefore))
		default:
			w.pay(hard, it)
		}
	}
}

func (w *worker) wakeOthers() {
	for _, o := range w.lane.workers {
		if o != w {
			o.wake()
		}
	}
}

func (w *worker) unreadable(ctx context.Context, err error) {
	w.now.set(StateWaiting, "what is owed cannot be read from the disk: "+err.Error(), "look at the gateway's disk")
	w.lane.box.o.Log.Error("what is owed cannot be read", "destination", w.lane.cfg.Name, "error", err)
	w.sleep(ctx, w.lane.cfg.Retry.Max)
}

// sleep waits for a time that a wake-up does not shorten.
func (w *worker) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// idle waits for work. One worker of the lane looks meanwhile whether the destination is there, so that a broken link
// is seen before the first delivery needs it.
func (w *worker) idle(ctx context.Context) {
	if w.n == 0 && w.lane.cfg.Probe > 0 {
		w.look(ctx)
	}
	pause := w.lane.cfg.Probe
	if pause <= 0 {
		pause = lookBack
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-w.woken:
	case <-t.C:
		w.lane.window.touch()
	case <-ctx.Done():
	}
}

func (w *worker) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.lane.cfg.DialTimeout)
	defer cancel()
	err := w.courier.probe(ctx)
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	w.now.link(w.courier.connected())
	if err != nil {
		w.now.set(StateDown, err.Error(), unreachableHint)
		return
	}
	w.now.set(StateIdle, "", "")
}

// pay makes one attempt and records it. The record of one that was delivered is written while the next is sent, see
// Config.Unrecorded.
func (w *worker) pay(ctx context.Context, it *item) {
	if w.ill.Load() {
		w.records.Wait()
	}
	w.room <- struct{}{}
	w.now.sending()
	v := w.judge(it, w.courier.carry(ctx, it.Delivery))
	w.now.link(w.courier.connected())
	out := store.Outcome{Delivery: it.ID, Class: v.class, Detail: v.detail, Hint: v.hint}
	if v.class == store.ClassRetry || v.class == store.ClassUnconfirmed {
		out.NotBefore = time.Now().Add(max(w.lane.cfg.Retry.pauseNow(it.failures), v.after))
	}
	if v.class != store.ClassDelivered {
		w.settle(ctx, it, out, v)
		<-w.room
		return
	}
	if w.lane.box.o.OnDelivered != nil {
		out.Then = w.lane.box.o.OnDelivered(it.Delivery, v.answer)
	}
	w.lane.window.take(w.n, it.ID)
	w.now.set(StateIdle, "", "")
	w.records.Go(func() {
		w.settle(ctx, it, out, v)
		<-w.room
	})
}

// settle records an attempt and takes it into account.
func (w *worker) settle(ctx context.Context, it *item, out store.Outcome, v verdict) {
	then, ok := w.record(ctx, out)
	if !ok {
		return
	}
	w.finish(it, out, v)
	for _, d := range then {
		w.lane.box.Wake(d.Destination)
	}
}

// judge applies the policy to what an attempt came to: the one place that decides that patience is over.
func (w *worker) judge(it *item, v verdict) verdict {
	p := w.lane.cfg.Retry
	switch v.class {
	case store.ClassRetry:
		it.failures++
		if v.nack {
			it.nacks++
		}
		if v.nack && p.AEAttempts > 0 && it.nacks >= p.AEAttempts {
			v.class, v.detail = store.ClassPark, fmt.Sprintf("%s (%d times)", v.detail, it.nacks)
			v.hint = "the receiver cannot take it; ask its support with the message id " + it.Key + ", then release or reject it here"
		}
	case store.ClassUnconfirmed:
		it.failures++
		it.silences++
		if p.TimeoutAttempts > 0 && it.silences >= p.TimeoutAttempts {
			v.class, v.detail = store.ClassPark, fmt.Sprintf("%s (%d times)", v.detail, it.silences)
			v.hint = "ask the receiver whether message id " + it.Key + " arrived; reject it here if it did, release it if it did not"
		}
	}
	return v
}

// record writes an attempt down. A store that fails is asked again until ctx ends: what was delivered must not be sent
// again because the disk was full for a while. ok is false when it could not be written.
func (w *worker) record(ctx context.Context, out store.Outcome) (then []store.Delivery, ok bool) {
	name := w.lane.cfg.Name
	for n := 1; ; n++ {
		then, err := w.lane.box.store.Record(context.WithoutCancel(ctx), out)
		if err == nil {
			if w.ill.Swap(false) {
				w.now.set(StateIdle, "", "")
			}
			return then, true
		}
		if errors.Is(err, store.ErrNotOwed) || errors.Is(err, store.ErrUnknown) {
			w.lane.window.done(w.n, out.Delivery)
			return nil, false
		}
		w.lane.box.o.Log.Error("an attempt cannot be recorded", "destination", name, "delivery", out.Delivery, "class", out.Class, "error", err)
		w.ill.Store(true)
		w.now.set(StateWaiting, "the attempt cannot be recorded: "+err.Error(), "look at the gateway's disk; nothing is lost")
		if w.sleep(ctx, w.lane.cfg.Retry.pauseNow(n)); ctx.Err() != nil {
			return nil, false
		}
	}
}

// finish takes a recorded attempt into account.
func (w *worker) finish(it *item, out store.Outcome, v verdict) {
	w.now.count(out.Class)
	log := w.lane.box.o.Log.With("destination", w.lane.cfg.Name, "delivery", it.ID, "key", it.Key)
	switch out.Class {
	case store.ClassDelivered:
		w.lane.window.done(w.n, it.ID)
		log.Debug("delivered", "attempts", it.Attempts+1)
	case store.ClassPark:
		w.lane.window.done(w.n, it.ID)
		w.now.set(StateIdle, "", "")
		log.Warn("parked", "attempts", it.Attempts+1)
	default:
		it.Attempts++
		it.NotBefore = out.NotBefore
		state := StateWaiting
		if v.down {
			state = StateDown
		}
		w.now.set(state, v.detail, v.hint)
		log.Info("not delivered", "class", out.Class, "attempts", it.Attempts, "again", out.NotBefore)
	}
}
