package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Event is one thing that somebody did with a patient's data. Whom is a blind hash, never an identity.
type Event struct {
	Who    string `json:"who"` // Account, device or "system".
	Role   string `json:"role,omitempty"`
	Unit   string `json:"unit,omitempty"`   // HSA-id.
	Action string `json:"action"`           // "view", "search", "release", "reject", "log in".
	Whom   string `json:"whom,omitempty"`   // Keyed hash of the person; "" when no person is concerned.
	Object string `json:"object,omitempty"` // "arrival 17", "delivery 18".
	Why    string `json:"why,omitempty"`
}

// Entry is one recorded Event.
type Entry struct {
	N    int64     `json:"n"` // Line number, from 1.
	Time time.Time `json:"time"`
	Event
}

// Trail is an open trail. Record may be called at the same time from many goroutines.
type Trail struct {
	mu   sync.Mutex
	file *os.File
	head *os.File
	key  []byte
	last end
	err  error // A failed write leaves an unknown end: nothing is recorded after it.
}

// personal finds ten or twelve digits written as a personal number, with a month that can be.
var personal = regexp.MustCompile(`(^|[^0-9])(?:[0-9]{2})?[0-9]{2}[01][0-9][0-9]{2}[-+ ]?[0-9]{4}($|[^0-9])`)

// mask hides personal numbers that people write into reasons. It runs twice: of two numbers with one character between
// them the first run finds only one.
func mask(texts ...*string) {
	for _, t := range texts {
		for range 2 {
			*t = personal.ReplaceAllString(*t, "$1(masked)$2")
		}
	}
}

// Open opens the trail at path, or begins it. It checks what follows the head, and sets a torn last line aside. A trail
// that was cut, or changed at its end, is refused with a *BrokenError; Verify checks all of it.
func Open(path string, key []byte) (*Trail, error) {
	if len(key) < 16 {
		return nil, errors.New("open audit trail: the key is shorter than 16 bytes")
	}
	t := &Trail{key: key}
	torn, err := t.open(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open audit trail: %w", err), t.Close())
	}
	if torn == 0 {
		return t, nil
	}
	why := fmt.Sprintf("%d bytes of an unfinished last line were set aside", torn)
	return t, t.Record(context.Background(), Event{Who: "system", Action: "repair", Object: "audit trail", Why: why})
}

func (t *Trail) open(path string) (torn int, err error) {
	_, statErr := os.Stat(path)
	if t.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return 0, err
	}
	if !errors.Is(statErr, os.ErrNotExist) {
		if t.last, err = readHead(path, t.key); err != nil {
			return 0, err
		}
	}
	if t.head, err = os.OpenFile(headPath(path), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return 0, err
	}
	if torn, err = t.takeUp(path); err != nil {
		return 0, err
	}
	if err := t.saveHead(); err != nil {
		return 0, err
	}
	return torn, errors.Join(t.head.Sync(), syncDir(filepath.Dir(path)))
}

// takeUp checks the lines after the head, and sets aside what follows the last whole one.
func (t *Trail) takeUp(path string) (int, error) {
	info, err := t.file.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() < t.last.size {
		return 0, &BrokenError{Line: t.last.n, Reason: "it was cut off"}
	}
	if _, err := t.file.Seek(t.last.size, io.SeekStart); err != nil {
		return 0, err
	}
	last, torn, err := walk(t.file, t.key, t.last, func(end) {})
	if err != nil || len(torn) == 0 {
		t.last = last
		return 0, err
	}
	t.last = last
	if err := setAside(path+".torn", torn); err != nil {
		return 0, err
	}
	return len(torn), t.file.Truncate(last.size)
}

// setAside appends bytes to a file, durably.
func setAside(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// Record appends an event. When it returns without an error the line is on disk, and what it is about may happen.
func (t *Trail) Record(ctx context.Context, e Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.Who == "" || e.Action == "" {
		return errors.New("record in audit trail: the event does not say who or what")
	}
	mask(&e.Who, &e.Role, &e.Action, &e.Whom, &e.Object, &e.Why)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return t.err
	}
	if err := t.append(Entry{N: t.last.n + 1, Time: time.Now().UTC().Round(0), Event: e}); err != nil {
		t.err = fmt.Errorf("record in audit trail: %w", err)
		return t.err
	}
	return nil
}

// append writes the line and syncs it, then the head: a head that is one line behind is what a crash between the two
// leaves, and no sign of a cut.
func (t *Trail) append(e Entry) error {
	line, next, err := seal(t.key, t.last, e)
	if err != nil {
		return err
	}
	if _, err := t.file.WriteAt(line, t.last.size); err != nil {
		return err
	}
	if err := t.file.Sync(); err != nil {
		return err
	}
	t.last = next
	return t.saveHead()
}

// Close frees the files.
func (t *Trail) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, f := range []*os.File{t.file, t.head} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	t.file, t.head, t.err = nil, nil, errors.New("record in audit trail: the trail is closed")
	return errors.Join(errs...)
}

// saveHead writes the number and the hash of the last line. It is not synced: the trail itself is, and a head that is
// behind after a power cut is told from a cut trail.
func (t *Trail) saveHead() error {
	_, err := t.head.WriteAt(headLine(t.key, t.last), 0)
	return err
}

// Verify checks every line of the trail against the one before it and the end against the head, and returns the number
// of good lines. A *BrokenError names the first line that is not what was written. It may run while the trail is in use.
func Verify(path string, key []byte) (n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("verify audit trail: %w", err)
	}
	defer f.Close()
	// The head is read first: a line that is written meanwhile is ahead of it.
	head, headErr := readHead(path, key)
	met := head.n == 0
	last, _, err := walk(f, key, end{}, func(at end) { met = met || at == head })
	switch {
	case err != nil:
	case headErr != nil:
		err = headErr
	case last.n < head.n:
		err = &BrokenError{Line: last.n + 1, Reason: fmt.Sprintf("lines up to %d were cut off", head.n)}
	case !met:
		err = &BrokenError{Line: head.n, Reason: "the head file belongs to another trail"}
	}
	return int(last.n), err
}

// Filter selects entries; empty fields select all.
type Filter struct {
	Who, Whom, Action, Object string
	From, To                  time.Time // To is exclusive.
	Before                    int64     // Only entries with a lower number; 0 for the newest.
	Limit                     int       // 0 means 100.
}

func (f Filter) match(e Entry) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	return is(f.Who, e.Who) && is(f.Whom, e.Whom) && is(f.Action, e.Action) && is(f.Object, e.Object) &&
		(f.From.IsZero() || !e.Time.Before(f.From)) && (f.To.IsZero() || e.Time.Before(f.To)) &&
		(f.Before == 0 || e.N < f.Before)
}

// List returns the newest entries that match, newest first. It reads the whole trail and does not verify it.
func List(path string, f Filter) ([]Entry, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list audit trail: %w", err)
	}
	defer file.Close()
	return newest(file, f)
}

func newest(r io.Reader, f Filter) ([]Entry, error) {
	var out []Entry
	_, err := eachLine(r, func(line []byte) error {
		e, err := parse(line)
		if err != nil || !f.match(e.Entry) {
			return nil
		}
		if out = append(out, e.Entry); len(out) >= 2*f.Limit {
			out = append(out[:0], out[f.Limit:]...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list audit trail: %w", err)
	}
	out = out[max(0, len(out)-f.Limit):]
	slices.Reverse(out)
	return out, nil
}
