package central

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rorpost/gateway/lab"
)

type given struct {
	Lease string   `json:"lease"`
	Items []leased `json:"items"`
}

func (b *bench) lease(most int) given {
	b.Helper()
	return into[given](b, b.must(http.StatusOK, "", "/v1/patient-results/lease", map[string]any{"consumer": "1177", "max": most, "seconds": 60}))
}

func (g given) ids() []int64 {
	var out []int64
	for _, i := range g.Items {
		out = append(out, i.ID)
	}
	return out
}

func (b *bench) deliver(key string, r patientResult) {
	b.Helper()
	if s := b.ask(unitA, "/v1/patient-results", key, r); s.Status != http.StatusCreated {
		b.Fatalf("deliver: got %d %s", s.Status, s.Body)
	}
}

func TestP2_AResultIsQueuedOnce(t *testing.T) {
	b := newBench(t)
	b.deliver("K1", resultFor(anna, "O1", "41"))
	if s := b.ask(unitA, "/v1/patient-results", "K1", resultFor(anna, "O1", "41")); s.Status != http.StatusOK {
		t.Errorf("again: got %d %s, want 200", s.Status, s.Body)
	}
	// White space and the order of members are no content.
	spaced, err := json.MarshalIndent(resultFor(anna, "O1", "41"), "", "   ")
	if err != nil {
		t.Fatal(err)
	}
	if s := b.ask(unitA, "/v1/patient-results", "K1", string(spaced)); s.Status != http.StatusOK {
		t.Errorf("again, written otherwise: got %d %s, want 200", s.Status, s.Body)
	}
	if s := b.ask(unitA, "/v1/patient-results", "K1", resultFor(anna, "O1", "42")); s.Status != http.StatusConflict {
		t.Errorf("another value: got %d %s, want 409", s.Status, s.Body)
	}
	if s := b.ask(unitB, "/v1/patient-results", "K1", resultFor(bo, "O2", "42")); s.Status != http.StatusCreated {
		t.Errorf("another unit's key: got %d %s, want 201", s.Status, s.Body)
	}
	if got := b.lease(10); len(got.Items) != 2 {
		t.Errorf("got %d results, want 2", len(got.Items))
	}
}

func TestP2_SixteenTriesAreOneResult(t *testing.T) {
	b := newBench(t)
	var wg sync.WaitGroup
	status := make([]int, 16)
	for i := range status {
		wg.Go(func() { status[i] = b.ask(unitA, "/v1/patient-results", "K1", resultFor(anna, "O1", "41")).Status })
	}
	wg.Wait()
	slices.Sort(status)
	if status[0] != 200 || status[14] != 200 || status[15] != 201 {
		t.Errorf("got %v, want one 201", status)
	}
}

func TestP14_NobodyWhoMayNotBeToldReachesTheQueue(t *testing.T) {
	b := newBench(t)
	for name, person := range map[string]personQuery{
		"nobody": {}, "a null": {"", `""`}, "a coded id": {"", "1980-1234"}, "a code of somebody's": {"1.2.3.4", "HIV-0017"}, "a word": {"", "anonymous"},
		"a wrong check digit": {lab.OIDPersonnummer, "198501012383"}, "a wrong one without system": {"", "198501012383"},
	} {
		r := resultFor(anna, "O1", "41")
		r.Person = person
		s := b.ask(unitA, "/v1/patient-results", "K-"+name, r)
		if s.Status != http.StatusUnprocessableEntity || s.Hint == "" || strings.Contains(s.Body, "2383") {
			t.Errorf("%s: got %d %s, want 422 with a hint", name, s.Status, s.Body)
		}
	}
	if got := b.lease(10); len(got.Items) != 0 {
		t.Errorf("%d of them are in the queue", len(got.Items))
	}
}

func TestP7_AResultOfAnotherPersonThanItsOrderIsRefused(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	coded := orderFor("O2", anna)
	coded.Person = lab.PersonWire{Value: "1980-1234"}
	b.must(http.StatusCreated, "", "/v1/orders", coded)
	for _, order := range []string{"O1", "O2"} {
		if s := b.ask(unitA, "/v1/patient-results", "K"+order, resultFor(bo, order, "41")); s.Status != http.StatusUnprocessableEntity {
			t.Errorf("order %s: got %d %s, want 422", order, s.Status, s.Body)
		}
	}
	b.deliver("K3", resultFor(anna, "O1", "41"))
}

func TestResultRefuses(t *testing.T) {
	b := newBench(t)
	if s := b.ask(unitA, "/v1/patient-results", "", resultFor(anna, "O1", "41")); s.Status != http.StatusBadRequest || !strings.Contains(s.Error, "Idempotency-Key") {
		t.Errorf("no key: got %d %s", s.Status, s.Body)
	}
	r := resultFor(anna, "O1", "41")
	r.Observations = nil
	if s := b.ask(unitA, "/v1/patient-results", "K", r); s.Status != http.StatusUnprocessableEntity {
		t.Errorf("nothing to tell: got %d %s", s.Status, s.Body)
	}
}

