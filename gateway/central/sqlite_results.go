package central

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"rorpost/gateway/lab"
)

func (s *embedded) KeepResult(ctx context.Context, r ResultRecord) (id int64, fresh bool, err error) {
	err = s.write(ctx, func(t tx) error {
		before, err := list(ctx, t, func(scan func(...any) error, b *ResultRecord) error {
			return scan(&b.ID, &b.Content)
		}, "SELECT id, content FROM results WHERE unit = ? AND key = ?", r.Unit, r.Key)
		if err != nil {
			return err
		}
		if len(before) > 0 {
			id = before[0].ID
			if !bytes.Equal(before[0].Content, r.Content) {
				return ErrContent
			}
			return nil
		}
		fresh = true
		return t.QueryRowContext(ctx, "INSERT INTO results (unit, key, person, content, of, body, received) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
			r.Unit, r.Key, r.Person, r.Content, r.Order, r.Body, nanos(r.Received)).Scan(&id)
	})
	return id, fresh && err == nil, err
}

func scanResult(scan func(...any) error, r *ResultRecord) error {
	var received int64
	err := scan(&r.ID, &r.Unit, &r.Key, &r.Person, &r.Content, &r.Order, &r.Body, &received, &r.Attempts)
	r.Received = fromNanos(received)
	return err
}

// Lease skips a result while an earlier one of the same person is in somebody's hands: a correction must not come
// before what it corrects (P11).
func (s *embedded) Lease(ctx context.Context, l Lease) (out []ResultRecord, err error) {
	err = s.write(ctx, func(t tx) error {
		out, err = list(ctx, t, scanResult, `UPDATE results SET lease = ?1, consumer = ?2, until = ?3, attempts = attempts + 1
			WHERE id IN (SELECT r.id FROM results r WHERE r.acknowledged = 0 AND r.until <= ?4 AND NOT EXISTS
				(SELECT 1 FROM results e WHERE e.person = r.person AND e.id < r.id AND e.acknowledged = 0 AND e.until > ?4)
				ORDER BY r.id LIMIT ?5)
			RETURNING id, unit, key, person, content, of, body, received, attempts`,
			l.Token, l.Consumer, nanos(l.Until), nanos(l.Now), l.Max)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The rows of RETURNING come in no order that SQLite promises.
	slices.SortFunc(out, func(a, b ResultRecord) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Acknowledge takes a late acknowledgement too, as long as nobody else has leased the result since.
func (s *embedded) Acknowledge(ctx context.Context, lease string, ids []int64, now time.Time) (lost []int64, err error) {
	return s.settle(ctx, ids, func(t tx, id int64) (int64, error) {
		return t.exec("UPDATE results SET acknowledged = max(acknowledged, ?) WHERE id = ? AND lease = ?", nanos(now), id, lease)
	})
}

func (s *embedded) GiveBack(ctx context.Context, lease string, ids []int64, why string) (lost []int64, err error) {
	return s.settle(ctx, ids, func(t tx, id int64) (int64, error) {
		return t.exec("UPDATE results SET until = 0, why = ? WHERE id = ? AND lease = ? AND acknowledged = 0", why, id, lease)
	})
}

// settle applies one UPDATE to every id in one transaction, and returns those that it did not find.
func (s *embedded) settle(ctx context.Context, ids []int64, update func(tx, int64) (int64, error)) (lost []int64, err error) {
	err = s.write(ctx, func(t tx) error {
		lost = nil
		for _, id := range ids {
			n, err := update(t, id)
			if err != nil {
				return err
			}
			if n == 0 {
				lost = append(lost, id)
			}
		}
		return nil
	})
	return lost, err
}

func (s *embedded) Seen(ctx context.Context, unit string, report []byte, now time.Time) error {
	return s.write(ctx, func(t tx) error {
		if report == nil {
			_, err := t.exec(`INSERT INTO units (id, seen, reported) VALUES (?, ?, 0)
				ON CONFLICT (id) DO UPDATE SET seen = max(seen, excluded.seen)`, unit, nanos(now))
			return err
		}
		_, err := t.exec(`INSERT INTO units (id, seen, reported, report) VALUES (?1, ?2, ?2, ?3)
			ON CONFLICT (id) DO UPDATE SET seen = max(seen, ?2), reported = ?2, report = ?3`, unit, nanos(now), report)
		return err
	})
}

func (s *embedded) Units(ctx context.Context) ([]UnitRecord, error) {
	return list(ctx, s.r, func(scan func(...any) error, u *UnitRecord) error {
		var seen, reported int64
		err := scan(&u.ID, &seen, &reported, &u.Report)
		u.Seen, u.Reported = fromNanos(seen), fromNanos(reported)
		return err
	}, "SELECT id, seen, reported, report FROM units ORDER BY id")
}

func (s *embedded) Stats(ctx context.Context, now time.Time) (Stats, error) {
	out := Stats{Orders: map[lab.OrderStatus]int64{}}
	type count struct {
		status lab.OrderStatus
		n      int64
	}
	counts, err := list(ctx, s.r, func(scan func(...any) error, c *count) error { return scan(&c.status, &c.n) },
		"SELECT status, count(*) FROM orders GROUP BY status")
	if err != nil {
		return Stats{}, err
	}
	for _, c := range counts {
		out.Orders[c.status] = c.n
	}
	var oldest, all int64
	err = s.r.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE until > ?), coalesce(min(received), 0),
		(SELECT count(*) FROM results) FROM results WHERE acknowledged = 0`, nanos(now)).Scan(&out.Waiting, &out.Leased, &oldest, &all)
	out.Oldest, out.Acknowledged = fromNanos(oldest), all-out.Waiting
	return out, err
}
