package store

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

// oldestEngine is the first SQLite without the defect that could reset a write-ahead log in use.
var oldestEngine = [3]int{3, 51, 3}

// dsn names a database file with its pragmas; a path may hold any character.
func dsn(path string, pragmas ...string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	q := url.Values{"_pragma": pragmas}
	u := url.URL{Scheme: "file", OmitHost: true, Path: p, RawQuery: q.Encode()}
	return u.String()
}

// engine is the one connection that writes. It is used by one goroutine at a time.
type engine struct {
	db       *sql.DB
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

// openEngine opens a database for writing, with a write-ahead log. The log is asked for last, since it settles the size
// of the pages: the driver runs pragmas in an order of its own.
func openEngine(ctx context.Context, path string, pragmas ...string) (*engine, error) {
	db, err := sql.Open("sqlite", dsn(path, pragmas...)+"&_journal_mode=WAL")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := checkEngine(ctx, db); err != nil {
		db.Close()
		return nil, err
	}
	return &engine{db: db, prepared: map[string]*sql.Stmt{}}, nil
}

// checkEngine refuses an SQLite that is too old to be trusted.
func checkEngine(ctx context.Context, db *sql.DB) error {
	var version string
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	return checkVersion(version)
}

func checkVersion(version string) error {
	var have [3]int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &have[0], &have[1], &have[2]); err != nil {
		return fmt.Errorf("sqlite says version %q: %w", version, err)
	}
	for i, least := range oldestEngine {
		if have[i] > least {
			return nil
		}
		if have[i] < least {
			return fmt.Errorf("sqlite %s may lose committed data, %d.%d.%d or newer is needed",
				version, oldestEngine[0], oldestEngine[1], oldestEngine[2])
		}
	}
	return nil
}

// migrate brings the schema of truth.db up to date.
func (e *engine) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, e.db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// own takes the one connection for good and proves that commits on it reach the disk: with synchronous=NORMAL a
// power cut loses what was acknowledged.
func (e *engine) own(ctx context.Context) error {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	e.conn = conn
	var synchronous int
	var journal string
	if err := conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return err
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return err
	}
	if synchronous != 2 || journal != "wal" {
		return fmt.Errorf("the database runs with synchronous=%d and journal_mode=%s, FULL (2) and wal are needed",
			synchronous, journal)
	}
	return nil
}

func (e *engine) close() error {
	var errs []error
	for _, st := range e.prepared {
		errs = append(errs, st.Close())
	}
	if e.conn != nil {
		errs = append(errs, e.conn.Close())
	}
	return errors.Join(append(errs, e.db.Close())...)
}

func (e *engine) statement(q string) (*sql.Stmt, error) {
	if st := e.prepared[q]; st != nil {
		return st, nil
	}
	st, err := e.conn.PrepareContext(context.Background(), q)
	if err != nil {
		return nil, err
	}
	e.prepared[q] = st
	return st, nil
}

// exec runs one statement and returns the number of rows that it changed. It takes no context: an operation of a
// group cannot be given up alone.
func (e *engine) exec(q string, args ...any) (int64, error) {
	st, err := e.statement(q)
	if err != nil {
		return 0, err
	}
	r, err := st.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query runs a SELECT and calls row for each row.
func (e *engine) query(row func(scan func(...any) error) error, q string, args ...any) error {
	st, err := e.statement(q)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	return each(rows, row)
}

// each calls row for every row and closes rows.
func each(rows *sql.Rows, row func(scan func(...any) error) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// The primary result codes of SQLite that say that the disk, and not the operation, is at fault.
// [SQLite result codes].
const (
	codeBusy, codeLocked, codeNoMemory, codeReadOnly, codeIO, codeCorrupt = 5, 6, 7, 8, 10, 11
	codeFull, codeCannotOpen, codeProtocol, codeNotADatabase              = 13, 14, 15, 26
)

// broken reports whether err concerns the whole store, and whether only a repair can help.
func broken(err error) (whole, forGood bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false, false
	}
	switch e.Code() & 0xff {
	case codeCorrupt, codeNotADatabase:
		return true, true
	case codeBusy, codeLocked, codeNoMemory, codeReadOnly, codeIO, codeFull, codeCannotOpen, codeProtocol:
		return true, false
	}
	return false, false
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
