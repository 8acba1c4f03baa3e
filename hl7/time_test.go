package hl7_test

import (
	"testing"
	"time"

	"rorpost/hl7"
)

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("peer", 3600)
	for s, want := range map[string]struct {
		utc       string
		precision hl7.Precision
		zone      bool
	}{
		"1970":                     {"1969-12-31T23:00:00Z", hl7.Year, false},
		"197002":                   {"1970-01-31T23:00:00Z", hl7.Month, false},
		"19700101":                 {"1969-12-31T23:00:00Z", hl7.Day, false},
		"2026011510":               {"2026-01-15T09:00:00Z", hl7.Hour, false},
		"202601151030":             {"2026-01-15T09:30:00Z", hl7.Minute, false},
		"20260115103059":           {"2026-01-15T09:30:59Z", hl7.Second, false},
		"20260115103059.1234":      {"2026-01-15T09:30:59.1234Z", hl7.Subsecond, false},
		"20260115103059.1234-0500": {"2026-01-15T15:30:59.1234Z", hl7.Subsecond, true},
		"20260115103000+0000":      {"2026-01-15T10:30:00Z", hl7.Second, true},
		"20260115103000-0000":      {"2026-01-15T10:30:00Z", hl7.Second, false},
		"202601152400":             {"2026-01-15T23:00:00Z", hl7.Minute, false},
		"20260115235960+0000":      {"2026-01-16T00:00:00Z", hl7.Second, true},
		"20240229":                 {"2024-02-28T23:00:00Z", hl7.Day, false},
		"20260115103000^S":         {"2026-01-15T09:30:00Z", hl7.Second, false},
	} {
		got, err := hl7.ParseTime(s, zone)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if u := got.T.UTC().Format(time.RFC3339Nano); u != want.utc || got.Precision != want.precision || got.HasZone != want.zone {
			t.Errorf("%s: got %s %v %v, want %v", s, u, got.Precision, got.HasZone, want)
		}
	}
	for _, s := range []string{"", "197", "19701", "2026-01-15", "20261301", "20260230", "2026011525", "20260115103000Z",
		"202601151030.5", "20260115103000.", "20260115103000+1", "20260115103000+9900", "abcd", "20260115240001"} {
		if got, err := hl7.ParseTime(s, zone); err == nil {
			t.Errorf("%q: got %v, want an error", s, got.T)
		}
	}
}

func TestFormatTime(t *testing.T) {
	at := time.Date(2026, 1, 15, 10, 30, 0, 5, time.FixedZone("", 3600))
	if got := hl7.FormatTime(at); got != "20260115103000+0100" {
		t.Errorf("got %s", got)
	}
}
