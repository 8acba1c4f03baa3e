package central

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"rorpost/gateway/lab"
)

const orderColumns = "id, coalesce(key, ''), person, content, body, status, unit, collection, placed, changed, version"

func scanOrder(scan func(...any) error, o *OrderRecord) error {
	var placed, changed int64
	err := scan(&o.ID, &o.Key, &o.Person, &o.Content, &o.Body, &o.Status, &o.Unit, &o.Collection, &placed, &changed, &o.Version)
	o.Placed, o.Changed = fromNanos(placed), fromNanos(changed)
	return err
}

// orders reads orders with their specimens.
func orders(ctx context.Context, from querier, where string, args ...any) ([]OrderRecord, error) {
	found, err := list(ctx, from, scanOrder, "SELECT "+orderColumns+" FROM orders "+where, args...)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Specimens, err = list(ctx, from, scanSpecimen, "SELECT body FROM specimens WHERE of = ? ORDER BY place", found[i].ID)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func scanSpecimen(scan func(...any) error, s *lab.Specimen) error {
	var body []byte
	if err := scan(&body); err != nil {
		return err
	}
	return json.Unmarshal(body, s)
}

func orderOf(ctx context.Context, from querier, id string) (OrderRecord, error) {
	found, err := orders(ctx, from, "WHERE id = ?", id)
	if err == nil && len(found) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return OrderRecord{}, err
	}
	return found[0], nil
}

func (s *embedded) Place(ctx context.Context, o OrderRecord) (kept OrderRecord, fresh bool, err error) {
	err = s.write(ctx, func(t tx) error {
		before, err := orders(ctx, t, "WHERE id = ? OR key = ?", o.ID, nothing(o.Key))
		if err != nil {
			return err
		}
		if len(before) > 0 {
			if kept = before[0]; len(before) > 1 || kept.ID != o.ID || !bytes.Equal(kept.Content, o.Content) {
				return ErrContent
			}
			return nil
		}
		kept, fresh = o, true
		if _, err := t.exec("INSERT INTO orders (id, key, person, content, body, status, unit, collection, placed, changed, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
			o.ID, nothing(o.Key), o.Person, o.Content, o.Body, o.Status, o.Unit, o.Collection, nanos(o.Placed), nanos(o.Placed)); err != nil {
			return err
		}
		return t.event(o.ID, 1, o.Status, OrderEvent{What: "placed", At: o.Placed})
	})
	return kept, fresh && err == nil, err
}

// nothing is NULL for no text.
func nothing(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

func (t tx) event(id string, version int64, status lab.OrderStatus, e OrderEvent) error {
	_, err := t.exec("INSERT INTO events (of, version, at, what, unit, status, note) VALUES (?, ?, ?, ?, ?, ?, ?)",
		id, version, nanos(e.At), e.What, e.Unit, status, e.Note)
	return err
}

func (s *embedded) Order(ctx context.Context, id string) (OrderRecord, error) {
	return orderOf(ctx, s.r, id)
}

func (s *embedded) OrdersOf(ctx context.Context, person []byte, limit int) ([]OrderRecord, error) {
	return orders(ctx, s.r, "WHERE person = ? ORDER BY placed DESC, id LIMIT ?", person, limit)
}

func (s *embedded) OrdersWith(ctx context.Context, specimen string) ([]OrderRecord, error) {
	return orders(ctx, s.r, "WHERE id IN (SELECT of FROM specimens WHERE id = ?) ORDER BY id", specimen)
}

// Claim is the rule of P8: one UPDATE that finds the order free or changes nothing.
func (s *embedded) Claim(ctx context.Context, c Claim) (done bool, err error) {
	err = s.write(ctx, func(t tx) error {
		var version int64
		err := t.QueryRowContext(ctx, `UPDATE orders SET status = ?, unit = ?, collection = ?, changed = ?, version = version + 1
			WHERE id = ? AND (status = ? OR status = ? AND unit = ? AND collection <> ?) RETURNING version`,
			lab.Fetched, c.Unit, c.Collection, nanos(c.At), c.Order, lab.Ordered, lab.Fetched, c.Unit, c.Collection).Scan(&version)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		done = true
		return t.event(c.Order, version, lab.Fetched, OrderEvent{What: "claim", Unit: c.Unit, Note: c.Collection, At: c.At})
	})
	return done && err == nil, err
}

func (s *embedded) Advance(ctx context.Context, from, to OrderRecord, e OrderEvent) (done bool, err error) {
	err = s.write(ctx, func(t tx) error {
		n, err := t.exec("UPDATE orders SET status = ?, unit = ?, collection = ?, changed = ?, version = version + 1 WHERE id = ? AND version = ?",
			to.Status, to.Unit, to.Collection, nanos(e.At), from.ID, from.Version)
		if err != nil || n == 0 {
			return err
		}
		if len(from.Specimens) == 0 {
			if err := t.bind(from.ID, to.Specimens); err != nil {
				return err
			}
		}
		done = true
		return t.event(from.ID, from.Version+1, to.Status, e)
	})
	return done && err == nil, err
}

// bind keeps the specimens of an order. They are bound once: a tube never moves to another order.
func (t tx) bind(order string, specimens []lab.Specimen) error {
	for i, s := range specimens {
		body, err := json.Marshal(s)
		if err != nil {
			return err
		}
		_, err = t.exec("INSERT INTO specimens (id, of, place, body) VALUES (?, ?, ?, ?)", s.ID, order, i, body)
		if taken(err) {
			return ErrUsed
		}
		if err != nil {
			return err
		}
	}
	return nil
}
