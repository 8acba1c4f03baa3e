package results

import (
	"strings"
	"testing"
	"time"

	"rorpost/gateway/lab"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func person(t *testing.T, number string) lab.PersonID {
	t.Helper()
	id, err := lab.ParsePersonID(number, noon)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestP7_NeverTheWrongPatient: a result belongs to the order of its specimen only when every identity in it agrees.
func TestP7_NeverTheWrongPatient(t *testing.T) {
	right, wrong := person(t, "198501012382"), person(t, "200001252386")
	order := lab.Order{ID: "EPH-1", Person: lab.Person{ID: right, Family: "Testsson"}, Tests: []lab.Test{{Placer: "EPH-1-1"}}}
	tests := []struct {
		name   string
		report lab.Report
		found  bool
		rule   Unmatched
		ok     bool
		reason string
	}{
		{"specimen and identity", lab.Report{Specimen: "7", Person: right}, true, ParkUnmatched, true, ""},
		{"specimen alone", lab.Report{Specimen: "7"}, true, ParkUnmatched, true, ""},
		{"order number agrees", lab.Report{Specimen: "7", Placer: "EPH-1-1", Group: "EPH-1"}, true, ParkUnmatched, true, ""},
		{"another person", lab.Report{Specimen: "7", Person: wrong}, true, ParkUnmatched, false, "not the identity of the order"},
		{"another person, passing allowed", lab.Report{Specimen: "7", Person: wrong}, true, PassUnmatched, false, "not the identity of the order"},
		{"another order number", lab.Report{Specimen: "7", Person: right, Placer: "EPH-9-1"}, true, ParkUnmatched, false, "not among the tests"},
		{"another requisition", lab.Report{Specimen: "7", Group: "EPH-9"}, true, ParkUnmatched, false, "is not the one"},
		{"unknown specimen", lab.Report{Specimen: "8", Person: right}, false, ParkUnmatched, false, "no order is known for specimen 8"},
		{"unknown specimen, passing allowed", lab.Report{Specimen: "8", Person: right}, false, PassUnmatched, false, ""},
		{"no specimen", lab.Report{Person: right}, false, ParkUnmatched, false, "carries no specimen id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ok, err := Match(tt.report, order, tt.found, tt.rule)
			if ok != tt.ok || (err != nil) != (tt.reason != "") {
				t.Fatalf("got %v, %v; want %v, %q", ok, err, tt.ok, tt.reason)
			}
			if err == nil {
				return
			}
			if !strings.Contains(Reason(err), tt.reason) {
				t.Errorf("got reason %q, want %q", Reason(err), tt.reason)
			}
			if lab.ClassOf(err) != lab.Park || lab.HintOf(err) == "" {
				t.Errorf("got class %v, hint %q; want it parked, with a hint", lab.ClassOf(err), lab.HintOf(err))
			}
			if strings.Contains(err.Error(), "198501012382") || strings.Contains(err.Error(), "Testsson") {
				t.Errorf("the reason names the person: %v", err)
			}
		})
	}
}
