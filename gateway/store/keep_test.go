package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"rorpost/gateway/lab"
)

func TestP5_NothingOwedOrParkedIsPruned(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	ctx := t.Context()
	ids := map[string]int64{}
	for _, name := range []string{"kept", "owed", "half", "parked", "delivery parked", "done", "filtered", "superseded"} {
		id := accept(t, s, "x", name, "body of "+name).Arrival.ID
		ids[name] = id
		if name == "kept" {
			continue
		}
		m := Settlement{Arrival: id}
		switch name {
		case "parked", "superseded":
			m.Park = &Park{Reason: "?"}
		case "filtered":
		default:
			m.Owed = owedTo(s, id, "journal", "patient")
		}
		d := settle(t, s, m)
		outcomes := map[string][]string{"half": {ClassDelivered}, "delivery parked": {ClassDelivered, ClassPark}, "done": {ClassDelivered, ClassDelivered}}
		for i, class := range outcomes[name] {
			must(s.Record(ctx, Outcome{Delivery: d[i].ID, Class: class}))(t)
		}
	}
	by := accept(t, s, "x", "by", "young")
	settle(t, s, Settlement{Arrival: by.Arrival.ID, Supersedes: []int64{ids["superseded"]}})
	if n := must(s.Prune(ctx, by.Arrival.At, 100))(t); n != 3 {
		t.Errorf("pruned %d, want 3", n)
	}
	for name, id := range ids {
		d := must(s.Arrival(ctx, id))(t)
		gone := slices.Contains([]string{"done", "filtered", "superseded"}, name)
		if (d.Arrival.Body == nil) != gone {
			t.Errorf("%s: body %q", name, d.Arrival.Body)
		}
		for _, x := range d.Deliveries {
			if (x.Payload == nil) != gone {
				t.Errorf("%s: payload %q", name, x.Payload)
			}
		}
	}
	if n := must(s.Prune(ctx, time.Now().Add(time.Hour), 100))(t); n != 1 {
		t.Errorf("the second time: pruned %d, want 1", n)
	}
}

func TestFullDiskStopsAcknowledgingAndRecovers(t *testing.T) {
	var mu sync.Mutex
	var events []string
	s, _ := start(t, t.TempDir(), Options{OnEvent: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.What == EventFailed || e.What == EventRecovered {
			events = append(events, e.What)
		}
	}})
	ctx := t.Context()
	// The quota of the database stands for a full disk: SQLite reports both in the same way.
	quota := func(pages int) error {
		o := newOp(0, func(x *tx) error {
			return x.query(func(scan func(...any) error) error { return nil }, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		})
		o.freesRoom = true
		return s.do(ctx, o)
	}
	if err := quota(200); err != nil {
		t.Fatal(err)
	}
	var acked []int64
	var failure error
	for i := range 10000 {
		r, err := s.Accept(ctx, Arrival{Kind: KindMLLP, Source: "x", Control: fmt.Sprint(i), Body: make([]byte, 5000)})
		if failure = err; err != nil {
			break
		}
		acked = append(acked, r.Arrival.ID)
	}
	if failure == nil || lab.ClassOf(failure) != lab.Retry || lab.HintOf(failure) == "" || s.Healthy() == nil {
		t.Fatalf("full: got %v, healthy %v", failure, s.Healthy())
	}
	if _, err := s.Accept(ctx, Arrival{Kind: KindScan}); lab.ClassOf(err) != lab.Retry {
		t.Errorf("a small arrival while full: got %v", err)
	}
	for _, id := range acked {
		if d := must(s.Arrival(ctx, id))(t); len(d.Arrival.Body) != 5000 {
			t.Errorf("arrival %d was acknowledged and is gone", id)
		}
	}
	if err := quota(1 << 30); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the store recovers", func() bool { return s.Healthy() == nil })
	accept(t, s, "x", "after", "body")
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(events, []string{EventFailed, EventRecovered}) {
		t.Errorf("events: got %v", events)
	}
}

func TestFullDiskCanBePruned(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	ctx := t.Context()
	o := newOp(0, func(x *tx) error {
		return x.query(func(func(...any) error) error { return nil }, "PRAGMA max_page_count = 200")
	})
	if err := s.do(ctx, o); err != nil {
		t.Fatal(err)
	}
	for i := 0; s.Healthy() == nil; i++ {
		r, err := s.Accept(ctx, Arrival{Kind: KindMLLP, Source: "x", Control: fmt.Sprint(i), Body: make([]byte, 5000)})
		if err == nil {
			s.Settle(ctx, Settlement{Arrival: r.Arrival.ID})
		}
	}
	eventually(t, "retention makes room", func() bool {
		s.Prune(ctx, time.Now(), 20)
		return s.Healthy() == nil
	})
	accept(t, s, "x", "after", "body")
}

