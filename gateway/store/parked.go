package store

import (
	"context"
	"fmt"
)

func (t *tx) parkArrival(arrival int64, p *Park) error {
	_, err := t.exec(`INSERT INTO parked (arrival, delivery, source, reason, hint, subject, at, resolved, resolved_at, resolved_by, resolved_why)
		SELECT id, 0, source, ?2, ?3, ?4, ?5, '', 0, '', '' FROM arrival WHERE id = ?1`,
		arrival, p.Reason, p.Hint, p.Subject, nanos(t.now))
	t.count(countParked, 1)
	return err
}

func (t *tx) parkDelivery(id int64, destination, subject string, o Outcome) error {
	_, err := t.exec(`INSERT INTO parked (arrival, delivery, source, reason, hint, subject, at, resolved, resolved_at, resolved_by, resolved_why)
		VALUES (0, ?, ?, ?, ?, ?, ?, '', 0, '', '')`, id, destination, o.Detail, o.Hint, subject, nanos(t.now))
	t.count(countParked, 1)
	return err
}

// supersede resolves a parked arrival because a later one has taken its place. One that is not parked is left alone.
func (t *tx) supersede(arrival, by int64) error {
	n, err := t.exec("UPDATE arrival SET state = ? WHERE id = ? AND state = ?", arrivalResolved, arrival, arrivalParked)
	if err != nil || n == 0 {
		return err
	}
	n, err = t.exec(`UPDATE parked SET resolved = ?, resolved_at = ?, resolved_why = ? WHERE arrival = ? AND resolved = ''`,
		ActionSuperseded, nanos(t.now), fmt.Sprintf("by arrival %d", by), arrival)
	t.count(countParked, -n)
	t.event(Event{What: EventResolved, Arrival: arrival, Detail: ActionSuperseded})
	return err
}

// Resolve records what a person decided about a parked item. A released arrival is kept again, so that the caller runs
// the flow on it; a released delivery is owed again, in its old place in the order. ErrResolved, and nothing changed,
// when somebody was first.
func (s *Store) Resolve(ctx context.Context, r Resolution) (Released, error) {
	switch r.Action {
	case ActionRelease, ActionReject, ActionSuperseded:
	default:
		return Released{}, fmt.Errorf("resolve item %d: there is no action %q", r.Item, r.Action)
	}
	var item ParkedItem
	err := s.do(ctx, newOp(0, func(t *tx) (err error) {
		item, err = t.resolve(r)
		return err
	}))
	if err != nil || r.Action != ActionRelease {
		return Released{}, err
	}
	if item.Delivery != 0 {
		d, err := s.delivery(ctx, item.Delivery)
		return Released{Delivery: d}, err
	}
	a, err := s.arrival(ctx, item.Arrival)
	return Released{Arrival: a}, err
}

func (t *tx) resolve(r Resolution) (ParkedItem, error) {
	var item ParkedItem
	err := t.query(func(scan func(...any) error) error { return scanParked(scan, &item) },
		"SELECT "+parkedColumns+" FROM parked WHERE id = ?", r.Item)
	switch {
	case err != nil:
		return item, err
	case item.ID == 0:
		return item, fmt.Errorf("resolve item %d: %w", r.Item, ErrUnknown)
	case item.Resolved != "":
		return item, fmt.Errorf("resolve item %d: %w", r.Item, ErrResolved)
	}
	_, err = t.exec("UPDATE parked SET resolved = ?, resolved_at = ?, resolved_by = ?, resolved_why = ? WHERE id = ?",
		r.Action, nanos(t.now), r.By, r.Why, r.Item)
	if err != nil {
		return item, err
	}
	t.count(countParked, -1)
	t.event(Event{What: EventResolved, Arrival: item.Arrival, Delivery: item.Delivery, Source: item.Source, Detail: r.Action})
	if item.Delivery != 0 {
		return item, t.resolveDelivery(item, r.Action)
	}
	return item, t.resolveArrival(item, r.Action)
}

func (t *tx) resolveArrival(item ParkedItem, action string) error {
	state := arrivalResolved
	if action == ActionRelease {
		state = arrivalAgain
		t.count(countKept, 1)
		t.count(countSettled, -1)
	}
	_, err := t.exec("UPDATE arrival SET state = ? WHERE id = ?", state, item.Arrival)
	return err
}

func (t *tx) resolveDelivery(item ParkedItem, action string) error {
	state, name := deliveryRejected, StateRejected
	if action == ActionRelease {
		state, name = deliveryOwed, StateOwed
	}
	t.countDelivery(item.Source, Parked, -1)
	t.countDelivery(item.Source, name, 1)
	_, err := t.exec("UPDATE delivery SET state = ?, not_before = 0 WHERE id = ?", state, item.Delivery)
	return err
}

// A parked delivery is shown with the arrival that it is owed for.
const parkedColumns = `id, CASE delivery WHEN 0 THEN arrival ELSE (SELECT d.arrival FROM delivery d WHERE d.id = parked.delivery) END, delivery, source, reason, hint, subject, at, resolved, resolved_at, resolved_by, resolved_why`

func scanParked(scan func(...any) error, p *ParkedItem) error {
	var at, resolved int64
	err := scan(&p.ID, &p.Arrival, &p.Delivery, &p.Source, &p.Reason, &p.Hint, &p.Subject, &at,
		&p.Resolved, &resolved, &p.ResolvedBy, &p.ResolvedWhy)
	p.At, p.ResolvedAt = fromNanos(at), fromNanos(resolved)
	return err
}

// Parked returns what waits for a person, oldest first. limit 0 means 100.
func (s *Store) Parked(ctx context.Context, limit int) ([]ParkedItem, error) {
	return s.parkedItems(ctx, "WHERE resolved = '' ORDER BY id LIMIT ?", atMost(limit, 100))
}

// AllParked returns the newest 1000 parked items, resolved or not, newest first.
func (s *Store) AllParked(ctx context.Context) ([]ParkedItem, error) {
	return s.parkedItems(ctx, "ORDER BY id DESC LIMIT ?", maxRows)
}

func (s *Store) parkedItems(ctx context.Context, where string, args ...any) ([]ParkedItem, error) {
	return list(ctx, s, scanParked, "SELECT "+parkedColumns+" FROM parked "+where, args...)
}
