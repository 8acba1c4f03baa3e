package store

import (
	"bytes"
	"context"
	"fmt"
)

// The states of a delivery on disk.
const (
	deliveryOwed      = 0
	deliveryDelivered = 1
	deliveryParked    = 2
	deliveryRejected  = 3
)

func deliveryState(n int) string {
	switch n {
	case deliveryDelivered:
		return StateDelivered
	case deliveryParked:
		return Parked
	case deliveryRejected:
		return StateRejected
	}
	return StateOwed
}

// Settle records what an arrival meant and everything that is owed for it, in one transaction (P4), and returns the
// deliveries in the order of Owed. ErrSettled, and nothing changed, when the arrival is settled already. After a
// release, deliveries whose key the arrival owes already are left as they are and not returned (P2).
func (s *Store) Settle(ctx context.Context, t Settlement) ([]Delivery, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	keys := s.blindAll(t.Keys)
	size := len(t.Reply)
	for _, o := range t.Owed {
		size += len(o.Payload)
	}
	var out []Delivery
	o := newOp(size, func(x *tx) (err error) {
		out, err = x.settle(t, keys)
		return err
	})
	if err := s.do(ctx, o); err != nil {
		return nil, err
	}
	s.search.poke()
	return out, nil
}

func (t *Settlement) check() error {
	seen := make(map[string]bool, len(t.Owed))
	for _, o := range t.Owed {
		if o.Key == "" || o.Destination == "" {
			return fmt.Errorf("settle arrival %d: a delivery has no key or no destination", t.Arrival)
		}
		if seen[o.Key] {
			return fmt.Errorf("settle arrival %d: two deliveries have the key %s", t.Arrival, o.Key)
		}
		seen[o.Key] = true
	}
	return nil
}

func (t *tx) settle(m Settlement, keys []byte) ([]Delivery, error) {
	state, what := arrivalSettled, EventSettled
	if m.Park != nil {
		state, what = arrivalParked, EventParked
	}
	again, err := t.decide(m, state, keys)
	if err != nil {
		return nil, err
	}
	if again {
		if m.Owed, err = t.notOwedYet(m.Arrival, m.Owed); err != nil {
			return nil, err
		}
	}
	deliveries, err := t.owe(m.Arrival, m.Owed)
	if err != nil {
		return nil, err
	}
	if err := t.remember(m); err != nil {
		return nil, err
	}
	e := Event{What: what, Arrival: m.Arrival, Decision: m.Decision, Detail: m.Rule}
	if m.Park != nil {
		e.Detail = m.Park.Reason
		if err := t.parkArrival(m.Arrival, m.Park); err != nil {
			return nil, err
		}
	}
	t.count(countKept, -1)
	t.count(countSettled, 1)
	t.event(e)
	return deliveries, nil
}

// decide records the decision; again tells that the arrival was settled before and released.
func (t *tx) decide(m Settlement, state int, keys []byte) (again bool, err error) {
	id, previous := t.id(), int64(0)
	n, err := t.exec("UPDATE arrival SET state = ?, settlement = ? WHERE id = ? AND state = 0", state, id, m.Arrival)
	if err != nil {
		return false, err
	}
	if n == 0 {
		again = true
		if previous, err = t.lastSettlement(m.Arrival); err != nil {
			return false, err
		}
		if _, err := t.exec("UPDATE arrival SET state = ?, settlement = ? WHERE id = ?", state, id, m.Arrival); err != nil {
			return false, err
		}
	}
	_, err = t.exec(`INSERT INTO settlement (id, previous, arrival, at, decision, rule, note, reply, keys)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, previous, m.Arrival, nanos(t.now), m.Decision, m.Rule, m.Note, m.Reply, keys)
	return again, err
}

// lastSettlement returns the settlement of an arrival that was released, and refuses any other arrival.
func (t *tx) lastSettlement(arrival int64) (id int64, err error) {
	refusal := ErrUnknown
	err = t.query(func(scan func(...any) error) error {
		var state int
		err := scan(&id, &state)
		if refusal = ErrSettled; state == arrivalAgain {
			refusal = nil
		}
		return err
	}, "SELECT settlement, state FROM arrival WHERE id = ?", arrival)
	if err == nil && refusal != nil {
		err = fmt.Errorf("settle arrival %d: %w", arrival, refusal)
	}
	return id, err
}

// notOwedYet leaves out what an earlier settlement of the same arrival owes.
func (t *tx) notOwedYet(arrival int64, owed []Owed) ([]Owed, error) {
	have := map[string]bool{}
	err := t.query(func(scan func(...any) error) error {
		var key string
		err := scan(&key)
		have[key] = true
		return err
	}, "SELECT key FROM delivery WHERE arrival = ?", arrival)
	var out []Owed
	for _, o := range owed {
		if !have[o.Key] {
			out = append(out, o)
		}
	}
	return out, err
}

// owe records deliveries. Equal payloads of one settlement are stored once.
func (t *tx) owe(arrival int64, owed []Owed) ([]Delivery, error) {
	out := make([]Delivery, 0, len(owed))
	for _, o := range owed {
		d := Delivery{
			ID: t.id(), Arrival: arrival, Key: o.Key, Destination: o.Destination, Lane: o.Lane, Kind: o.Kind,
			Subject: o.Subject, Label: o.Label, Payload: o.Payload, OwedAt: t.now, State: StateOwed,
		}
		payload := d.ID
		for _, sibling := range out {
			if bytes.Equal(sibling.Payload, o.Payload) {
				payload = sibling.ID
				break
			}
		}
		if payload == d.ID {
			if err := t.putBytes(d.ID, o.Payload); err != nil {
				return nil, err
			}
		}
		_, err := t.exec(`INSERT INTO delivery (id, arrival, key, destination, lane, kind, subject, label, payload,
			owed_at, state, attempts, not_before, last_error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '')`,
			d.ID, arrival, o.Key, o.Destination, o.Lane, o.Kind, o.Subject, o.Label, payload, nanos(t.now))
		if err != nil {
			return nil, err
		}
		t.countDelivery(o.Destination, StateOwed, 1)
		out = append(out, d)
	}
	return out, nil
}

// remember records what a settlement changes beside its deliveries.
func (t *tx) remember(m Settlement) error {
	for _, b := range m.Bindings {
		_, err := t.exec("INSERT OR REPLACE INTO binding (specimen, of_order, body) VALUES (?, ?, ?)",
			b.Specimen, b.Order, blob(b.Body))
		if err != nil {
			return err
		}
	}
	for _, r := range m.Revisions {
		_, err := t.exec("INSERT OR REPLACE INTO revision (key, status, value, at) VALUES (?, ?, ?, ?)",
			r.Key, r.Status, r.Value, nanos(r.At))
		if err != nil {
			return err
		}
	}
	for _, id := range m.Supersedes {
		if err := t.supersede(id, m.Arrival); err != nil {
			return err
		}
	}
	return t.setDesk(m.Desk)
}

func (t *tx) setDesk(d *Desk) error {
	if d == nil {
		return nil
	}
	if d.State == nil {
		_, err := t.exec("DELETE FROM desk WHERE name = ?", d.Name)
		return err
	}
	_, err := t.exec("INSERT OR REPLACE INTO desk (name, state) VALUES (?, ?)", d.Name, d.State)
	return err
}
