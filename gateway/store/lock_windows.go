package store

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes the lock of a store for this process. The system frees it when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	if err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped)); err != nil {
		f.Close()
		return nil, fmt.Errorf("another process uses this store: %w", err)
	}
	return f, nil
}

// syncDir does nothing: the file system journals names, and a directory cannot be synced here.
func syncDir(string) error { return nil }
