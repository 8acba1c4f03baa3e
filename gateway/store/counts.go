package store

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// counter names one total, such as the deliveries to "journal" that are owed.
type counter struct{ What, Of, In string }

// The totals that are kept; deliveries are counted by destination (Of) and state (In), arrivals by kind (Of).
const (
	countArrival  = "arrival"
	countKept     = "kept"
	countSettled  = "settled"
	countRepeat   = "repeat"
	countChanged  = "changed"
	countParked   = "parked"
	countDelivery = "delivery"
)

// counters are totals, or changes of them.
type counters map[counter]int64

type counterRow struct {
	counter
	N int64
}

// MarshalJSON writes a list, since a counter cannot be a key in JSON.
func (c counters) MarshalJSON() ([]byte, error) {
	rows := make([]counterRow, 0, len(c))
	for k, n := range c {
		if n != 0 {
			rows = append(rows, counterRow{k, n})
		}
	}
	return json.Marshal(rows)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *counters) UnmarshalJSON(b []byte) error {
	var rows []counterRow
	if err := json.Unmarshal(b, &rows); err != nil {
		return err
	}
	*c = make(counters, len(rows))
	for _, r := range rows {
		(*c)[r.counter] = r.N
	}
	return nil
}

func (t *tx) count(what string, n int64) { t.counts[counter{What: what}] += n }

func (t *tx) countDelivery(destination, state string, n int64) {
	t.counts[counter{countDelivery, destination, state}] += n
}

// saveCounts writes the totals in the transaction that changes them, and returns them.
func (t *tx) saveCounts(before counters) (counters, error) {
	if len(t.counts) == 0 {
		return before, nil
	}
	sum := maps.Clone(before)
	for k, n := range t.counts {
		sum[k] += n
	}
	text, err := json.Marshal(sum)
	if err != nil {
		return nil, err
	}
	_, err = t.engine.exec("INSERT OR REPLACE INTO meta (name, value) VALUES ('counts', ?)", text)
	return sum, err
}

// Counts returns the totals. It costs the same however much the store holds.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	out := Counts{Arrivals: map[Kind]int64{}, Deliveries: map[string]map[string]int64{}}
	for k, n := range *s.shown.Load() {
		switch k.What {
		case countArrival:
			out.Arrivals[Kind(k.Of)] = n
		case countKept:
			out.Kept = n
		case countSettled:
			out.Settled = n
		case countRepeat:
			out.Repeats = n
		case countChanged:
			out.Changed = n
		case countParked:
			out.ParkedOpen = n
		case countDelivery:
			if out.Deliveries[k.Of] == nil {
				out.Deliveries[k.Of] = map[string]int64{}
			}
			out.Deliveries[k.Of][k.In] = n
		}
	}
	if info, err := os.Stat(filepath.Join(s.dir, truthFile+"-wal")); err == nil {
		out.WAL = info.Size()
	}
	return out, s.oldest(ctx, &out)
}

// oldest asks for the first delivery owed to each destination that is owed something.
func (s *Store) oldest(ctx context.Context, out *Counts) error {
	for destination, states := range out.Deliveries {
		if states[StateOwed] == 0 {
			continue
		}
		var at int64
		found, err := s.one(ctx, []any{&at},
			"SELECT owed_at FROM delivery WHERE destination = ? AND state = 0 ORDER BY id LIMIT 1", destination)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if out.Oldest == nil {
			out.Oldest = map[string]time.Time{}
		}
		out.Oldest[destination] = fromNanos(at)
	}
	return nil
}
