package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync/atomic"
)

const (
	checkEvery   = 8    // Groups between two looks at the length of the log.
	beginAfter   = 1024 // Pages not yet copied back that start a checkpoint.
	restartAfter = 4096 // Pages in the log that make the writer finish it, so that the log starts again.
)

// checkpointer keeps the write-ahead log short under load, in two phases. In the background most pages are copied back
// and synced while the writer goes on; but the writer is always a few pages ahead then, and a log that is never copied
// entirely is never started again. So the writer copies the few that are left between two groups, and its next
// transaction starts the log from the beginning.
type checkpointer struct {
	wanted chan struct{}
	copied atomic.Bool // The first phase has come to an end: the second is cheap.
	groups int         // The writer's: since the last look.
}

func (c *checkpointer) init() { c.wanted = make(chan struct{}, 1) }

// walState is what SQLite says of the log, in pages.
type walState struct{ busy, length, copied int }

// shorten runs after each group, on the writer.
func (s *Store) shorten(group []*op) {
	c := &s.checkpoint
	if c.groups++; len(group) == 0 || c.groups < checkEvery {
		return
	}
	c.groups = 0
	w, err := s.engine.wal("NOOP")
	if err != nil {
		return
	}
	if w.length >= restartAfter && c.copied.Swap(false) {
		w, _ = s.engine.wal("PASSIVE")
	}
	if w.length-w.copied >= beginAfter {
		select {
		case c.wanted <- struct{}{}:
		default:
		}
	}
}

// wal asks for a checkpoint in the given mode. A failure is not the senders' concern: the log only grows, and the next
// commit says whether the disk is at fault.
func (e *engine) wal(mode string) (w walState, err error) {
	err = e.query(func(scan func(...any) error) error {
		return scan(&w.busy, &w.length, &w.copied)
	}, "PRAGMA wal_checkpoint("+mode+")")
	return w, err
}

// checkpoints is the first phase, on a connection of its own.
func (s *Store) checkpoints(ctx context.Context) {
	db, err := sql.Open("sqlite", dsn(filepath.Join(s.dir, truthFile), "busy_timeout(1000)", "synchronous(FULL)"))
	if err != nil {
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for {
		select {
		case <-s.checkpoint.wanted:
		case <-ctx.Done():
			return
		}
		var w walState
		err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&w.busy, &w.length, &w.copied)
		if err == nil && w.busy == 0 {
			s.checkpoint.copied.Store(true)
		}
	}
}
