package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
)

// The states of an arrival on disk.
const (
	arrivalAgain    = -1 // Kept again, after a release: there is a settlement already.
	arrivalKept     = 0
	arrivalSettled  = 1
	arrivalParked   = 2
	arrivalResolved = 3
)

func arrivalState(n int) string {
	switch n {
	case arrivalSettled:
		return Settled
	case arrivalParked:
		return Parked
	case arrivalResolved:
		return Resolved
	}
	return Kept
}

// Accept keeps an arrival. When it returns without an error the bytes are on disk and may be acknowledged (P1).
//
// An arrival whose control id and bytes have come from the same source before is a Repeat: nothing is kept, and the
// receipt names the first one and what it was answered (P2). One with other bytes is Changed: kept, and flagged. Bytes
// without a control id are always New. An error is a lab.Fault that asks for a retry, or ctx's.
func (s *Store) Accept(ctx context.Context, a Arrival) (Receipt, error) {
	hash := bodyHash(a.Body)
	var r Receipt
	o := newOp(len(a.Body), func(t *tx) (err error) {
		r, err = t.keep(a, hash)
		return err
	})
	if err := s.do(ctx, o); err != nil {
		return Receipt{}, err
	}
	return r, nil
}

func bodyHash(body []byte) []byte {
	h := sha256.Sum256(body)
	return h[:16]
}

// keep decides whether an arrival is new, and keeps it if it is. The usual case costs no question: the INSERT does
// nothing when the control id is known.
func (t *tx) keep(a Arrival, hash []byte) (Receipt, error) {
	if a.At.IsZero() {
		a.At = t.now
	}
	a.ID, a.State, a.Changes = t.id(), Kept, 0
	r := Receipt{Arrival: a, Verdict: New}
	inserted, err := t.insertArrival(&r.Arrival, hash)
	if err != nil {
		return r, err
	}
	if !inserted {
		first, err := t.earlier(a, hash, &r)
		if err != nil {
			return r, err
		}
		if r.Verdict == Repeat {
			t.count(countRepeat, 1)
			return r, t.answered(first, &r)
		}
		r.Arrival.Changes, r.Verdict = first, Changed
		t.count(countChanged, 1)
		if _, err := t.insertArrival(&r.Arrival, hash); err != nil {
			return r, err
		}
	}
	if err := t.putBytes(a.ID, a.Body); err != nil {
		return r, err
	}
	t.counts[counter{countArrival, string(a.Kind), ""}]++
	t.count(countKept, 1)
	t.event(Event{What: EventKept, Arrival: a.ID, Source: a.Source, Kind: string(a.Kind), Detail: r.Verdict.String()})
	return r, nil
}

func (t *tx) insertArrival(a *Arrival, hash []byte) (bool, error) {
	n, err := t.exec(`INSERT INTO arrival (id, at, kind, source, peer, control, incomplete, changes, size, hash, state, settlement)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (control, source) WHERE control <> '' AND changes = 0 DO NOTHING`,
		a.ID, nanos(a.At), string(a.Kind), a.Source, a.Peer, a.Control, a.Incomplete, a.Changes, len(a.Body), hash)
	return n > 0, err
}

func (t *tx) putBytes(id int64, data []byte) error {
	_, err := t.exec("INSERT INTO bytes (id, data) VALUES (?, ?)", id, blob(data))
	return err
}

// blob makes no bytes an empty value instead of NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// earlier returns the first arrival with the same source and control id, or 0; when one of them has the same bytes it
// returns that one and the verdict is Repeat.
func (t *tx) earlier(a Arrival, hash []byte, r *Receipt) (first int64, err error) {
	err = t.query(func(scan func(...any) error) error {
		var id int64
		var h []byte
		if err := scan(&id, &h); err != nil {
			return err
		}
		switch {
		case r.Verdict == Repeat:
		case string(h) == string(hash):
			first, r.Verdict = id, Repeat
		case first == 0:
			first = id
		}
		return nil
	}, `SELECT id, hash FROM arrival WHERE control = ?1 AND source = ?2 AND control <> '' AND changes = 0
		UNION ALL SELECT id, hash FROM arrival WHERE control = ?1 AND source = ?2 AND changes <> 0`, a.Control, a.Source)
	return first, err
}

