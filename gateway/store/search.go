package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	searchFile    = "search.db"
	searchVersion = 1
	feedRows      = 2000                   // Settlements in one transaction of the index.
	feedTogether  = 64                     // Rows in one statement.
	feedPause     = 200 * time.Millisecond // Gathers work for the index, which is in no hurry.
)

// search is the index that people look things up by. It is derived from truth.db, needs no sync, and is made anew when
// it is missing, damaged, or of another epoch.
type search struct {
	mu     sync.Mutex // The engine is used by the feeder and by queries.
	engine *engine
	fed    int64 // The last settlement that is in.
	wanted chan struct{}
}

func openSearch(ctx context.Context, dir, epoch string) (*search, error) {
	path := filepath.Join(dir, searchFile)
	x, err := tryOpenSearch(ctx, path, epoch)
	if err == nil {
		return x, nil
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return tryOpenSearch(ctx, path, epoch)
}

func tryOpenSearch(ctx context.Context, path, epoch string) (*search, error) {
	e, err := openEngine(ctx, path, "busy_timeout(5000)", "synchronous(OFF)", "cache_size(-8192)")
	if err != nil {
		return nil, err
	}
	x := &search{engine: e, wanted: make(chan struct{}, 1)}
	if err := x.prepare(ctx, epoch); err != nil {
		return nil, errors.Join(err, e.close())
	}
	x.poke()
	return x, nil
}

var errOtherIndex = errors.New("the index belongs to another store or another version")

func (x *search) prepare(ctx context.Context, epoch string) (err error) {
	if x.engine.conn, err = x.engine.db.Conn(ctx); err != nil {
		return err
	}
	_, err = x.engine.conn.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS key (hash BLOB, arrival INTEGER, PRIMARY KEY (hash, arrival)) WITHOUT ROWID;
		CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY, version INTEGER, epoch TEXT, fed INTEGER)`)
	if err != nil {
		return err
	}
	_, err = x.engine.exec("INSERT OR IGNORE INTO mark (one, version, epoch, fed) VALUES (1, ?, ?, 0)", searchVersion, epoch)
	if err != nil {
		return err
	}
	var version int
	var of string
	err = x.engine.conn.QueryRowContext(ctx, "SELECT version, epoch, fed FROM mark").Scan(&version, &of, &x.fed)
	if err == nil && (version != searchVersion || of != epoch) {
		err = errOtherIndex
	}
	return err
}

func (x *search) close() error { return x.engine.close() }

// poke says that there is something to feed.
func (x *search) poke() {
	select {
	case x.wanted <- struct{}{}:
	default:
	}
}

// feed keeps the index near the truth. A failure leaves it behind and is tried again: nothing that was promised
// depends on it, and a search reads what is not fed yet from the truth.
func (s *Store) feed(ctx context.Context) {
	for {
		select {
		case <-s.search.wanted:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(feedPause):
		case <-ctx.Done():
			return
		}
		if s.feedOnce(ctx) != nil {
			s.search.poke()
		}
	}
}

// searchEntry is what one settlement gives to the index.
type searchEntry struct {
	settlement, arrival int64
	keys                []byte
}

// feedOnce feeds what there is.
func (s *Store) feedOnce(ctx context.Context) error {
	for {
		rows, err := list(ctx, s, func(scan func(...any) error, e *searchEntry) error {
			return scan(&e.settlement, &e.arrival, &e.keys)
		}, "SELECT id, arrival, keys FROM settlement WHERE id > ? ORDER BY id LIMIT ?", s.search.mark(), feedRows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		if err := s.search.add(rows); err != nil {
			return err
		}
	}
}

func (x *search) mark() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.fed
}

// add puts entries in, sorted, so that each page of the index is visited once.
func (x *search) add(entries []searchEntry) (err error) {
	var pairs []pair
	for _, e := range entries {
		for hash := range slices.Chunk(e.keys, hashSize) {
			pairs = append(pairs, pair{hash, e.arrival})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(bytes.Compare(a.hash, b.hash), cmp.Compare(a.arrival, b.arrival))
	})
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.engine.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			x.engine.exec("ROLLBACK")
		}
	}()
	for some := range slices.Chunk(pairs, feedTogether) {
		if err := x.insert(some); err != nil {
			return err
		}
	}
	last := entries[len(entries)-1].settlement
	if _, err := x.engine.exec("UPDATE mark SET fed = ?", last); err != nil {
		return err
	}
	if _, err := x.engine.exec("COMMIT"); err != nil {
		return err
	}
	x.fed = last
	return nil
}

// pair is one row of the index.
type pair struct {
	hash    []byte
	arrival int64
}

// insert adds rows with one statement: its overhead is more than the work.
func (x *search) insert(pairs []pair) error {
	args := make([]any, 0, 2*len(pairs))
	for _, p := range pairs {
		args = append(args, p.hash, p.arrival)
	}
	_, err := x.engine.exec("INSERT OR IGNORE INTO key (hash, arrival) VALUES (?, ?)"+
		strings.Repeat(", (?, ?)", len(pairs)-1), args...)
	return err
}

// find returns arrivals that carry a key, newest first, and up to where the index knows.
func (x *search) find(hash []byte, before int64, limit int) (ids []int64, fed int64, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err = x.engine.query(func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT arrival FROM key WHERE hash = ? AND arrival < ? ORDER BY arrival DESC LIMIT ?", hash, before, limit)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return ids, x.fed, err
}
