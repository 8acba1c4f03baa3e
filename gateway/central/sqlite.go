package central

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	databaseFile = "central.db"
	lockFile     = "central.lock"
	readers      = 4
)

// oldestEngine is the first SQLite without the defect that could reset a write-ahead log in use.
var oldestEngine = [3]int{3, 51, 3}

// embedded is the [Store] in one SQLite file. One connection writes, so that a transaction never meets another.
type embedded struct {
	lock *sql.DB
	w, r *sql.DB
}

// openEmbedded opens the store in dir and takes a lock on it.
func openEmbedded(ctx context.Context, dir string) (*embedded, error) {
	s := &embedded{}
	if err := s.open(ctx, dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open the order store: %w", err), s.Close())
	}
	return s, nil
}

func (s *embedded) open(ctx context.Context, dir string) (err error) {
	if s.lock, err = lockDir(ctx, filepath.Join(dir, lockFile)); err != nil {
		return err
	}
	path := filepath.Join(dir, databaseFile)
	s.w, err = sql.Open("sqlite", dsn(path, "busy_timeout(5000)", "synchronous(FULL)", "foreign_keys(1)")+"&_journal_mode=WAL&_txlock=immediate")
	if err != nil {
		return err
	}
	s.w.SetMaxOpenConns(1)
	if err := checkEngine(ctx, s.w); err != nil {
		return err
	}
	if err := migrate(ctx, s.w); err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	if err := checkDurable(ctx, s.w); err != nil {
		return err
	}
	s.r, err = sql.Open("sqlite", dsn(path, "busy_timeout(5000)", "query_only(1)"))
	if err != nil {
		return err
	}
	s.r.SetMaxOpenConns(readers)
	s.r.SetMaxIdleConns(readers)
	return nil
}

// dsn names a database file with its pragmas; a path may hold any character.
func dsn(path string, pragmas ...string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: p, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}

// lockDir holds a transaction on an empty database for as long as the store is open: the one lock that every system
// gives, and frees when the process ends, however it ends.
func lockDir(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "busy_timeout(0)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxLifetime(0)
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(fmt.Errorf("another process uses this folder: %w", err), db.Close())
	}
	return db, nil
}

// checkEngine refuses an SQLite that is too old to be trusted.
func checkEngine(ctx context.Context, db *sql.DB) error {
	var version string
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	var have [3]int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &have[0], &have[1], &have[2]); err != nil {
		return fmt.Errorf("sqlite says version %q: %w", version, err)
	}
	for i, least := range oldestEngine {
		if have[i] > least {
			return nil
		}
		if have[i] < least {
			return fmt.Errorf("sqlite %s may lose committed data, %v or newer is needed", version, oldestEngine)
		}
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// checkDurable proves that a commit reaches the disk: with synchronous=NORMAL a power cut loses what was answered (P1).
func checkDurable(ctx context.Context, db *sql.DB) error {
	var synchronous int
	var journal string
	if err := db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return err
	}
	if synchronous != 2 || journal != "wal" {
		return fmt.Errorf("the database runs with synchronous=%d and journal_mode=%s, FULL (2) and wal are needed", synchronous, journal)
	}
	return nil
}

// Close frees the files and the lock.
func (s *embedded) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.r, s.w, s.lock} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Ready writes a row and takes it back: a full or failing disk is seen before an order is lost on it.
func (s *embedded) Ready(ctx context.Context) error {
	return s.write(ctx, func(t tx) error {
		if _, err := t.exec("INSERT INTO units (id, seen, reported) VALUES ('', 0, 0)"); err != nil {
			return err
		}
		_, err := t.exec("DELETE FROM units WHERE id = ''")
		return err
	})
}

// empty tells whether no person has ever been kept here.
func (s *embedded) empty(ctx context.Context) (bool, error) {
	var n int
	err := s.r.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM (SELECT 1 FROM orders LIMIT 1)) + (SELECT count(*) FROM (SELECT 1 FROM results LIMIT 1))").Scan(&n)
	return n == 0, err
}

// tx is one transaction of the writer.
type tx struct {
	ctx context.Context
	*sql.Tx
}

func (t tx) exec(q string, args ...any) (int64, error) {
	r, err := t.ExecContext(t.ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// write runs f in a transaction, and commits it if f returns nil.
func (s *embedded) write(ctx context.Context, f func(tx) error) error {
	t, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() // After a commit it does nothing.
	if err := f(tx{ctx, t}); err != nil {
		return err
	}
	return t.Commit()
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}

// list reads every row with scan.
func list[T any](ctx context.Context, from querier, scan func(func(...any) error, *T) error, q string, args ...any) ([]T, error) {
	rows, err := from.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := scan(rows.Scan, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// codeUnique and codePrimary are SQLite's extended codes for a row that is there already. [SQLite result codes].
const codeUnique, codePrimary = 2067, 1555

func taken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == codeUnique || e.Code() == codePrimary)
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
