package flow

import (
	"strings"
	"testing"
	"time"

	"rorpost/gateway/lab"
	"rorpost/gateway/store"
)

// TestP5_EveryScanHasAnEnd: whatever is scanned at the desk is settled, filtered by a named rule, or parked with a hint.
func TestP5_EveryScanHasAnEnd(t *testing.T) {
	b := newBench(t)
	b.order("EPH-1", woman, lab.OIDPersonnummer)
	steps := []struct{ scan, decision, says string }{
		{"77000000011", "parked", "no patient is chosen"},
		{"CONFIRM", "parked", "no collection is open"},
		{"198501012383", "parked", "check digit"},
		{"%%", "parked", "neither a personal number nor a specimen id"},
		{girl, "filtered", "no open order for this person"},
		{woman, "orders claimed", ""},
		{woman, "the same person again: the collection goes on", ""},
		{"77000000011", "tube bound", ""},
		{"77000000011", "parked", ""},
		{girl, "parked", "another collection is open"},
		{"CONFIRM", "parked", ""},
		{"77000000029", "collected", ""},
		{"77000000029", "parked", "no patient is chosen"},
	}
	for i, s := range steps {
		d := b.scan(b.flow, s.scan)
		said := reason(d) + d.Settlements[0].Rule
		if decision(d) != s.decision || !strings.Contains(said, s.says) {
			t.Errorf("step %d: %s, %q; want %s, %q", i, decision(d), said, s.decision, s.says)
		}
		if len(d.Parked) > 0 && d.Parked[0].Hint == "" {
			t.Errorf("step %d is parked without a hint: %s", i, reason(d))
		}
		if strings.Contains(said, woman) || strings.Contains(said, girl) || strings.Contains(said, "198501012383") {
			t.Errorf("step %d: the reason names the person", i)
		}
	}
}

func TestALabelIsUsedOnce(t *testing.T) {
	b := newBench(t)
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	b.order("EPH-2", girl, lab.OIDPersonnummer)
	b.scan(b.flow, girl)
	if d := b.scan(b.flow, "77000000011"); decision(d) != "parked" || !strings.Contains(reason(d), "has been used before") {
		t.Errorf("%s %q; want the used label refused", decision(d), reason(d))
	}
}

// TestAnOldScanIsNotActedOn: after a crash a scan that has grown old parks.
func TestAnOldScanIsNotActedOn(t *testing.T) {
	b := newBench(t)
	b.order("EPH-1", woman, lab.OIDPersonnummer)
	r, err := b.store.Accept(t.Context(), store.Arrival{Kind: store.KindScan, Source: "scanner", Body: []byte(woman), At: time.Now().Add(-time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.flow.Again(t.Context(), r.Arrival); err != nil {
		t.Fatal(err)
	}
	if d := b.detail(b.flow, r.Arrival.ID); decision(d) != "parked" || d.Parked[0].Hint != "scan again" {
		t.Errorf("%s %+v; want it parked, to be scanned again", decision(d), d.Parked)
	}
}

// TestP9_EveryLookUpIsAudited: also one that finds nothing; and the audit names nobody in plain text.
func TestP9_EveryLookUpIsAudited(t *testing.T) {
	b := newBench(t)
	b.scan(b.flow, girl)
	if len(b.audits) != 1 || !strings.HasPrefix(b.audits[0], "look up orders ") || strings.Contains(b.audits[0], girl) {
		t.Errorf("audited: %d records; want one look-up, blind", len(b.audits))
	}
}

// TestP2_SettledOnce: the same arrival settled again, as after a crash, owes nothing more.
func TestP2_SettledOnce(t *testing.T) {
	b := newBench(t)
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	d, first, err := b.answer(oru("R1", woman, lab.OIDPersonnummer, "EPH-1-1", "77000000011", "5", "F"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.flow.Answer(t.Context(), d.Arrival)
	if err != nil {
		t.Fatal(err)
	}
	if string(first[0]) != string(again[0]) {
		t.Errorf("the second answer differs:\n%q\n%q", first[0], again[0])
	}
	if after := b.detail(b.flow, d.Arrival.ID); len(after.Deliveries) != len(d.Deliveries) || len(after.Settlements) != 1 {
		t.Errorf("%d deliveries and %d settlements, want %d and 1", len(after.Deliveries), len(after.Settlements), len(d.Deliveries))
	}
}

// TestAReleasedResultFindsItsOrder: a person mends what was wrong, and the parked result goes its way.
func TestAReleasedResultFindsItsOrder(t *testing.T) {
	b := newBench(t)
	d, _, err := b.answer(oru("R1", woman, lab.OIDPersonnummer, "EPH-1-1", "77000000011", "5", "F"))
	if err != nil || decision(d) != "parked" {
		t.Fatalf("%s, %v", decision(d), err)
	}
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	released, err := b.store.Resolve(t.Context(), store.Resolution{Item: d.Parked[0].ID, Action: store.ActionRelease, By: "test", Why: "the order is here now"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.flow.Again(t.Context(), *released.Arrival); err != nil {
		t.Fatal(err)
	}
	if after := b.detail(b.flow, d.Arrival.ID); decision(after) != "results" || len(owedTo(after, "journal")) != 1 || len(owedTo(after, "patients")) != 1 {
		t.Errorf("%s, %d deliveries; want it owed to both", decision(after), len(after.Deliveries))
	}
}

// TestP8_ACollectionLeftOpenIsGivenBack: after its lifetime the orders are free for another unit.
func TestP8_ACollectionLeftOpenIsGivenBack(t *testing.T) {
	b := newBench(t)
	b.order("EPH-1", woman, lab.OIDPersonnummer)
	b.scan(b.flow, woman)
	if err := b.flow.Sweep(t.Context(), "scanner"); err != nil {
		t.Fatal(err)
	}
	if _, busy, err := b.flow.Desk(t.Context(), "scanner"); err != nil || !busy {
		t.Fatalf("busy %v, %v; want the collection still open", busy, err)
	}
	b.flow.o.Desk.Lifetime = 0
	if err := b.flow.Sweep(t.Context(), "scanner"); err != nil {
		t.Fatal(err)
	}
	owed, err := b.store.Owed(t.Context(), OrderStore, 0, 10)
	if err != nil || len(owed) != 1 || !strings.Contains(string(owed[0].Payload), "/v1/orders/EPH-1/release") {
		t.Errorf("owed %d, %v; want the order given back", len(owed), err)
	}
	if _, busy, _ := b.flow.Desk(t.Context(), "scanner"); busy {
		t.Error("the collection is still open")
	}
}

// TestP9_ASpecimenIDThatIsAPersonStaysHidden: no reason, label or log shows what staff typed for a specimen.
func TestP9_ASpecimenIDThatIsAPersonStaysHidden(t *testing.T) {
	b := newBench(t)
	d, _, err := b.answer(oru("R1", "", "", "", girl, "5", "F"))
	if err != nil || decision(d) != "parked" {
		t.Fatalf("%s, %v", decision(d), err)
	}
	if strings.Contains(reason(d)+d.Parked[0].Hint+b.log.String(), girl) {
		t.Errorf("the reason shows the number: %s", strings.ReplaceAll(reason(d), girl, "…"))
	}
}