func TestLeaseAckNack(t *testing.T) {
	b := newBench(t)
	for i, person := range []string{anna, bo, "195001182046"} {
		b.deliver(fmt.Sprint("K", i), resultFor(person, "O", fmt.Sprint(i)))
	}
	first := b.lease(2)
	if got := first.ids(); !slices.Equal(got, []int64{1, 2}) || first.Items[0].Lease != first.Lease || first.Items[0].Attempts != 1 {
		t.Fatalf("first lease: got %v", got)
	}
	if r := first.Items[0].Result; !strings.Contains(string(r), anna) || !strings.Contains(string(r), `"value":"0"`) {
		t.Errorf("the result is not what was delivered: %s", r)
	}
	second := b.lease(2)
	if got := second.ids(); !slices.Equal(got, []int64{3}) {
		t.Fatalf("second lease: got %v, want the rest", got)
	}
	settle := func(want int, what, lease string, ids ...int64) settled {
		t.Helper()
		return into[settled](b, b.must(want, "", "/v1/patient-results/"+what, map[string]any{"lease": lease, "ids": ids}))
	}
	for range 2 {
		settle(http.StatusOK, "ack", first.Lease, 1)
	}
	if got := settle(http.StatusConflict, "ack", second.Lease, 2, 3); got.Done != 1 || !slices.Equal(got.Lost, []int64{2}) {
		t.Errorf("a foreign id: got %+v", got)
	}
	b.must(http.StatusOK, "", "/v1/patient-results/nack", map[string]any{"lease": first.Lease, "ids": []int64{2}, "why": strings.Repeat("ö", 400)})
	third := b.lease(2)
	if got := third.ids(); !slices.Equal(got, []int64{2}) || third.Items[0].Attempts != 2 {
		t.Fatalf("after the nack: got %v", got)
	}
	settle(http.StatusConflict, "ack", first.Lease, 2)
	settle(http.StatusConflict, "nack", first.Lease, 2)
	settle(http.StatusOK, "ack", third.Lease, 2)
	settle(http.StatusConflict, "nack", third.Lease, 2)
	if got := b.lease(10); len(got.Items) != 0 {
		t.Errorf("an empty queue gave %v", got.ids())
	}
	for _, body := range []string{`{}`, `{"lease":"x"}`, `{"lease":"x","ids":[]}`, `{"lease":"","ids":[1]}`} {
		b.must(http.StatusBadRequest, "", "/v1/patient-results/ack", body)
	}
	for _, body := range []string{`{}`, `{"consumer":"a b"}`, `{"consumer":"x","max":0}`, `{"consumer":"x","max":501}`, `{"consumer":"x","seconds":0}`, `{"consumer":"x","seconds":3601}`} {
		b.must(http.StatusBadRequest, "", "/v1/patient-results/lease", body)
	}
}

// TestLeaseExpires runs on the clock of a bubble: the store is asked without a socket.
func TestLeaseExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storeIn(t, t.TempDir())
		keep(t, s, "K1", "anna")
		lease := func(token string) int {
			got, err := s.Lease(t.Context(), Lease{Token: token, Consumer: "1177", Max: 10, Now: time.Now(), Until: time.Now().Add(time.Minute)})
			if err != nil {
				t.Fatal(err)
			}
			return len(got)
		}
		if lease("L1") != 1 || lease("L2") != 0 {
			t.Fatal("a leased result was leased again")
		}
		time.Sleep(59 * time.Second)
		if lease("L2") != 0 {
			t.Fatal("leased again before its time")
		}
		time.Sleep(time.Second)
		// Late, but nobody else has it: it counts.
		if lost, err := s.GiveBack(t.Context(), "L1", []int64{1}, "later"); err != nil || len(lost) != 0 {
			t.Fatalf("given back late: got %v, %v", lost, err)
		}
		if lease("L2") != 1 {
			t.Fatal("not leased again after its time")
		}
		if lost, err := s.Acknowledge(t.Context(), "L1", []int64{1}, time.Now()); err != nil || len(lost) != 1 {
			t.Errorf("the first holder acknowledged what another holds: got %v, %v", lost, err)
		}
		time.Sleep(2 * time.Minute)
		if lost, err := s.Acknowledge(t.Context(), "L2", []int64{1}, time.Now()); err != nil || len(lost) != 0 {
			t.Errorf("the last holder, late: got %v, %v", lost, err)
		}
		if lease("L3") != 0 {
			t.Error("an acknowledged result was leased")
		}
	})
}

// P11: a correction is not handed out while what it corrects is in somebody's hands.
func TestP11_NothingOvertakesAnEarlierResultOfThePerson(t *testing.T) {
	s := storeIn(t, t.TempDir())
	now := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	for i, person := range []string{"anna", "anna", "bo", "anna"} {
		keep(t, s, fmt.Sprint("K", i), person)
	}
	lease := func(token string, most int, now time.Time) []int64 {
		got, err := s.Lease(t.Context(), Lease{Token: token, Max: most, Now: now, Until: now.Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for _, r := range got {
			ids = append(ids, r.ID)
		}
		return ids
	}
	if got := lease("L1", 1, now); !slices.Equal(got, []int64{1}) {
		t.Fatalf("got %v", got)
	}
	if got := lease("L2", 10, now); !slices.Equal(got, []int64{3}) {
		t.Fatalf("while the first is held: got %v, want another person's", got)
	}
	if got := lease("L3", 10, now.Add(time.Minute)); !slices.Equal(got, []int64{1, 2, 3, 4}) {
		t.Errorf("after the lease: got %v, want all in order", got)
	}
}

func storeIn(t *testing.T, dir string) Store {
	t.Helper()
	s, err := openEmbedded(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func keep(t *testing.T, s Store, key, person string) {
	t.Helper()
	_, fresh, err := s.KeepResult(t.Context(), ResultRecord{Unit: unitA, Key: key, Person: []byte(person), Content: []byte(key), Body: []byte("{}"), Received: time.Now()})
	if err != nil || !fresh {
		t.Fatalf("keep: %v, %v", fresh, err)
	}
}
