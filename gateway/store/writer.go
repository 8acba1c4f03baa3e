package store

import (
	"context"
	"errors"
	"maps"
	"time"
)

// tx is one transaction while its group runs.
type tx struct {
	*engine
	now    time.Time
	next   int64
	events []Event
	counts counters // What the group changes.
	writes int      // Statements that changed something: an operation that fails before any needs no undoing.
}

func (t *tx) id() int64 {
	t.next++
	return t.next - 1
}

func (t *tx) exec(q string, args ...any) (int64, error) {
	n, err := t.engine.exec(q, args...)
	if n > 0 || err != nil {
		t.writes++
	}
	return n, err
}

func (t *tx) event(e Event) {
	e.Time = t.now
	t.events = append(t.events, e)
}

// write commits groups until ctx ends and nothing waits.
func (s *Store) write(ctx context.Context) {
	company := 0
	for ctx.Err() == nil {
		patience := time.Duration(0)
		if s.health.failure() != nil {
			patience = probeEvery
		}
		group := s.queue.gather(ctx, company, s.options.Linger, patience)
		if s.health.failure() != nil {
			s.retry()
		}
		company = len(group)
		s.serve(group)
		s.shorten(group)
	}
	s.queue.close()
	for group := s.queue.take(); len(group) > 0; group = s.queue.take() {
		s.serve(group)
	}
}

// serve commits a group and releases its waiters.
func (s *Store) serve(group []*op) {
	failure := s.health.failure()
	try := group
	if failure != nil {
		try = nil
		for _, o := range group {
			if o.err = failure; o.freesRoom {
				try = append(try, o)
			}
		}
	}
	if len(try) > 0 {
		s.commit(try)
	}
	for _, o := range group {
		close(o.done)
	}
}

// errIsolate says that an operation failed after it had written: the group must be run again with savepoints.
var errIsolate = errors.New("isolate the operations")

// commit runs a group in one transaction and sets the error of each operation. It runs without savepoints first, since
// failures are rare and savepoints are not free.
func (s *Store) commit(group []*op) {
	err := s.attempt(group, false)
	if errors.Is(err, errIsolate) {
		err = s.attempt(group, true)
	}
	if err == nil {
		return
	}
	_, forGood := broken(err)
	s.fail(err, forGood)
	for _, o := range group {
		o.err = s.health.failure()
	}
}

// attempt returns an error only when the whole group has failed; nothing of it is then kept.
func (s *Store) attempt(group []*op, isolated bool) (err error) {
	if _, err := s.engine.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// SQLite has rolled back by itself after some errors: a second time does no harm.
			s.engine.exec("ROLLBACK")
		}
	}()
	t := &tx{engine: s.engine, now: time.Now(), next: s.next, counts: counters{}}
	for _, o := range group {
		run := t.plain
		if isolated {
			run = t.isolated
		}
		if err := run(o); err != nil {
			return err
		}
	}
	totals, err := t.saveCounts(s.counts)
	if err != nil {
		return err
	}
	if _, err := s.engine.exec("COMMIT"); err != nil {
		return err
	}
	s.next = t.next
	s.counts = totals
	s.shown.Store(&totals)
	s.emit(t.events...)
	return nil
}

// plain runs an operation; one that is refused before it has written is harmless.
func (t *tx) plain(o *op) error {
	before := t.writes
	if o.err = o.run(t); o.err == nil {
		return nil
	}
	if whole, _ := broken(o.err); whole {
		return o.err
	}
	if t.writes == before {
		return nil
	}
	return errIsolate
}

// isolated runs an operation in a savepoint of its own.
func (t *tx) isolated(o *op) error {
	if _, err := t.engine.exec("SAVEPOINT one"); err != nil {
		return err
	}
	events, counts := len(t.events), maps.Clone(t.counts)
	o.err = o.run(t)
	if whole, _ := broken(o.err); whole {
		return o.err
	}
	if o.err != nil {
		t.events, t.counts = t.events[:events], counts
		if _, err := t.engine.exec("ROLLBACK TO one"); err != nil {
			return err
		}
	}
	_, err := t.engine.exec("RELEASE one")
	return err
}
