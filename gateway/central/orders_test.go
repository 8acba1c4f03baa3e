package central

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rorpost/gateway/lab"
)

func TestPlaceIsIdempotent(t *testing.T) {
	b := newBench(t)
	o := b.place("O1", anna)
	b.must(http.StatusOK, "", "/v1/orders", o)
	other := o
	other.Requester.Name = "Another"
	if s := b.must(http.StatusConflict, "", "/v1/orders", other); s.Hint == "" {
		t.Error("a conflict has no hint")
	}
	b.claimed("O1", unitA, "C1")
	s := b.must(http.StatusOK, "", "/v1/orders", o)
	if got := into[told](b, s); got.Status != lab.Fetched {
		t.Errorf("placed again: got %v, want the order as it is now", got)
	}
	if s := b.ask("", "/v1/orders", "K1", orderFor("O2", anna)); s.Status != http.StatusCreated {
		t.Errorf("with a key: got %d %s", s.Status, s.Body)
	}
	if s := b.ask("", "/v1/orders", "K1", orderFor("O2", anna)); s.Status != http.StatusOK {
		t.Errorf("with the key again: got %d %s", s.Status, s.Body)
	}
	if s := b.ask("", "/v1/orders", "K1", orderFor("O3", anna)); s.Status != http.StatusConflict {
		t.Errorf("with the key of another order: got %d %s", s.Status, s.Body)
	}
	undated := orderFor("O4", anna)
	undated.Created = time.Time{}
	b.must(http.StatusCreated, "", "/v1/orders", undated)
	b.must(http.StatusOK, "", "/v1/orders", undated)
	if b.order("O4").Created.IsZero() {
		t.Error("an order without a time got none")
	}
}

func TestPlaceRefuses(t *testing.T) {
	b := newBench(t)
	for name, spoil := range map[string]func(*lab.OrderWire){
		"no id":                 func(o *lab.OrderWire) { o.ID = "" },
		"an id for no path":     func(o *lab.OrderWire) { o.ID = "a/b?c#d" },
		"a wrong check digit":   func(o *lab.OrderWire) { o.Person.Value = "198501012383" },
		"nobody":                func(o *lab.OrderWire) { o.Person.Value = "" },
		"the number in the id":  func(o *lab.OrderWire) { o.ID = "eph-19850101-2382" },
		"no status":             func(o *lab.OrderWire) { o.Status = "lost" },
		"a later status":        func(o *lab.OrderWire) { o.Status = lab.Sent },
		"claimed":               func(o *lab.OrderWire) { o.ClaimedBy = unitA },
		"collected":             func(o *lab.OrderWire) { o.Specimens = []lab.Specimen{{ID: "1"}} },
		"no tests":              func(o *lab.OrderWire) { o.Tests = nil },
		"a test without number": func(o *lab.OrderWire) { o.Tests[0].Placer = "" },
		"two tests, one number": func(o *lab.OrderWire) { o.Tests[0].Placer = o.Tests[1].Placer },
		"a test without code":   func(o *lab.OrderWire) { o.Tests[0].Code.Code = "" },
		"no material":           func(o *lab.OrderWire) { o.Tests[0].Material = "" },
		"nobody measures":       func(o *lab.OrderWire) { o.Tests[0].Performer = "" },
		"a control character":   func(o *lab.OrderWire) { o.Tests[0].Placer = "a\nb" },
	} {
		o := orderFor("O1", anna)
		spoil(&o)
		if s := b.post("", "/v1/orders", o); s.Status != http.StatusUnprocessableEntity || strings.Contains(s.Body, "2382") {
			t.Errorf("%s: got %d %s, want 422", name, s.Status, s.Body)
		}
	}
	if got := into[found](b, b.must(http.StatusOK, unitA, "/v1/orders/search", bodyFor(anna))); len(got.Orders) != 0 {
		t.Errorf("got %d orders, want none", len(got.Orders))
	}
	if s := b.ask("", "/v1/orders", strings.Repeat("k", 201), orderFor("O1", anna)); s.Status != http.StatusBadRequest {
		t.Errorf("a long key: got %d", s.Status)
	}
}

