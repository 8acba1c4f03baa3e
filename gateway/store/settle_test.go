package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestP4_BothOrNeither(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	ctx := t.Context()
	id := accept(t, s, "x", "1", "body").Arrival.ID
	if _, err := s.Settle(ctx, Settlement{Arrival: id, Owed: []Owed{owedTo(s, id, "journal")[0], {Destination: "patient"}}}); err == nil {
		t.Error("a delivery without a key was owed")
	}
	if got := must(s.Owed(ctx, "journal", 0, 0))(t); len(got) != 0 {
		t.Errorf("neither: got %+v", got)
	}
	both := settle(t, s, Settlement{Arrival: id, Decision: "result", Owed: owedTo(s, id, "journal", "patient")})
	for i, destination := range []string{"journal", "patient"} {
		got := must(s.Owed(ctx, destination, 0, 0))(t)
		if len(got) != 1 || got[0].ID != both[i].ID || got[0].Key != s.Key(id, "result", destination, 0) ||
			string(got[0].Payload) != fmt.Sprintf("payload %d of %d", i, id) {
			t.Errorf("%s: got %+v", destination, got)
		}
	}
	if _, err := s.Settle(ctx, Settlement{Arrival: id, Owed: owedTo(s, id, "third")}); !errors.Is(err, ErrSettled) {
		t.Errorf("twice: got %v, want ErrSettled", err)
	}
	if _, err := s.Settle(ctx, Settlement{Arrival: 999}); !errors.Is(err, ErrUnknown) {
		t.Errorf("no arrival: got %v, want ErrUnknown", err)
	}
	if got := must(s.Owed(ctx, "third", 0, 0))(t); len(got) != 0 {
		t.Errorf("a refused settlement owes %+v", got)
	}
}

