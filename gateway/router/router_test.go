package router

import (
	"slices"
	"strings"
	"testing"
)

func TestRoute(t *testing.T) {
	table, err := New([]Route{
		{Name: "hiv by hand", When: When{Kind: "result", Code: "HIV"}, Park: "answers of this kind are released by a clinician"},
		{Name: "no admissions", When: When{Type: "ADT"}, Filter: "admissions are not for us"},
		{Name: "both", When: When{Kind: "result"}, To: []string{"journal", "patients"}},
	}, []string{"journal", "patients"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		in   Facts
		rule string
		to   []string
	}{
		{"first match wins", Facts{Kind: "result", Codes: []string{"CRP", "HIV"}}, "hiv by hand", nil},
		{"both", Facts{Kind: "result", Codes: []string{"CRP"}}, "both", []string{"journal", "patients"}},
		{"filtered by name", Facts{Kind: "message", Type: "ADT", Event: "A08"}, "no admissions", nil},
		{"P5: what no route matches is parked", Facts{Kind: "message", Type: "MFN"}, "no route", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := table.Route(tt.in)
			if got.Rule != tt.rule || !slices.Equal(got.To, tt.to) {
				t.Errorf("got %+v, want rule %q to %v", got, tt.rule, tt.to)
			}
			if len(got.To) == 0 && got.Filter == "" && got.Park == "" {
				t.Error("a decision without an end")
			}
		})
	}
}

// TestP5_EveryDecisionHasAnEnd: whatever the facts, the table says where the message goes.
func TestP5_EveryDecisionHasAnEnd(t *testing.T) {
	table, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Route(Facts{}); got.Park == "" {
		t.Errorf("an empty table decided %+v, want it parked", got)
	}
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name   string
		routes []Route
		want   string
	}{
		{"dangling", []Route{{Name: "a", To: []string{"jurnal"}}}, `no destination is called "jurnal"; there are journal`},
		{"two ends", []Route{{Name: "a", To: []string{"journal"}, Filter: "x"}}, "exactly one"},
		{"no end", []Route{{Name: "a"}}, "exactly one"},
		{"twice", []Route{{Name: "a", Filter: "x"}, {Name: "a", Filter: "x"}}, "stands twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.routes, []string{"journal"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
