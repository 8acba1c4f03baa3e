package store

import (
	"context"
	"fmt"
)

const maxRows = 1000

func atMost(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return min(n, maxRows)
}

// list reads rows on a connection that cannot write, within the deadline of readers.
func list[T any](ctx context.Context, s *Store, scan func(func(...any) error, *T) error, q string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	var out []T
	err = each(rows, func(row func(...any) error) error {
		var v T
		err := scan(row, &v)
		out = append(out, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// one reads at most one row into dest and reports whether there was one.
func (s *Store) one(ctx context.Context, dest []any, q string, args ...any) (bool, error) {
	rows, err := list(ctx, s, func(scan func(...any) error, _ *struct{}) error { return scan(dest...) }, q, args...)
	return len(rows) > 0, err
}

// Unsettled returns what is kept and not settled, in the order of arrival, as far as 1000: settle them and ask again.
func (s *Store) Unsettled(ctx context.Context) ([]Arrival, error) {
	return list(ctx, s, scanOneArrival, `SELECT `+arrivalColumns+` FROM arrival a LEFT JOIN bytes b ON b.id = a.id
		WHERE a.state <= 0 ORDER BY a.id LIMIT ?`, maxRows)
}

func scanOneArrival(scan func(...any) error, a *Arrival) error { return scanArrival(scan, a) }

func (s *Store) arrival(ctx context.Context, id int64) (*Arrival, error) {
	found, err := list(ctx, s, scanOneArrival, `SELECT `+arrivalColumns+` FROM arrival a LEFT JOIN bytes b ON b.id = a.id
		WHERE a.id = ?`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("read arrival %d: %w", id, ErrUnknown)
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

const deliveryColumns = `d.id, d.arrival, d.key, d.destination, d.lane, d.kind, d.subject, d.label, b.data, d.owed_at,
	d.state, d.attempts, d.not_before, d.last_error`

func scanDelivery(scan func(...any) error, d *Delivery) error {
	var owed, notBefore int64
	var state int
	err := scan(&d.ID, &d.Arrival, &d.Key, &d.Destination, &d.Lane, &d.Kind, &d.Subject, &d.Label, &d.Payload, &owed,
		&state, &d.Attempts, &notBefore, &d.LastError)
	d.OwedAt, d.NotBefore, d.State = fromNanos(owed), fromNanos(notBefore), deliveryState(state)
	return err
}

func (s *Store) deliveries(ctx context.Context, where string, args ...any) ([]Delivery, error) {
	return list(ctx, s, scanDelivery,
		"SELECT "+deliveryColumns+" FROM delivery d LEFT JOIN bytes b ON b.id = d.payload "+where, args...)
}

func (s *Store) delivery(ctx context.Context, id int64) (*Delivery, error) {
	found, err := s.deliveries(ctx, "WHERE d.id = ?", id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("read delivery %d: %w", id, ErrUnknown)
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// Owed returns what is owed to a destination and comes after the given delivery, in order. limit 0 means 256.
func (s *Store) Owed(ctx context.Context, destination string, after int64, limit int) ([]Delivery, error) {
	return s.deliveries(ctx, "WHERE d.destination = ? AND d.id > ? AND d.state = 0 ORDER BY d.id LIMIT ?",
		destination, after, atMost(limit, 256))
}

// Binding returns the order that a specimen is bound to.
func (s *Store) Binding(ctx context.Context, specimen string) (Binding, bool, error) {
	b := Binding{Specimen: specimen}
	found, err := s.one(ctx, []any{&b.Order, &b.Body}, "SELECT of_order, body FROM binding WHERE specimen = ?", specimen)
	return b, found, err
}

// OrderBindings returns the specimens that are bound to an order.
func (s *Store) OrderBindings(ctx context.Context, order string) ([]Binding, error) {
	return list(ctx, s, func(scan func(...any) error, b *Binding) error {
		return scan(&b.Specimen, &b.Order, &b.Body)
	}, "SELECT specimen, of_order, body FROM binding WHERE of_order = ? ORDER BY specimen", order)
}

// Revision returns the last state of one observation.
func (s *Store) Revision(ctx context.Context, key string) (Revision, bool, error) {
	r := Revision{Key: key}
	var at int64
	found, err := s.one(ctx, []any{&r.Status, &r.Value, &at}, "SELECT status, value, at FROM revision WHERE key = ?", key)
	r.At = fromNanos(at)
	return r, found, err
}

// DeskState returns the collection in progress at a desk, or nil.
func (s *Store) DeskState(ctx context.Context, name string) ([]byte, error) {
	var state []byte
	_, err := s.one(ctx, []any{&state}, "SELECT state FROM desk WHERE name = ?", name)
	return state, err
}

// Arrival returns everything that is known of one arrival.
func (s *Store) Arrival(ctx context.Context, id int64) (ArrivalDetail, error) {
	a, err := s.arrival(ctx, id)
	if err != nil {
		return ArrivalDetail{}, err
	}
	out := ArrivalDetail{Arrival: *a}
	out.Settlements, err = list(ctx, s, scanSettling, "SELECT at, decision, rule, note, reply FROM settlement WHERE id IN ("+
		settlementsOf+") ORDER BY id", id)
	if err != nil {
		return out, err
	}
	deliveries, err := s.deliveries(ctx, "WHERE d.arrival = ? ORDER BY d.id", id)
	if err != nil {
		return out, err
	}
	for _, d := range deliveries {
		history, err := s.history(ctx, d.ID)
		if err != nil {
			return out, err
		}
		out.Deliveries = append(out.Deliveries, DeliveryDetail{Delivery: d, History: history})
	}
	out.Parked, err = s.parkedItems(ctx, `WHERE id IN (SELECT id FROM parked WHERE arrival = ?1 AND arrival <> 0
		UNION SELECT p.id FROM delivery d JOIN parked p ON p.delivery = d.id AND p.delivery <> 0 WHERE d.arrival = ?1)
		ORDER BY id`, id)
	return out, err
}

// settlementsOf follows an arrival's settlements from the last to the first.
const settlementsOf = `WITH RECURSIVE chain (id) AS (SELECT settlement FROM arrival WHERE id = ?
	UNION SELECT s.previous FROM chain JOIN settlement s ON s.id = chain.id) SELECT id FROM chain`

func scanSettling(scan func(...any) error, s *Settling) error {
	var at int64
	err := scan(&at, &s.Decision, &s.Rule, &s.Note, &s.Reply)
	s.At = fromNanos(at)
	return err
}

func (s *Store) history(ctx context.Context, delivery int64) ([]Attempt, error) {
	return list(ctx, s, func(scan func(...any) error, a *Attempt) error {
		var at int64
		err := scan(&a.N, &at, &a.Class, &a.Detail, &a.Hint)
		a.At = fromNanos(at)
		return err
	}, "SELECT n, at, class, detail, hint FROM attempt WHERE delivery = ? ORDER BY n", delivery)
}
