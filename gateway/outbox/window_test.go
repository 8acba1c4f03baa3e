package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"rorpost/gateway/store"
)

// shelf stands for the store: deliveries in id order.
type shelf struct {
	owed  []store.Delivery
	reads int
	err   error
}

func (s *shelf) read(_ context.Context, after int64, limit int) ([]store.Delivery, error) {
	s.reads++
	var out []store.Delivery
	for _, d := range s.owed {
		if d.ID > after && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, s.err
}

func (s *shelf) add(id int64, lane string) {
	s.owed = append(s.owed, store.Delivery{ID: id, Lane: lane})
}

func (s *shelf) paid(id int64) {
	s.owed = slices.DeleteFunc(s.owed, func(d store.Delivery) bool { return d.ID == id })
}

// drain pays everything that worker i is given.
func drain(t *testing.T, w *window, s *shelf, i int) (ids []int64) {
	t.Helper()
	for {
		it, _, err := w.head(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if it == nil {
			return ids
		}
		ids = append(ids, it.ID)
		s.paid(it.ID)
		w.done(i, it.ID)
	}
}

func TestWindowIsBoundedAndInOrder(t *testing.T) {
	s := &shelf{}
	for id := int64(1); id <= 1000; id++ {
		s.add(id, "")
	}
	w := newWindow(1, s.read)
	if _, _, err := w.head(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if n, _ := w.waiting(); n > windowSize {
		t.Errorf("got %d in memory, want at most %d", n, windowSize)
	}
	ids := drain(t, w, s, 0)
	if len(ids) != 1000 || !slices.IsSorted(ids) {
		t.Errorf("got %d deliveries, sorted %v; want 1000 in order", len(ids), slices.IsSorted(ids))
	}
	if s.reads > 20 {
		t.Errorf("got %d reads of the store for 1000 deliveries, want at most 20", s.reads)
	}
}

func TestWindowKeyThatWaitsDoesNotFillIt(t *testing.T) {
	s := &shelf{}
	w := newWindow(4, s.read)
	stuck := w.worker("stuck")
	id := int64(0)
	for range 2000 {
		id++
		s.add(id, "stuck")
	}
	var others []string
	for n := 0; len(others) < 12; n++ {
		if key := fmt.Sprint("key ", n); w.worker(key) != stuck {
			others = append(others, key)
		}
	}
	for _, key := range others {
		id++
		s.add(id, key)
	}
	got := 0
	for i := range 4 {
		if i != stuck {
			got += len(drain(t, w, s, i))
		}
	}
	if got != len(others) {
		t.Errorf("behind a key that waits: got %d of %d deliveries of other keys", got, len(others))
	}
	ids := drain(t, w, s, stuck)
	if len(ids) != 2000 || !slices.IsSorted(ids) {
		t.Errorf("the key that waited: got %d, sorted %v; want 2000 in order", len(ids), slices.IsSorted(ids))
	}
}

func TestWindowFindsWhatIsReleased(t *testing.T) {
	s := &shelf{}
	s.add(5, "")
	w := newWindow(1, s.read)
	drain(t, w, s, 0)
	s.owed = []store.Delivery{{ID: 3}}
	w.looked = w.looked.Add(-lookBack)
	w.touch()
	if ids := drain(t, w, s, 0); !slices.Equal(ids, []int64{3}) {
		t.Errorf("got %v, want the released delivery 3", ids)
	}
	s.owed = []store.Delivery{{ID: 6}, {ID: 7}}
	w.touch()
	if it, _, _ := w.head(t.Context(), 0); it == nil || it.ID != 6 {
		t.Fatalf("got %v, want 6", it)
	}
	w.place(store.Delivery{ID: 2})
	if it, _, _ := w.head(t.Context(), 0); it == nil || it.ID != 2 {
		t.Errorf("got %v, want the released delivery 2 in its old place", it)
	}
}

func TestWindowKeepsAskingAfterAnError(t *testing.T) {
	s := &shelf{err: errors.New("disk")}
	w := newWindow(1, s.read)
	if _, _, err := w.head(t.Context(), 0); err == nil {
		t.Fatal("got no error")
	}
	s.err = nil
	s.add(1, "")
	if it, _, err := w.head(t.Context(), 0); err != nil || it == nil {
		t.Errorf("after the error: got %v, %v; want the delivery", it, err)
	}
}
