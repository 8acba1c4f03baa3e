package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rorpost/gateway/lab"
)

const (
	reserveSize = 2 << 20 // Bytes set aside so that a full disk leaves room to get going again.
	probeSize   = 64 << 10
	probeEvery  = 250 * time.Millisecond
)

// health is whether the store acknowledges.
type health struct {
	mu      sync.Mutex
	err     error
	forGood bool // Only a repair helps: no trial transaction is run.
}

func (h *health) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func (h *health) hopeless() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.forGood
}

func (h *health) set(err error, forGood bool) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed = (h.err == nil) != (err == nil)
	h.err, h.forGood = err, forGood
	return changed
}

// Healthy returns nil while the store acknowledges, or why it does not.
func (s *Store) Healthy() error { return s.health.failure() }

func unkept(err error) error {
	return &lab.Fault{
		Class: lab.Retry, Op: "keep on disk", Err: err,
		Hint: "the gateway's disk is full or failing; nothing acknowledged is lost, and nothing new is accepted until it is repaired",
	}
}

func stopped() error {
	return &lab.Fault{
		Class: lab.Retry, Op: "keep on disk", Err: errors.New("the store is stopping"),
		Hint: "the gateway is being stopped or restarted; send again in a moment",
	}
}

// fail stops acknowledging. The reserve file is given up, so that retention and the trial have room to write.
func (s *Store) fail(err error, forGood bool) {
	os.Remove(filepath.Join(s.dir, reserveFile))
	if s.health.set(unkept(err), forGood) {
		s.emit(Event{Time: time.Now(), What: EventFailed, Detail: err.Error()})
	}
}

// retry runs a trial transaction, and acknowledges again when it and the reserve file are on disk.
func (s *Store) retry() {
	if s.health.hopeless() {
		return
	}
	if err := s.trial(); err != nil {
		os.Remove(filepath.Join(s.dir, reserveFile))
		return
	}
	if s.health.set(nil, false) {
		s.emit(Event{Time: time.Now(), What: EventRecovered})
	}
}

// trial commits a growth of the database and its undoing, and sets the reserve aside again.
func (s *Store) trial() error {
	if _, err := s.engine.exec("INSERT OR REPLACE INTO meta (name, value) VALUES ('probe', zeroblob(?))", probeSize); err != nil {
		return err
	}
	if _, err := s.engine.exec("DELETE FROM meta WHERE name = 'probe'"); err != nil {
		return err
	}
	return s.keepReserve()
}

// keepReserve sets room on the disk aside. It writes the bytes: a sparse file would reserve nothing.
func (s *Store) keepReserve() error {
	path := filepath.Join(s.dir, reserveFile)
	if info, err := os.Stat(path); err == nil && info.Size() == reserveSize {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, reserveSize))
	return errors.Join(err, f.Sync(), f.Close())
}