func TestSearch(t *testing.T) {
	b := newBench(t)
	want := b.place("O1", anna)
	b.place("O2", bo)
	b.place("O3", cilla)
	want.Specimens = []lab.Specimen{}
	for _, who := range []map[string]string{
		{"oid": lab.OIDPersonnummer, "value": anna}, {"oid": "", "value": anna}, {"oid": "", "value": "19850101-2382"}, {"oid": "", "value": "850101-2382"},
	} {
		s := b.must(http.StatusOK, unitA, "/v1/orders/search", map[string]any{"person": who})
		if diff := cmp.Diff([]lab.OrderWire{want}, into[found](b, s).Orders, cmp.Comparer(func(x, y lab.PersonWire) bool { return x == y })); diff != "" {
			t.Errorf("search (-want +got):\n%s", diff)
		}
	}
	if s := b.must(http.StatusOK, unitA, "/v1/orders/search", bodyFor("195001182046")); s.Body != "{\"orders\":[]}\n" {
		t.Errorf("a stranger: got %s, want an empty list", s.Body)
	}
	b.must(http.StatusUnprocessableEntity, unitA, "/v1/orders/search", `{"person":{"oid":"`+lab.OIDPersonnummer+`","value":"198501012383"}}`)
	for _, body := range []string{`{}`, `{"person":{"oid":"","value":""}}`, `{"specimen":""}`, `{"specimen":"a","person":{"oid":"","value":"1980-1234"}}`} {
		b.must(http.StatusBadRequest, unitA, "/v1/orders/search", body)
	}
	b.claimed("O1", unitA, "C1")
	b.must(http.StatusOK, unitA, "/v1/orders/O1/collected", collection(unitA, "C1", "T1", "T2"))
	got := into[found](b, b.must(http.StatusOK, unitB, "/v1/orders/search", `{"specimen":"T2"}`)).Orders
	if len(got) != 1 || got[0].ID != "O1" || len(got[0].Specimens) != 2 || got[0].Specimens[1].ID != "T2" || got[0].ClaimedBy != unitA {
		t.Errorf("by specimen: got %v", got)
	}
	if s := b.must(http.StatusOK, unitB, "/v1/orders/search", `{"specimen":"T3"}`); s.Body != "{\"orders\":[]}\n" {
		t.Errorf("an unknown tube: got %s", s.Body)
	}
}

// A coded order is found by its code, and by nothing else.
func TestP14_ACodedOrderIsKeptByItsCode(t *testing.T) {
	b := newBench(t)
	o := orderFor("O1", "1980-1234")
	o.Person = lab.PersonWire{Value: "1980-1234"}
	b.must(http.StatusCreated, "", "/v1/orders", o)
	if got := into[found](b, b.must(http.StatusOK, unitA, "/v1/orders/search", bodyFor("1980-1234"))); len(got.Orders) != 1 {
		t.Errorf("by its code: got %d orders", len(got.Orders))
	}
	if got := into[found](b, b.must(http.StatusOK, unitA, "/v1/orders/search", bodyFor("19801234"))); len(got.Orders) != 0 {
		t.Errorf("by something like it: got %d orders", len(got.Orders))
	}
}

// P8: sixteen units want the same orders at the same time; each order has one winner, and the winner may ask again.
func TestP8_OneUnitHoldsAnOrder(t *testing.T) {
	b := newBench(t)
	const orders, units = 8, 16
	var won [orders]atomic.Int64
	for n := range orders {
		b.place(fmt.Sprintf("O%d", n), anna)
	}
	var wg sync.WaitGroup
	for u := range units {
		wg.Go(func() {
			unit := fmt.Sprintf("UNIT-%d", u)
			for n := range orders {
				s := b.post(unit, fmt.Sprintf("/v1/orders/O%d/claim", n), claimOf(unit, "C1"))
				switch {
				case s.Status == http.StatusOK:
					won[n].Add(1)
					if again := b.post(unit, fmt.Sprintf("/v1/orders/O%d/claim", n), claimOf(unit, "C1")); again.Status != http.StatusOK {
						t.Errorf("the winner asks again: got %d %s", again.Status, again.Body)
					}
				case s.Status != http.StatusConflict || !strings.Contains(s.Hint, "already fetched by another unit"):
					t.Errorf("a loser: got %d %s, want 409", s.Status, s.Body)
				}
			}
		})
	}
	wg.Wait()
	for n := range orders {
		if got := won[n].Load(); got != 1 {
			t.Errorf("order %d: got %d winners, want 1", n, got)
		}
	}
}

