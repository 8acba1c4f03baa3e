package store

import (
	"context"
	"fmt"
	"time"
)

// Record adds an attempt to the history of a delivery and changes its state, together with what is owed in
// consequence (Then), which it returns. ErrNotOwed, and nothing changed, when the delivery is not owed any more.
func (s *Store) Record(ctx context.Context, o Outcome) ([]Delivery, error) {
	state, err := stateAfter(o.Class)
	if err != nil {
		return nil, fmt.Errorf("record delivery %d: %w", o.Delivery, err)
	}
	size := 0
	for _, then := range o.Then {
		size += len(then.Payload)
	}
	var out []Delivery
	err = s.do(ctx, newOp(size, func(t *tx) (err error) {
		out, err = t.record(o, state)
		return err
	}))
	if err != nil {
		return nil, err
	}
	return out, nil
}

func stateAfter(class string) (int, error) {
	switch class {
	case ClassDelivered:
		return deliveryDelivered, nil
	case ClassRetry, ClassUnconfirmed:
		return deliveryOwed, nil
	case ClassPark:
		return deliveryParked, nil
	}
	return 0, fmt.Errorf("there is no class %q", class)
}

func (t *tx) record(o Outcome, state int) ([]Delivery, error) {
	d, err := t.owedDelivery(o.Delivery)
	if err != nil {
		return nil, err
	}
	lastError := o.Detail
	if state == deliveryDelivered {
		lastError = ""
	}
	_, err = t.exec("UPDATE delivery SET state = ?, attempts = ?, not_before = ?, last_error = ? WHERE id = ?",
		state, d.Attempts+1, nanos(o.NotBefore), lastError, o.Delivery)
	if err != nil {
		return nil, err
	}
	_, err = t.exec("INSERT INTO attempt (delivery, n, at, class, detail, hint) VALUES (?, ?, ?, ?, ?, ?)",
		o.Delivery, d.Attempts+1, nanos(t.now), o.Class, o.Detail, o.Hint)
	if err != nil {
		return nil, err
	}
	if state == deliveryParked {
		if err := t.parkDelivery(d.ID, d.Destination, d.Subject, o); err != nil {
			return nil, err
		}
	}
	if state != deliveryOwed {
		t.countDelivery(d.Destination, StateOwed, -1)
		t.countDelivery(d.Destination, deliveryState(state), 1)
	}
	t.event(outcomeEvent(d, o, state))
	return t.owe(d.Arrival, o.Then)
}

// owedDelivery reads what Record needs to know of a delivery that is owed.
func (t *tx) owedDelivery(id int64) (Delivery, error) {
	d := Delivery{ID: id}
	refusal := ErrUnknown
	err := t.query(func(scan func(...any) error) error {
		var state int
		err := scan(&d.Arrival, &d.Destination, &d.Kind, &d.Subject, &d.Label, &d.Attempts, &state)
		if refusal = nil; state != deliveryOwed {
			refusal = ErrNotOwed
		}
		return err
	}, "SELECT arrival, destination, kind, subject, label, attempts, state FROM delivery WHERE id = ?", id)
	if err == nil && refusal != nil {
		err = fmt.Errorf("record delivery %d: %w", id, refusal)
	}
	return d, err
}

func outcomeEvent(d Delivery, o Outcome, state int) Event {
	e := Event{
		What: EventRetry, Arrival: d.Arrival, Delivery: d.ID, Destination: d.Destination, Kind: d.Kind,
		Label: d.Label, Detail: o.Detail,
	}
	switch state {
	case deliveryDelivered:
		e.What = EventDelivered
	case deliveryParked:
		e.What = EventDeliveryParked
	}
	return e
}

// Prune removes the bytes of at most max arrivals that came before the given time: those of arrivals that are settled
// or resolved and of their deliveries, when none of these is owed or parked (P5). What happened stays on record. It
// returns how many arrivals it has pruned; call it again until that is 0. Small steps of 50 to 100 keep senders from
// waiting. It may be called while the store has failed for want of room.
func (s *Store) Prune(ctx context.Context, before time.Time, max int) (int, error) {
	ids, err := s.prunable(ctx, before, max)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	pruned := 0
	o := newOp(0, func(t *tx) error {
		pruned = 0
		for _, id := range ids {
			n, err := t.prune(id)
			if err != nil {
				return err
			}
			pruned += n
		}
		return nil
	})
	o.freesRoom = true
	if err := s.do(ctx, o); err != nil {
		return 0, err
	}
	return pruned, nil
}

// mayBePruned is the whole rule of retention: decided by a state that is final, and nothing open.
const mayBePruned = `a.state IN (1, 3)
	AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.arrival = a.id AND d.state IN (0, 2))
	AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.arrival = a.id AND p.arrival <> 0 AND p.resolved = '')`

func (s *Store) prunable(ctx context.Context, before time.Time, max int) ([]int64, error) {
	return list(ctx, s, func(scan func(...any) error, id *int64) error { return scan(id) },
		`SELECT a.id FROM bytes b JOIN arrival a ON a.id = b.id WHERE a.at < ? AND `+mayBePruned+` ORDER BY b.id LIMIT ?`,
		nanos(before), atMost(max, 100))
}

// prune asks again, since the arrival may have changed while it waited.
func (t *tx) prune(id int64) (int, error) {
	n, err := t.exec(`DELETE FROM bytes WHERE id = ? AND EXISTS (SELECT 1 FROM arrival a WHERE a.id = bytes.id AND `+mayBePruned+`)`, id)
	if err != nil || n == 0 {
		return 0, err
	}
	_, err = t.exec("DELETE FROM bytes WHERE id IN (SELECT id FROM delivery WHERE arrival = ?)", id)
	return 1, err
}
