package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	truthFile   = "truth.db"
	lockName    = "lock"
	reserveFile = "reserve"

	// pageSize holds five messages of 1.5 KB in a page and wastes little; 4096 would hold two and waste a quarter.
	pageSize = 8192

	readers      = 4
	readDeadline = 10 * time.Second // A forgotten reader would keep the write-ahead log from being reset.
)

// Store is an open store. All methods may be called at the same time; those that write wait for Run.
type Store struct {
	dir     string
	options Options
	lock    *os.File
	secret  []byte
	epoch   string

	engine  *engine // Only Open, then the writer, touches it.
	readers *sql.DB
	search  *search

	queue  queue
	health health
	next   int64    // The next id of the sequence; the writer's.
	counts counters // The totals on disk; the writer's. Never changed, only replaced.
	shown  atomic.Pointer[counters]

	checkpoint checkpointer
	running    atomic.Bool
}

// Open opens the store in dir, and makes a new one when dir is empty or missing. It takes a lock on dir, checks that
// commits will reach the disk, and seals what a crash left open. It starts no goroutine: see Run.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if o.Linger == 0 {
		o.Linger = 200 * time.Microsecond
	}
	if o.MaxBatch <= 0 {
		o.MaxBatch = 256
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{dir: dir, options: o, lock: lock, counts: counters{}}
	s.queue.init(o.MaxBatch)
	s.checkpoint.init()
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	path := filepath.Join(s.dir, truthFile)
	_, statErr := os.Stat(path)
	if s.secret, err = loadKey(s.dir, errors.Is(statErr, os.ErrNotExist)); err != nil {
		return fmt.Errorf("read the key of the search hashes: %w", err)
	}
	s.engine, err = openEngine(ctx, path, fmt.Sprintf("page_size(%d)", pageSize), "busy_timeout(5000)", "synchronous(FULL)",
		"wal_autocheckpoint(0)", "journal_size_limit(67108864)", "temp_store(MEMORY)", "cache_size(-16384)")
	if err != nil {
		return err
	}
	if err := s.engine.migrate(ctx); err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	if err := s.engine.own(ctx); err != nil {
		return err
	}
	s.readers, err = sql.Open("sqlite", dsn(path, "busy_timeout(5000)", "query_only(1)", "cache_size(-4096)"))
	if err != nil {
		return err
	}
	s.readers.SetMaxOpenConns(readers)
	s.readers.SetMaxIdleConns(readers)
	if err := s.recover(ctx); err != nil {
		return fmt.Errorf("take up where it was left: %w", err)
	}
	if s.search, err = openSearch(ctx, s.dir, s.epoch); err != nil {
		return fmt.Errorf("open the search index: %w", err)
	}
	if err := s.keepReserve(); err != nil {
		s.fail(err, false)
	}
	return syncDir(s.dir)
}

// recover reads where the last process stopped, and seals the sessions that it left open.
func (s *Store) recover(ctx context.Context) error {
	err := s.engine.conn.QueryRowContext(ctx, `SELECT 1 + max(
		(SELECT coalesce(max(id), 0) FROM arrival), (SELECT coalesce(max(id), 0) FROM settlement),
		(SELECT coalesce(max(id), 0) FROM delivery), (SELECT coalesce(max(id), 0) FROM session))`).Scan(&s.next)
	if err != nil {
		return err
	}
	if err := s.loadMeta(ctx); err != nil {
		return err
	}
	var open []int64
	err = s.engine.query(func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		open = append(open, id)
		return err
	}, "SELECT id FROM session ORDER BY id")
	if err != nil {
		return err
	}
	for _, id := range open {
		var r Receipt
		o := newOp(0, func(t *tx) error { return t.seal(id, "", false, &r) })
		if s.commit([]*op{o}); o.err != nil {
			return o.err
		}
	}
	return nil
}

func (s *Store) loadMeta(ctx context.Context) error {
	var epoch, counts []byte
	err := s.engine.conn.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE name = 'epoch'),
		(SELECT value FROM meta WHERE name = 'counts')`).Scan(&epoch, &counts)
	if err != nil {
		return err
	}
	if counts != nil {
		if err := json.Unmarshal(counts, &s.counts); err != nil {
			return err
		}
	}
	s.shown.Store(&s.counts)
	if len(epoch) > 0 {
		s.epoch = string(epoch)
		return nil
	}
	s.epoch = newEpoch()
	_, err = s.engine.exec("INSERT OR REPLACE INTO meta (name, value) VALUES ('epoch', ?)", s.epoch)
	return err
}

// Run is the writer: it commits what waits in groups, keeps the write-ahead log short and feeds the search index. When
// ctx ends it takes nothing new, commits what waits, and returns after its goroutines have ended. It runs once.
func (s *Store) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("the store runs already")
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { s.checkpoints(background) })
	wg.Go(func() { s.feed(background) })
	s.write(ctx)
	stop()
	wg.Wait()
	return s.feedOnce(context.WithoutCancel(ctx))
}

// Close frees the files and the lock. Run must have returned.
func (s *Store) Close() error {
	s.queue.close()
	var errs []error
	if s.search != nil {
		errs = append(errs, s.search.close())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.engine != nil {
		errs = append(errs, s.engine.close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Epoch names this life of the store: new for a new store and for a restored one.
func (s *Store) Epoch() string { return s.epoch }

// emit calls the observer.
func (s *Store) emit(events ...Event) {
	if s.options.OnEvent == nil {
		return
	}
	for _, e := range events {
		s.options.OnEvent(e)
	}
}