func TestClaim(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	got := into[lab.OrderWire](b, b.must(http.StatusOK, unitA, "/v1/orders/O1/claim", claimOf(unitA, "C1")))
	if got.Status != lab.Fetched || got.ClaimedBy != unitA || got.Person.Value != anna {
		t.Errorf("claimed: got %s by %s", got.Status, got.ClaimedBy)
	}
	b.claimed("O1", unitA, "C2") // A desk that was left open does not lock the patient out.
	b.must(http.StatusConflict, unitB, "/v1/orders/O1/claim", claimOf(unitB, "C1"))
	b.must(http.StatusNotFound, unitA, "/v1/orders/O9/claim", claimOf(unitA, "C1"))
	b.must(http.StatusBadRequest, unitA, "/v1/orders/O1/claim", claimOf(unitA, ""))
	b.must(http.StatusBadRequest, "", "/v1/orders/O1/claim", claimOf("", "C1"))
	b.must(http.StatusForbidden, unitA, "/v1/orders/O1/claim", claimOf(unitB, "C1"))
	b.must(http.StatusOK, unitA, "/v1/orders/O1/collected", collection(unitA, "C2", "T1"))
	for _, unit := range []string{unitA, unitB} {
		if s := b.must(http.StatusConflict, unit, "/v1/orders/O1/claim", claimOf(unit, "C2")); !strings.Contains(s.Error, "collected before") {
			t.Errorf("after the collection: got %s", s.Body)
		}
	}
}

// A release that comes late does not take an order from the collection that holds it now.
func TestReleaseNamesItsCollection(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	b.claimed("O1", unitA, "C1")
	b.claimed("O1", unitA, "C2")
	b.must(http.StatusOK, unitA, "/v1/orders/O1/release", claimOf(unitA, "C1"))
	if got := b.order("O1"); got.Status != lab.Fetched {
		t.Fatalf("after the late release: got %s, want fetched", got.Status)
	}
	b.must(http.StatusOK, unitB, "/v1/orders/O1/release", map[string]string{"unit": unitB})
	if got := b.order("O1"); got.ClaimedBy != unitA {
		t.Fatalf("after another unit's release: got %q, want %s", got.ClaimedBy, unitA)
	}
	for range 2 {
		b.must(http.StatusOK, unitA, "/v1/orders/O1/release", map[string]string{"unit": unitA})
	}
	if got := b.order("O1"); got.Status != lab.Ordered || got.ClaimedBy != "" {
		t.Errorf("released: got %s by %q", got.Status, got.ClaimedBy)
	}
	b.claimed("O1", unitB, "C3")
}

