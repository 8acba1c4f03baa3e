package results

import (
	"testing"

	"rorpost/gateway/lab"
)

// TestP11_CorrectionsWin: a later preliminary never overwrites a final, and a correction always passes.
func TestP11_CorrectionsWin(t *testing.T) {
	const same, other = true, false
	tests := []struct {
		prev, next lab.Status
		same       bool
		want       Step
		warned     bool
	}{
		{"", lab.Preliminary, other, Take, false},
		{"", lab.Correction, other, Take, false},
		{lab.Preliminary, lab.Preliminary, same, Same, false},
		{lab.Preliminary, lab.Preliminary, other, Take, false},
		{lab.Preliminary, lab.Final, same, Take, false},
		{lab.Preliminary, lab.Final, other, Take, false},
		{lab.Final, lab.Final, same, Same, false},
		{lab.Final, lab.Final, other, Take, true},
		{lab.Final, lab.Preliminary, other, Refuse, true},
		{lab.Final, lab.Unverified, other, Refuse, true},
		{lab.Final, lab.Correction, other, Take, false},
		{lab.Final, lab.Wrong, same, Take, false},
		{lab.Final, lab.Cancel, other, Take, true},
		{lab.Correction, lab.Final, same, Same, false},
		{lab.Correction, lab.Final, other, Refuse, true},
		{lab.Correction, lab.Preliminary, other, Refuse, true},
		{lab.Correction, lab.Correction, other, Take, false},
		{lab.Wrong, lab.Correction, other, Take, false},
		{lab.Wrong, lab.Final, other, Refuse, true},
		{lab.Delete, lab.Final, other, Take, false},
		{lab.Unverified, lab.Preliminary, other, Take, false},
		{lab.Cancel, lab.Preliminary, other, Refuse, true},
	}
	for _, tt := range tests {
		got, warning := Next(tt.prev, tt.next, tt.same)
		if got != tt.want || (warning != "") != tt.warned {
			t.Errorf("%q then %q (same value: %v): got %v, warning %q; want %v, warned %v", tt.prev, tt.next, tt.same, got, warning, tt.want, tt.warned)
		}
	}
}

// TestP13_FingerprintReadsNothing: two texts of the same number are two values, since nothing is interpreted.
func TestP13_FingerprintReadsNothing(t *testing.T) {
	a := lab.Observation{Type: "NM", Value: "5.0", Unit: "mmol/L"}
	b := a
	b.Value = "5.00"
	if Fingerprint(a) == Fingerprint(b) {
		t.Error("5.0 and 5.00 were taken for the same text")
	}
	b.Value, b.Unit = "5.0", "mg/L"
	if Fingerprint(a) == Fingerprint(b) {
		t.Error("the unit does not count")
	}
	b = a
	if Fingerprint(a) != Fingerprint(b) {
		t.Error("the same observation has two fingerprints")
	}
}

func TestOverall(t *testing.T) {
	tests := []struct {
		in   []lab.Status
		want lab.Status
	}{
		{[]lab.Status{lab.Final}, lab.Final},
		{[]lab.Status{lab.Final, lab.Preliminary}, lab.Preliminary},
		{[]lab.Status{lab.Final, lab.Correction}, lab.Correction},
		{[]lab.Status{lab.Correction, lab.InProcess}, lab.InProcess},
		{nil, lab.Cancel},
	}
	for _, tt := range tests {
		var obs []lab.Observation
		for _, s := range tt.in {
			obs = append(obs, lab.Observation{Status: s})
		}
		if got := Overall(obs); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestKey(t *testing.T) {
	o := lab.Observation{Code: lab.Code{Code: "X"}}
	report := func(source, filler string) lab.Report {
		return lab.Report{Specimen: "7", Source: source, Filler: filler}
	}
	if Key("o", report("a", ""), o) == Key("o", report("b", ""), o) {
		t.Error("two analyzers that measure the same tube were taken for one")
	}
	if Key("o", report("a", "F1"), o) != Key("o", report("b", "F1"), o) {
		t.Error("a correction that comes in by another door was not known again")
	}
	if Key("o", report("a", "F1"), o) == Key("o", report("a", "F2"), o) {
		t.Error("two filler numbers were taken for one")
	}
}
