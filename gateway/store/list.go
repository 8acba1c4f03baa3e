package store

import (
	"context"
	"encoding/json"
	"math"
	"slices"
)

const rowColumns = `a.id, a.at, a.kind, a.source, a.peer, a.control, a.incomplete, a.changes, a.state, a.size,
	coalesce(s.decision, ''), coalesce(s.rule, ''), coalesce(s.note, ''),
	(SELECT count(*) FROM delivery d WHERE d.arrival = a.id),
	(SELECT count(*) FROM delivery d WHERE d.arrival = a.id AND d.state IN (0, 2))`

func scanRow(scan func(...any) error, r *ArrivalRow) error {
	var at int64
	var state int
	err := scan(&r.ID, &at, &r.Kind, &r.Source, &r.Peer, &r.Control, &r.Incomplete, &r.Changes, &state, &r.Size,
		&r.Decision, &r.Rule, &r.Note, &r.Deliveries, &r.Owed)
	r.At, r.State = fromNanos(at), arrivalState(state)
	return err
}

// Arrivals returns arrivals, newest first.
func (s *Store) Arrivals(ctx context.Context, q Query) ([]ArrivalRow, error) {
	if q.Before <= 0 {
		q.Before = math.MaxInt64
	}
	q.Limit = atMost(q.Limit, 50)
	if q.Text != "" {
		return s.lookUp(ctx, q)
	}
	return s.rows(ctx, q, "a.id < ?1", q.Before)
}

// rows selects by a condition, whose one argument is ?1, and by the source and state of the query.
func (s *Store) rows(ctx context.Context, q Query, condition string, arg any) ([]ArrivalRow, error) {
	return list(ctx, s, scanRow, "SELECT "+rowColumns+` FROM arrival a LEFT JOIN settlement s ON s.id = a.settlement
		WHERE `+condition+` AND (?2 = '' OR a.source = ?2) AND (?3 = '' OR
			a.state BETWEEN (CASE ?3 WHEN 'kept' THEN -1 WHEN 'settled' THEN 1 WHEN 'parked' THEN 2 WHEN 'resolved' THEN 3 END)
			AND (CASE ?3 WHEN 'kept' THEN 0 WHEN 'settled' THEN 1 WHEN 'parked' THEN 2 WHEN 'resolved' THEN 3 END))
		ORDER BY a.id DESC LIMIT ?4`, arg, q.Source, q.State, q.Limit)
}

// lookUp finds arrivals by a search key: in the index, among the settlements that the index has not seen yet, and by
// the sender's control id.
func (s *Store) lookUp(ctx context.Context, q Query) ([]ArrivalRow, error) {
	hash := s.blind(q.Text)
	ids, fed, err := s.search.find(hash, q.Before, maxRows)
	if err != nil {
		return nil, err
	}
	scan := func(scan func(...any) error, id *int64) error { return scan(id) }
	fresh, err := list(ctx, s, scan, "SELECT arrival FROM settlement WHERE id > ? AND instr(keys, ?) > 0 AND arrival < ?",
		fed, hash, q.Before)
	if err != nil {
		return nil, err
	}
	control, err := list(ctx, s, scan, `SELECT id FROM arrival WHERE control = ?1 AND control <> '' AND changes = 0 AND id < ?2
		UNION ALL SELECT id FROM arrival WHERE control = ?1 AND changes <> 0 AND id < ?2 LIMIT ?3`, q.Text, q.Before, maxRows)
	if err != nil {
		return nil, err
	}
	set, err := json.Marshal(slices.Concat(ids, fresh, control))
	if err != nil {
		return nil, err
	}
	return s.rows(ctx, q, "a.id IN (SELECT value FROM json_each(?1))", string(set))
}