func TestSearch(t *testing.T) {
	dir := t.TempDir()
	s, stop := start(t, dir, Options{})
	ctx := t.Context()
	var want []int64
	for i := range 5 {
		id := accept(t, s, "answers", fmt.Sprintf("C-%d", i), "body").Arrival.ID
		settle(t, s, Settlement{Arrival: id, Decision: "result", Owed: owedTo(s, id, "journal"),
			Keys: []SearchKey{{"specimen", fmt.Sprintf("S%d", i)}, {"person", "19850101-2382"}}})
		want = append([]int64{id}, want...)
	}
	find := func(q Query) (ids []int64) {
		t.Helper()
		for _, r := range must(s.Arrivals(ctx, q))(t) {
			ids = append(ids, r.ID)
		}
		return ids
	}
	check := func(when string) {
		t.Helper()
		for _, c := range []struct {
			q    Query
			want []int64
		}{
			{Query{}, want}, {Query{Limit: 2}, want[:2]}, {Query{Before: want[1]}, want[2:]},
			{Query{Text: "198501012382"}, want}, {Query{Text: "s3"}, want[1:2]}, {Query{Text: "C-2"}, want[2:3]},
			{Query{Text: "S9"}, nil}, {Query{Source: "other"}, nil}, {Query{Source: "answers", State: Settled}, want},
			{Query{State: Kept}, nil}, {Query{Text: "198501012382", Before: want[2], Limit: 1}, want[3:4]},
		} {
			if got := find(c.q); !slices.Equal(got, c.want) {
				t.Errorf("%s: %+v: got %v, want %v", when, c.q, got, c.want)
			}
		}
	}
	check("at once")
	eventually(t, "the index is fed", func() bool { return s.search.mark() > want[0] })
	check("fed")
	if row := must(s.Arrivals(ctx, Query{Limit: 1}))(t)[0]; row.Owed != 1 || row.Deliveries != 1 || row.Decision != "result" || row.Size != 4 {
		t.Errorf("row: got %+v", row)
	}
	stop()
	for damage, f := range map[string]func(string) error{
		"missing": os.Remove,
		"damaged": func(p string) error { return os.WriteFile(p, []byte("this is no database at all, only text"), 0o600) },
	} {
		if err := f(filepath.Join(dir, searchFile)); err != nil {
			t.Fatal(err)
		}
		s, stop = start(t, dir, Options{})
		eventually(t, "the index is built again", func() bool { return s.search.mark() > want[0] })
		check(damage)
		stop()
	}
}

func TestP9_NoPersonalNumberInTheIndex(t *testing.T) {
	dir := t.TempDir()
	s, stop := start(t, dir, Options{})
	id := accept(t, s, "x", "1", "body").Arrival.ID
	settle(t, s, Settlement{Arrival: id, Keys: []SearchKey{{"person", "198501012382"}}})
	stop()
	for _, name := range []string{truthFile, searchFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("198501012382")) {
			t.Errorf("%s holds a personal number in clear", name)
		}
	}
}

func TestBackupIsAStoreOfItsOwn(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	id := accept(t, s, "x", "1", "body").Arrival.ID
	settle(t, s, Settlement{Arrival: id, Owed: owedTo(s, id, "journal"), Keys: []SearchKey{{"specimen", "S1"}}})
	dir := filepath.Join(t.TempDir(), "copy")
	if err := s.Backup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), dir); err == nil {
		t.Error("a backup was written over another one")
	}
	c, _ := start(t, dir, Options{})
	if c.Epoch() == s.Epoch() || len(c.Epoch()) < 20 {
		t.Errorf("epoch of the restored store: %q, of the first: %q", c.Epoch(), s.Epoch())
	}
	got := must(c.Owed(t.Context(), "journal", 0, 0))(t)
	if len(got) != 1 || got[0].Key != s.Key(id, "result", "journal", 0) {
		t.Errorf("what was owed: got %+v", got)
	}
	if found := must(c.Arrivals(t.Context(), Query{Text: "S1"}))(t); len(found) != 1 {
		t.Errorf("search: got %+v", found)
	}
}

func TestManyAtOnce(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	const producers, each = 16, 40
	ctx := t.Context()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				// Half of the control ids are sent by two producers.
				r, err := s.Accept(ctx, Arrival{Kind: KindMLLP, Source: "x", Control: fmt.Sprint(p/2, i), Body: []byte("same")})
				if err != nil {
					t.Error(err)
					return
				}
				if r.Verdict != New {
					continue
				}
				if _, err := s.Settle(ctx, Settlement{Arrival: r.Arrival.ID, Owed: owedTo(s, r.Arrival.ID, "journal", "patient")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	reading, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	readers.Go(func() {
		for reading.Err() == nil {
			s.Counts(ctx)
			s.Arrivals(ctx, Query{Limit: 5})
			s.Owed(ctx, "journal", 0, 5)
		}
	})
	wg.Wait()
	stop()
	readers.Wait()
	c := must(s.Counts(ctx))(t)
	if n := int64(producers / 2 * each); c.Settled != n || c.Repeats != n || c.Deliveries["journal"][StateOwed] != n {
		t.Errorf("got %+v, want %d settled and as many repeats", c, n)
	}
}

func TestTheLogStaysShort(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 200 MB")
	}
	s, _ := start(t, t.TempDir(), Options{})
	body := make([]byte, 100_000)
	var wg sync.WaitGroup
	var most int64
	var mu sync.Mutex
	for p := range 4 {
		wg.Go(func() {
			for i := range 500 {
				if _, err := s.Accept(t.Context(), Arrival{Kind: KindAPI, Source: "x", Control: fmt.Sprint(p, i), Body: body}); err != nil {
					t.Error(err)
					return
				}
				c, err := s.Counts(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				most = max(most, c.WAL)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if most > 100<<20 {
		t.Errorf("the log has grown to %d MiB while 200 MB were written", most>>20)
	}
	t.Logf("longest log: %d MiB", most>>20)
}