func TestGroupIsolatesABadOperation(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	good := func(name string) *op {
		return newOp(0, func(x *tx) error {
			_, err := x.keep(Arrival{Kind: KindAPI, Control: name, Body: []byte(name)}, bodyHash([]byte(name)))
			return err
		})
	}
	bad := newOp(0, func(x *tx) error {
		if _, err := x.keep(Arrival{Kind: KindAPI, Control: "bad"}, bodyHash(nil)); err != nil {
			return err
		}
		_, err := x.exec("INSERT INTO binding (specimen, of_order, body) VALUES ('s', 'o', NULL)")
		return err
	})
	refused := newOp(0, func(x *tx) error {
		_, err := x.settle(Settlement{Arrival: 4711}, nil)
		return err
	})
	group := []*op{good("a"), bad, good("b"), refused, good("c")}
	s.commit(group)
	for i, wantErr := range []bool{false, true, false, true, false} {
		if got := group[i].err; (got != nil) != wantErr {
			t.Errorf("operation %d: got %v", i, got)
		}
	}
	var got []string
	for _, a := range must(s.Unsettled(t.Context()))(t) {
		got = append(got, a.Control)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if c := must(s.Counts(t.Context()))(t); c.Kept != 3 || s.Healthy() != nil {
		t.Errorf("counts %+v, health %v", c, s.Healthy())
	}
}

func TestRecordAndFollowUp(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	ctx := t.Context()
	id := accept(t, s, "x", "1", "body").Arrival.ID
	d := settle(t, s, Settlement{Arrival: id, Owed: owedTo(s, id, "lab")})[0]
	later := time.Now().Add(time.Minute).Round(time.Second).UTC()
	for _, o := range []Outcome{
		{Delivery: d.ID, Class: ClassRetry, Detail: "connection refused", NotBefore: later},
		{Delivery: d.ID, Class: ClassUnconfirmed, Detail: "no answer within 30 s"},
	} {
		if _, err := s.Record(ctx, o); err != nil {
			t.Fatal(err)
		}
		got := must(s.Owed(ctx, "lab", 0, 0))(t)
		if len(got) != 1 || got[0].LastError != o.Detail || !got[0].NotBefore.Equal(o.NotBefore) {
			t.Errorf("after %s: got %+v", o.Class, got)
		}
	}
	then := must(s.Record(ctx, Outcome{Delivery: d.ID, Class: ClassDelivered, Detail: "AA", Then: owedTo(s, id, "orders")}))(t)
	if len(then) != 1 || then[0].Destination != "orders" || then[0].Arrival != id {
		t.Errorf("follow-up: got %+v", then)
	}
	if _, err := s.Record(ctx, Outcome{Delivery: d.ID, Class: ClassDelivered}); !errors.Is(err, ErrNotOwed) {
		t.Errorf("twice: got %v, want ErrNotOwed", err)
	}
	if _, err := s.Record(ctx, Outcome{Delivery: 999, Class: ClassRetry}); !errors.Is(err, ErrUnknown) {
		t.Errorf("no delivery: got %v, want ErrUnknown", err)
	}
	detail := must(s.Arrival(ctx, id))(t)
	var classes []string
	for _, a := range detail.Deliveries[0].History {
		classes = append(classes, a.Class)
	}
	if diff := cmp.Diff([]string{ClassRetry, ClassUnconfirmed, ClassDelivered}, classes); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	c := must(s.Counts(ctx))(t)
	if c.Deliveries["lab"][StateDelivered] != 1 || c.Deliveries["lab"][StateOwed] != 0 || c.Deliveries["orders"][StateOwed] != 1 {
		t.Errorf("counts: got %+v", c.Deliveries)
	}
	if at := c.Oldest["orders"]; at.IsZero() || len(c.Oldest) != 1 {
		t.Errorf("oldest: got %v", c.Oldest)
	}
}

func TestParkReleaseAndSettleAgain(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	ctx := t.Context()
	id := accept(t, s, "x", "1", "body").Arrival.ID
	settle(t, s, Settlement{Arrival: id, Owed: owedTo(s, id, "journal"), Park: &Park{Reason: "no order", Hint: "choose the order"}})
	item := must(s.Parked(ctx, 0))(t)[0]
	if item.Arrival != id || item.Reason != "no order" || item.Source != "x" {
		t.Fatalf("got %+v", item)
	}
	r := must(s.Resolve(ctx, Resolution{Item: item.ID, Action: ActionRelease, By: "anna", Why: "order chosen"}))(t)
	if r.Arrival == nil || r.Arrival.State != Kept || string(r.Arrival.Body) != "body" {
		t.Fatalf("released: got %+v", r)
	}
	if _, err := s.Resolve(ctx, Resolution{Item: item.ID, Action: ActionReject}); !errors.Is(err, ErrResolved) {
		t.Errorf("twice: got %v, want ErrResolved", err)
	}
	if got := must(s.Unsettled(ctx))(t); len(got) != 1 {
		t.Errorf("unsettled: got %+v", got)
	}
	again := settle(t, s, Settlement{Arrival: id, Decision: "result", Owed: owedTo(s, id, "journal", "patient")})
	if len(again) != 1 || again[0].Destination != "patient" {
		t.Errorf("P2: what was owed already is owed twice: %+v", again)
	}
	d := must(s.Arrival(ctx, id))(t)
	if len(d.Settlements) != 2 || d.Settlements[1].Decision != "result" || len(d.Deliveries) != 2 || d.Arrival.State != Settled ||
		len(d.Parked) != 1 || d.Parked[0].ResolvedBy != "anna" {
		t.Errorf("detail: got %+v", d)
	}
	if got := must(s.AllParked(ctx))(t); len(got) != 1 || got[0].Resolved != ActionRelease {
		t.Errorf("all parked: got %+v", got)
	}
	if c := must(s.Counts(ctx))(t); c.ParkedOpen != 0 || c.Kept != 0 || c.Settled != 1 {
		t.Errorf("counts: got %+v", c)
	}
}

func TestParkedDeliveryKeepsItsPlace(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	ctx := t.Context()
	var first Delivery
	for i := range 2 {
		id := accept(t, s, "x", fmt.Sprint(i), "body").Arrival.ID
		d := settle(t, s, Settlement{Arrival: id, Owed: owedTo(s, id, "lab")})[0]
		if i == 0 {
			first = d
		}
	}
	if _, err := s.Record(ctx, Outcome{Delivery: first.ID, Class: ClassPark, Detail: "AR", Hint: "unknown test"}); err != nil {
		t.Fatal(err)
	}
	item := must(s.Parked(ctx, 0))(t)[0]
	if item.Delivery != first.ID || item.Source != "lab" || item.Hint != "unknown test" {
		t.Fatalf("got %+v", item)
	}
	r := must(s.Resolve(ctx, Resolution{Item: item.ID, Action: ActionRelease}))(t)
	if r.Delivery == nil || r.Delivery.ID != first.ID {
		t.Fatalf("got %+v", r)
	}
	if got := must(s.Owed(ctx, "lab", 0, 0))(t); len(got) != 2 || got[0].ID != first.ID {
		t.Errorf("order after the release: got %+v", got)
	}
}

func TestSupersedeBindingsRevisionsDesk(t *testing.T) {
	dir := t.TempDir()
	s, stop := start(t, dir, Options{})
	ctx := t.Context()
	parked := accept(t, s, "x", "1", "a").Arrival.ID
	settle(t, s, Settlement{Arrival: parked, Park: &Park{Reason: "?"}})
	at := time.Now().UTC().Round(0)
	id := accept(t, s, "x", "2", "b").Arrival.ID
	settle(t, s, Settlement{
		Arrival: id, Supersedes: []int64{parked}, Desk: &Desk{Name: "desk", State: []byte("state")},
		Bindings:  []Binding{{"S1", "O1", []byte("{}")}, {"S2", "O1", nil}},
		Revisions: []Revision{{Key: "k", Status: "F", Value: "v", At: at}},
	})
	stop()
	s, _ = start(t, dir, Options{})
	if got := must(s.Arrival(ctx, parked))(t); got.Arrival.State != Resolved || got.Parked[0].Resolved != ActionSuperseded {
		t.Errorf("superseded: got %+v", got)
	}
	if b, ok, err := s.Binding(ctx, "S1"); err != nil || !ok || b.Order != "O1" || string(b.Body) != "{}" {
		t.Errorf("binding: got %+v, %v, %v", b, ok, err)
	}
	if _, ok, err := s.Binding(ctx, "S9"); err != nil || ok {
		t.Errorf("a binding that is not there: %v, %v", ok, err)
	}
	if got := must(s.OrderBindings(ctx, "O1"))(t); len(got) != 2 {
		t.Errorf("order bindings: got %+v", got)
	}
	if r, ok, err := s.Revision(ctx, "k"); err != nil || !ok || r.Status != "F" || !r.At.Equal(at) {
		t.Errorf("revision: got %+v, %v, %v", r, ok, err)
	}
	if got := must(s.DeskState(ctx, "desk"))(t); string(got) != "state" {
		t.Errorf("desk: got %q", got)
	}
	last := accept(t, s, "x", "3", "c").Arrival.ID
	settle(t, s, Settlement{Arrival: last, Desk: &Desk{Name: "desk"}})
	if got := must(s.DeskState(ctx, "desk"))(t); got != nil {
		t.Errorf("a cleared desk: got %q", got)
	}
}

func TestEventsAfterTheCommit(t *testing.T) {
	var mu sync.Mutex
	var got []string
	s, stop := start(t, t.TempDir(), Options{OnEvent: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, e.What)
	}})
	id := accept(t, s, "x", "1", "a").Arrival.ID
	d := settle(t, s, Settlement{Arrival: id, Owed: owedTo(s, id, "lab", "journal")})
	for _, class := range []string{ClassRetry, ClassDelivered} {
		must(s.Record(t.Context(), Outcome{Delivery: d[0].ID, Class: class}))(t)
	}
	must(s.Record(t.Context(), Outcome{Delivery: d[1].ID, Class: ClassPark}))(t)
	must(s.Resolve(t.Context(), Resolution{Item: must(s.Parked(t.Context(), 1))(t)[0].ID, Action: ActionReject}))(t)
	stop()
	want := []string{EventKept, EventSettled, EventRetry, EventDelivered, EventDeliveryParked, EventResolved}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
