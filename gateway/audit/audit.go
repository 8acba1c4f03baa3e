package audit

import (
	"context"
	"time"
)

// Event is one thing that somebody did with a patient's data. Whom is a blind hash, never an identity.
type Event struct {
	Who    string // Account, device or "system".
	Role   string
	Unit   string // HSA-id.
	Action string // "view", "search", "release", "reject", "log in".
	Whom   string // Keyed hash of the person; "" when no person is concerned.
	Object string // "arrival 17", "delivery 18".
	Why    string
}

// Entry is one recorded Event.
type Entry struct {
	N    int64 // Line number, from 1.
	Time time.Time
	Event
}

// Filter selects entries; empty fields select all.
type Filter struct {
	Who, Whom, Action, Object string
	From, To                  time.Time // To is exclusive.
	Before                    int64     // Only entries with a lower number; 0 for the newest.
	Limit                     int       // Newest first; 0 means 100.
}

type Trail struct{}

func Open(path string, key []byte) (*Trail, error)         { panic("soon") }
func (t *Trail) Record(ctx context.Context, e Event) error { panic("soon") }
func (t *Trail) Close() error                              { panic("soon") }
func List(path string, f Filter) ([]Entry, error)          { panic("soon") }
func Verify(path string, key []byte) (n int, err error)    { panic("soon") }