func TestLifeOfAnOrder(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	steps := []struct {
		path string
		body any
		want lab.OrderStatus
	}{
		{"claim", claimOf(unitA, "C1"), lab.Fetched},
		{"collected", collection(unitA, "C1", "T1", "T2"), lab.Collected},
		{"collected", collection(unitA, "C1", "T1", "T2"), lab.Collected},
		{"sent", map[string]string{"unit": unitA}, lab.Sent},
		{"answered", map[string]string{"status": "partial"}, lab.Partial},
		{"answered", map[string]string{"unit": unitA, "status": "answered"}, lab.Answered},
		{"sent", map[string]string{"unit": unitA}, lab.Answered},
		{"answered", map[string]string{"status": "partial"}, lab.Answered},
		{"collected", collection(unitA, "C1", "T1", "T2"), lab.Answered},
		{"answered", map[string]string{"status": "corrected"}, lab.Corrected},
		{"answered", map[string]string{"status": "answered"}, lab.Corrected},
	}
	for _, s := range steps {
		b.must(http.StatusOK, unitA, "/v1/orders/O1/"+s.path, s.body)
		if got := b.order("O1").Status; got != s.want {
			t.Fatalf("after %s: got %s, want %s", s.path, got, s.want)
		}
	}
	b.must(http.StatusConflict, unitA, "/v1/orders/O1/release", map[string]string{"unit": unitA})
	b.must(http.StatusConflict, unitA, "/v1/orders/O1/cancel", map[string]string{"reason": "changed my mind"})
	b.must(http.StatusUnprocessableEntity, unitA, "/v1/orders/O1/answered", map[string]string{"status": "lost"})
}

func TestTubes(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	b.place("O2", anna)
	b.claimed("O1", unitA, "C1")
	b.claimed("O2", unitA, "C1")
	for name, c := range map[string]struct {
		body any
		want int
	}{
		"no tubes":          {collection(unitA, "C1"), http.StatusUnprocessableEntity},
		"no label":          {collection(unitA, "C1", ""), http.StatusUnprocessableEntity},
		"one label twice":   {collection(unitA, "C1", "T1", "T1"), http.StatusUnprocessableEntity},
		"no collection":     {collection(unitA, "", "T1"), http.StatusBadRequest},
		"another's test":    {map[string]any{"unit": unitA, "collection": "C1", "specimens": []lab.Specimen{{ID: "T1", Placers: []string{"O2-1"}}}}, http.StatusUnprocessableEntity},
		"another unit says": {collection(unitB, "C1", "T1"), http.StatusForbidden},
	} {
		if s := b.post(unitA, "/v1/orders/O1/collected", c.body); s.Status != c.want {
			t.Errorf("%s: got %d %s, want %d", name, s.Status, s.Body, c.want)
		}
	}
	b.must(http.StatusOK, unitA, "/v1/orders/O1/collected", collection(unitA, "C1", "T1"))
	if s := b.must(http.StatusConflict, unitA, "/v1/orders/O2/collected", collection(unitA, "C1", "T2", "T1")); !strings.Contains(s.Hint, "label was used twice") {
		t.Errorf("a used label: got %s", s.Body)
	}
	if got := b.order("O2"); got.Status != lab.Fetched || len(got.Specimens) != 0 {
		t.Errorf("after the refusal: got %s with %d tubes, want nothing changed", got.Status, len(got.Specimens))
	}
	// P8: two sets of tubes for one order are shown to people.
	if s := b.must(http.StatusConflict, unitA, "/v1/orders/O1/collected", collection(unitA, "C1", "T9")); !strings.Contains(s.Hint, "sampled twice") {
		t.Errorf("other tubes: got %s", s.Body)
	}
	b.must(http.StatusConflict, unitB, "/v1/orders/O1/collected", collection(unitB, "C7", "T8"))
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	b.must(http.StatusUnprocessableEntity, "", "/v1/orders/O1/cancel", `{}`)
	for range 2 {
		b.must(http.StatusOK, "", "/v1/orders/O1/cancel", `{"reason":"moved away"}`)
	}
	b.must(http.StatusConflict, unitA, "/v1/orders/O1/claim", claimOf(unitA, "C1"))
	b.must(http.StatusConflict, unitA, "/v1/orders/O1/collected", collection(unitA, "C1", "T1"))
	b.place("O2", anna)
	b.claimed("O2", unitA, "C1")
	b.must(http.StatusConflict, "", "/v1/orders/O2/cancel", `{"reason":"moved away"}`)
	b.must(http.StatusOK, unitA, "/v1/orders/O2/cancel", `{"unit":"`+unitA+`","reason":"the patient has left"}`)
	if got := b.order("O2"); got.Status != lab.Cancelled {
		t.Errorf("got %s, want cancelled", got.Status)
	}
}