// answered fills in the first arrival and its reply.
func (t *tx) answered(id int64, r *Receipt) error {
	return t.query(func(scan func(...any) error) error {
		return scanArrival(scan, &r.Arrival, &r.Reply)
	}, `SELECT `+arrivalColumns+`, s.reply FROM arrival a LEFT JOIN bytes b ON b.id = a.id
		LEFT JOIN settlement s ON s.id = a.settlement AND a.state > 0 WHERE a.id = ?`, id)
}

const arrivalColumns = "a.id, a.at, a.kind, a.source, a.peer, a.control, a.incomplete, a.changes, a.state, b.data"

// scanArrival reads arrivalColumns and what follows them.
func scanArrival(scan func(...any) error, a *Arrival, more ...any) error {
	var at int64
	var state int
	err := scan(append([]any{&a.ID, &at, &a.Kind, &a.Source, &a.Peer, &a.Control, &a.Incomplete, &a.Changes,
		&state, &a.Body}, more...)...)
	a.At, a.State = fromNanos(at), arrivalState(state)
	return err
}

// Session is one transmission that is acknowledged frame by frame. It is used by one goroutine.
type Session struct {
	store        *Store
	source, peer string
	id           int64
	frames       int64
}

// Begin starts a session. It does no I/O: a session without frames leaves no trace.
func (s *Store) Begin(source, peer string) *Session {
	return &Session{store: s, source: source, peer: peer}
}

// Keep keeps one frame. When it returns without an error the frame is on disk and may be acknowledged (P1).
func (x *Session) Keep(ctx context.Context, frame []byte) error {
	var id int64
	o := newOp(len(frame), func(t *tx) error {
		if id = x.id; id == 0 {
			id = t.id()
			_, err := t.exec("INSERT INTO session (id, at, source, peer) VALUES (?, ?, ?, ?)",
				id, nanos(t.now), x.source, x.peer)
			if err != nil {
				return err
			}
		}
		_, err := t.exec("INSERT INTO frame (session, n, data) VALUES (?, ?, ?)", id, x.frames, blob(frame))
		return err
	})
	if err := x.store.do(ctx, o); err != nil {
		return err
	}
	x.id = id
	x.frames++
	return nil
}

// Seal joins the frames to one arrival, as Accept would keep it; complete tells whether the sender ended it. Without
// frames it returns a zero receipt. The session may be used again for the next transmission.
func (x *Session) Seal(ctx context.Context, control string, complete bool) (Receipt, error) {
	if x.id == 0 {
		return Receipt{}, nil
	}
	var r Receipt
	o := newOp(0, func(t *tx) error { return t.seal(x.id, control, complete, &r) })
	if err := x.store.do(ctx, o); err != nil {
		return Receipt{}, err
	}
	x.id, x.frames = 0, 0
	return r, nil
}

// seal turns a session into an arrival.
func (t *tx) seal(id int64, control string, complete bool, r *Receipt) error {
	a := Arrival{Kind: KindASTM, Control: control, Incomplete: !complete}
	var at int64
	err := t.conn.QueryRowContext(context.Background(), "SELECT at, source, peer FROM session WHERE id = ?", id).
		Scan(&at, &a.Source, &a.Peer)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("seal session %d: %w", id, ErrUnknown)
	}
	if err != nil {
		return err
	}
	a.At = fromNanos(at)
	err = t.query(func(scan func(...any) error) error {
		var frame []byte
		err := scan(&frame)
		a.Body = append(a.Body, frame...)
		return err
	}, "SELECT data FROM frame WHERE session = ? ORDER BY n", id)
	if err != nil {
		return err
	}
	if *r, err = t.keep(a, bodyHash(a.Body)); err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM frame WHERE session = ?", id); err != nil {
		return err
	}
	_, err = t.exec("DELETE FROM session WHERE id = ?", id)
	return err
}
