package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes a copy of the store to dir, which must be empty or missing, while the store runs. The copy is a store:
// to restore it, open it. It has no epoch, so that a restored store draws a new one (P2). It holds the key of the
// search hashes, and patient data in clear: keep it as safe as the store.
func (s *Store) Backup(ctx context.Context, dir string) error {
	if err := s.backup(ctx, dir); err != nil {
		return fmt.Errorf("back up the store: %w", err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if have, err := os.ReadDir(dir); err != nil || len(have) > 0 {
		return errors.Join(err, errors.New("the folder is not empty"))
	}
	db, err := sql.Open("sqlite", dsn(filepath.Join(s.dir, truthFile), "busy_timeout(5000)"))
	if err != nil {
		return err
	}
	defer db.Close()
	path := filepath.Join(dir, truthFile)
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return err
	}
	if err := verifyBackup(ctx, path); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(s.dir, keyFile))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, keyFile), key, 0o600); err != nil {
		return err
	}
	return syncBackup(dir)
}

// verifyBackup opens the copy, checks it and takes its epoch away.
func verifyBackup(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, "journal_mode(DELETE)", "synchronous(FULL)"))
	if err != nil {
		return err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("the copy is damaged: %s", verdict)
	}
	_, err = db.ExecContext(ctx, "DELETE FROM meta WHERE name = 'epoch'")
	return err
}

// syncBackup makes the copy durable: SQLite does not sync what VACUUM INTO writes.
func syncBackup(dir string) error {
	for _, name := range []string{truthFile, keyFile} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return syncDir(dir)
}
