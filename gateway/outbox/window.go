package outbox

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"rorpost/gateway/store"
)

const (
	windowSize = 256             // Deliveries of one destination in memory at most; the rest waits in the store.
	lookBack   = 2 * time.Second // How often the store is read from the beginning at most.
)

// item is one delivery in memory.
type item struct {
	store.Delivery
	failures int // Attempts in a row that failed: the pause grows with them.
	nacks    int // Answers AE or CE.
	silences int // Attempts without an answer.
}

// window is the part of what is owed to one destination that is in memory: a queue for each worker, in id order.
type window struct {
	read func(ctx context.Context, after int64, limit int) ([]store.Delivery, error)
	room int // Items in one queue at most.

	mu     sync.Mutex
	queues [][]*item
	known  map[int64]bool // What is in the queues, or was taken from them and is not done.
	cursor int64          // The store has been read up to this id.
	behind []int64        // Per worker: 0, or what is owed after this id was left in the store for want of room.
	stale  bool           // The store may hold more than was read.
	looked time.Time      // When the store was last read from the beginning.
}

func newWindow(workers int, read func(context.Context, int64, int) ([]store.Delivery, error)) *window {
	return &window{
		read: read, room: max(windowSize/workers, 8), queues: make([][]*item, workers), behind: make([]int64, workers),
		known: map[int64]bool{}, stale: true,
	}
}

// worker returns whose a Lane key is.
func (w *window) worker(key string) int {
	if len(w.queues) == 1 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % uint32(len(w.queues)))
}

func (w *window) touch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale = true
}

// head returns the first delivery of worker i, reading the store when it must; nil when nothing is owed to it. others
// tells that other workers may have been given work.
func (w *window) head(ctx context.Context, i int) (it *item, others bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stale {
		w.stale = false
		if err := w.load(ctx); err != nil {
			w.stale = true
			return nil, false, err
		}
		others = true
	}
	if len(w.queues[i]) == 0 && w.behind[i] != 0 {
		if err := w.catchUp(ctx, i); err != nil {
			return nil, others, err
		}
	}
	if len(w.queues[i]) == 0 {
		return nil, others, nil
	}
	return w.queues[i][0], others, nil
}

// load reads what is new in the store. When nothing is, it looks from the beginning for what a person has released.
func (w *window) load(ctx context.Context) error {
	found := false
	for limit := w.wanted(); limit > 0; limit = w.wanted() {
		rows, err := w.read(ctx, w.cursor, limit)
		if err != nil {
			return err
		}
		for _, d := range rows {
			w.add(d)
			w.cursor = d.ID
		}
		found = found || len(rows) > 0
		if len(rows) < limit {
			break
		}
	}
	if found || w.stale || time.Since(w.looked) < lookBack {
		return nil
	}
	w.looked = time.Now()
	rows, err := w.read(ctx, 0, windowSize)
	if err != nil {
		return err
	}
	for _, d := range rows {
		if d.ID <= w.cursor {
			w.add(d)
		}
	}
	return nil
}

// wanted returns how many deliveries to read: 0 when no worker could take more, and then the store is looked at again
// when there is room.
func (w *window) wanted() int {
	for i, q := range w.queues {
		if w.behind[i] != 0 || len(q) > w.room/2 {
			continue
		}
		if len(w.queues) == 1 {
			return w.room - len(q)
		}
		return windowSize
	}
	w.stale = true
	return 0
}

// add puts a delivery into its worker's queue, or notes that it was left in the store.
func (w *window) add(d store.Delivery) {
	i := w.worker(d.Lane)
	if w.known[d.ID] || w.behind[i] != 0 && d.ID > w.behind[i] {
		return
	}
	q := w.queues[i]
	if len(q) >= w.room && d.ID > q[len(q)-1].ID {
		w.behind[i] = q[len(q)-1].ID
		return
	}
	at, _ := slices.BinarySearchFunc(q, d.ID, func(it *item, id int64) int { return cmp.Compare(it.ID, id) })
	w.queues[i] = slices.Insert(q, at, &item{Delivery: d})
	w.known[d.ID] = true
}

// catchUp reads what was left in the store for worker i, when its queue has run empty.
func (w *window) catchUp(ctx context.Context, i int) error {
	after := w.behind[i]
	w.behind[i] = 0
	for len(w.queues[i]) == 0 && after < w.cursor {
		rows, err := w.read(ctx, after, windowSize)
		if err != nil {
			w.behind[i] = after
			return err
		}
		for _, d := range rows {
			if after = d.ID; w.worker(d.Lane) == i && d.ID <= w.cursor {
				w.add(d)
			}
		}
		if len(rows) < windowSize {
			return nil
		}
	}
	if after < w.cursor && w.behind[i] == 0 {
		w.behind[i] = after
	}
	return nil
}

// place gives a delivery its place in the order.
func (w *window) place(d store.Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(d)
}

// take removes a delivery from its queue and remembers it until done: the store still holds it as owed.
func (w *window) take(i int, id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queues[i] = slices.DeleteFunc(w.queues[i], func(it *item) bool { return it.ID == id })
}

// done forgets a delivery that is not owed any more.
func (w *window) done(i int, id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queues[i] = slices.DeleteFunc(w.queues[i], func(it *item) bool { return it.ID == id })
	delete(w.known, id)
}

// waiting counts what is in memory and says since when the oldest of it is owed.
func (w *window) waiting() (n int, oldest time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range w.queues {
		n += len(q)
		if len(q) > 0 && (oldest.IsZero() || q[0].OwedAt.Before(oldest)) {
			oldest = q[0].OwedAt
		}
	}
	return n, oldest
}
