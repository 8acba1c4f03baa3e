package devices

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rorpost/astm"
)

// SpecimenID is the specimen id that the given records hold, by the profile's paths; "" when they hold none.
func (p *Profile) SpecimenID(records ...astm.Record) string {
	return p.Normalise(p.first(p.Specimen, records))
}

// PatientID is the patient's number that the records hold, or "". What was taken for the specimen id is not a
// patient's number as well.
func (p *Profile) PatientID(records ...astm.Record) string {
	id := p.Normalise(p.first(p.Patient, records))
	if id == p.SpecimenID(records...) {
		return ""
	}
	return id
}

// Normalise takes padding off an id.
func (p *Profile) Normalise(id string) string { return strings.TrimSpace(p.trim(id)) }

func (p *Profile) trim(s string) string { return strings.Trim(s, p.Trim) }

// first is the first text under the paths that is more than padding.
func (p *Profile) first(paths []string, records []astm.Record) string {
	for _, path := range paths {
		for _, r := range records {
			if r.Type() != path[0] {
				continue
			}
			if v := r.Get(path[2:]); p.Normalise(v) != "" {
				return v
			}
		}
	}
	return ""
}

// LocalCode is the device's own code of a result.
func (p *Profile) LocalCode(r astm.Record) string {
	return p.Normalise(p.first(p.Code, []astm.Record{r}))
}

// CodeOf says what a result's code means. A code that the profile does not map, or maps for another unit only, stays
// the device's own, with the system "L".
func (p *Profile) CodeOf(r astm.Record) CodeEntry {
	local := p.LocalCode(r)
	entry, known := p.Codes[local]
	switch {
	case !known, entry.Unit != "" && entry.Unit != p.Unit(r):
		return CodeEntry{Code: local, Text: local, System: "L"}
	case entry.Code == "":
		return CodeEntry{Code: local, Text: cmp.Or(entry.Text, local), System: "L"}
	}
	return entry
}

// Local is the device's own code for a test that was ordered; false when it does not measure it. A profile without
// codes passes every code on as it is.
func (p *Profile) Local(code string) (string, bool) {
	if len(p.Codes) == 0 {
		return code, code != ""
	}
	var found []string
	for local, entry := range p.Codes {
		if entry.Code == code || (entry.Code == "" && local == code) {
			found = append(found, local)
		}
	}
	if code == "" || len(found) == 0 {
		return "", false
	}
	return slices.Min(found), true // The same one every time.
}

// Value is a result's value as it was sent, without padding where the profile says so.
func (p *Profile) Value(r astm.Record) string {
	return p.trim(p.first(p.ValuePath, []astm.Record{r}))
}

// Missing reports whether a result has no value, or what stands for none.
func (p *Profile) Missing(r astm.Record) bool {
	v := strings.TrimSpace(p.Value(r))
	return v == "" || slices.Contains(p.Placeholder, v)
}

// Unit is a result's unit, in the spelling that the profile gives it.
func (p *Profile) Unit(r astm.Record) string {
	unit := p.trim(r.Get("5"))
	return cmp.Or(p.Units[unit], unit)
}

// Flags are the abnormal flags of a result, in their order [LIS02 R-7].
func (p *Profile) Flags(r astm.Record) []string {
	var flags []string
	for i := 1; i <= max(1, r.Reps(7)); i++ {
		if f := p.Normalise(r.Get(fmt.Sprintf("7[%d]", i))); f != "" {
			flags = append(flags, f)
		}
	}
	return flags
}

// statuses translates R-9 [LIS02] to HL7 table 0085. The letters are not the same alphabet: W is "validity questionable"
// at an analyzer, and "wrong patient" in HL7.
var statuses = map[string]string{
	"F": "F", "C": "C", "P": "P", "X": "X", "I": "I",
	"S": "P", // Partial.
	"M": "F", // MIC level.
	"R": "F", // Previously sent.
	"Q": "F", // Reply to a query.
	"V": "F", // Verified by the operator.
	"W": "R", // Validity questionable: not verified.
	"N": "I", // Holds what a new order needs.
}

// Status is a result's status as in HL7 table 0085. A placeholder instead of a value is X: cannot be obtained. A letter
// that nobody knows is R: not verified.
func (p *Profile) Status(r astm.Record) string {
	sent := strings.ToUpper(p.Normalise(r.Get("9")))
	status, own := p.Statuses[sent]
	switch {
	case p.Missing(r):
		return "X"
	case own:
		return status
	case sent == "":
		return p.EmptyStatus
	}
	return cmp.Or(statuses[sent], "R")
}

// IsControl reports whether the records are of quality control, by any of the profile's rules.
func (p *Profile) IsControl(records ...astm.Record) bool {
	for _, rule := range p.QC {
		v := p.Normalise(p.first([]string{rule.Path}, records))
		if v != "" && (v == rule.Equals || (rule.Prefix != "" && strings.HasPrefix(v, rule.Prefix))) {
			return true
		}
	}
	return false
}

// Measured is when a result was completed, or started where that is all that was said [LIS02 ]; zero when
// neither. site is where the gateway stands, used when the profile has no zone of its own.
func (p *Profile) Measured(r astm.Record, site *time.Location) time.Time {
	zone := cmp.Or(p.zone, site)
	for _, field := range []string{"13", "12"} {
		text := p.Normalise(r.Get(field))
		for _, layout := range []string{"20060102150405-0700", "20060102150405", "200601021504", "20060102"} {
			if t, err := time.ParseInLocation(layout, text, zone); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}
