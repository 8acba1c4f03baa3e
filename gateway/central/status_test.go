package central

import (
	"errors"
	"testing"

	"rorpost/gateway/lab"
)

// TestStep goes through every report in every state: what becomes of the order, or "refused".
func TestStep(t *testing.T) {
	states := []lab.OrderStatus{lab.Ordered, lab.Fetched, lab.Collected, lab.Sent, lab.Partial, lab.Answered, lab.Corrected, lab.Cancelled, lab.Expired}
	const no = "refused"
	for name, c := range map[string]struct {
		report report
		want   []string // One for each state.
	}{
		"collected":          {report{what: "collected", unit: "A", collection: "C", specimens: tubes("T")}, []string{"collected", "collected", "collected", "sent", "partial", "answered", "corrected", no, no}},
		"collected by B":     {report{what: "collected", unit: "B", collection: "C", specimens: tubes("T")}, []string{"collected", no, no, no, no, no, no, no, no}},
		"collected again":    {report{what: "collected", unit: "A", collection: "D", specimens: tubes("U")}, []string{"collected", "collected", no, no, no, no, no, no, no}},
		"sent":               {report{what: "sent", unit: "A"}, []string{no, "sent", "sent", "sent", "partial", "answered", "corrected", no, no}},
		"sent by B":          {report{what: "sent", unit: "B"}, []string{no, no, no, no, no, no, no, no, no}},
		"partial":            {report{what: "answered", status: lab.Partial}, []string{no, "partial", "partial", "partial", "partial", "answered", "corrected", no, "partial"}},
		"answered":           {report{what: "answered", status: lab.Answered}, []string{no, "answered", "answered", "answered", "answered", "answered", "corrected", no, "answered"}},
		"corrected":          {report{what: "answered", status: lab.Corrected}, []string{no, "corrected", "corrected", "corrected", "corrected", "corrected", "corrected", no, "corrected"}},
		"release":            {report{what: "release", unit: "A"}, []string{"ordered", "ordered", no, no, no, no, no, "cancelled", "expired"}},
		"release of another": {report{what: "release", unit: "A", collection: "D"}, []string{"ordered", "fetched", no, no, no, no, no, "cancelled", "expired"}},
		"release by B":       {report{what: "release", unit: "B"}, []string{"ordered", "fetched", no, no, no, no, no, "cancelled", "expired"}},
		"cancel":             {report{what: "cancel", reason: "x"}, []string{"cancelled", no, no, no, no, no, no, "cancelled", "expired"}},
		"cancel by A":        {report{what: "cancel", unit: "A", reason: "x"}, []string{"cancelled", "cancelled", no, no, no, no, no, "cancelled", "expired"}},
	} {
		for i, status := range states {
			o := OrderRecord{ID: "O", Status: status}
			if rank(status) >= rank(lab.Fetched) {
				o.Unit, o.Collection = "A", "C"
			}
			if rank(status) >= rank(lab.Collected) {
				o.Specimens = tubes("T")
			}
			next, err := step(o, c.report)
			got := string(next.Status)
			var p *Problem
			if errors.As(err, &p) {
				got = no
				if p.Status != 409 || p.Hint == "" {
					t.Errorf("%s when %s: got %d with hint %q, want 409 with a hint", name, status, p.Status, p.Hint)
				}
			} else if err != nil {
				t.Error(err)
			}
			if got != c.want[i] {
				t.Errorf("%s when %s: got %s, want %s", name, status, got, c.want[i])
			}
			if err == nil && rank(status) > rank(lab.Fetched) && rank(next.Status) < rank(status) {
				t.Errorf("%s when %s: moved backwards to %s", name, status, next.Status)
			}
		}
	}
	if _, err := step(OrderRecord{}, report{what: "lose"}); err == nil {
		t.Error("an unknown report was taken")
	}
}

// The report that the laboratory has the order may overtake that of the collection; the tubes are kept all the same.
func TestLateCollectionKeepsItsTubes(t *testing.T) {
	o := OrderRecord{Status: lab.Fetched, Unit: "A", Collection: "C"}
	o, err := step(o, report{what: "sent", unit: "A"})
	if err != nil {
		t.Fatal(err)
	}
	o, err = step(o, report{what: "collected", unit: "A", collection: "C", specimens: tubes("T")})
	if err != nil || o.Status != lab.Sent || len(o.Specimens) != 1 {
		t.Errorf("got %s with %d tubes, %v; want sent with its tube", o.Status, len(o.Specimens), err)
	}
}

func tubes(ids ...string) []lab.Specimen {
	var out []lab.Specimen
	for _, id := range ids {
		out = append(out, lab.Specimen{ID: id})
	}
	return out
}
