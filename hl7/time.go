package hl7

import (
	"strings"
	"time"
)

// Precision is how much of a time was said: 1970 is a year, not its first of January.
type Precision uint8

// The precisions of a DTM [HL7 2.5.1 2.A.22].
const (
	Year Precision = iota + 1
	Month
	Day
	Hour
	Minute
	Second
	Subsecond
)

func (p Precision) String() string {
	return [...]string{"none", "year", "month", "day", "hour", "minute", "second", "subsecond"}[p]
}

// Time is a moment with the precision that it was given in.
type Time struct {
	T         time.Time // Parts that were not said are the first ones.
	Precision Precision
	HasZone   bool // An offset was written. -0000 is not one: the moment is UTC, where it was is unknown.
}

// A TimeError says why text is no time. It does not hold the text, which may be a birth date.
type TimeError struct{ Reason string }

func (e *TimeError) Error() string { return "hl7: not a time: " + e.Reason }

// FormatTime writes a time to the second, with its zone.
func FormatTime(t time.Time) string { return t.Format("20060102150405-0700") }

// ParseTime reads YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]. Zone is the place of a time that names none; nil is
// UTC. 24:00 and second 60 are read as the moment that follows. A second component (the precision of TS before 2.5)
// is ignored. The error is a *TimeError.
func ParseTime(s string, zone *time.Location) (Time, error) {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "^")
	if zone == nil {
		zone = time.UTC
	}
	out := Time{}
	if i := strings.IndexAny(s, "+-"); i >= 0 {
		z, err := parseZone(s[i:])
		if err != nil {
			return Time{}, err
		}
		out.HasZone = s[i:] != "-0000"
		s, zone = s[:i], z
	}
	digits, fraction, hasFraction := strings.Cut(s, ".")
	parts, err := parseDigits(digits)
	if err != nil {
		return Time{}, err
	}
	out.Precision = Precision(len(parts))
	nanos := 0
	if hasFraction {
		if out.Precision != Second || fraction == "" || len(fraction) > 9 {
			return Time{}, &TimeError{"a fraction follows seconds and has 1 to 9 digits"}
		}
		if nanos, err = digitsOf((fraction + "000000000")[:9]); err != nil {
			return Time{}, err
		}
		out.Precision = Subsecond
	}
	v := [6]int{0, 1, 1, 0, 0, 0}
	copy(v[:], parts)
	if why := outOfRange(v, nanos); why != "" {
		return Time{}, &TimeError{why}
	}
	out.T = time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], nanos, zone)
	return out, nil
}

// parseDigits takes a run of digits apart: four, then two each.
func parseDigits(s string) ([]int, error) {
	if len(s) < 4 || len(s) > 14 || len(s)%2 != 0 {
		return nil, &TimeError{"it has 4, 6, 8, 10, 12 or 14 digits"}
	}
	parts := make([]int, 0, 6)
	for at, end := 0, 4; end <= len(s); at, end = end, end+2 {
		n, err := digitsOf(s[at:end])
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
	}
	return parts, nil
}

func digitsOf(s string) (int, error) {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, &TimeError{"a character is not a digit"}
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, nil
}

func parseZone(s string) (*time.Location, error) {
	if len(s) != 5 {
		return nil, &TimeError{"an offset is a sign and four digits"}
	}
	n, err := digitsOf(s[1:])
	if err != nil {
		return nil, err
	}
	if n/100 > 14 || n%100 > 59 {
		return nil, &TimeError{"the offset is out of range"}
	}
	seconds := (n/100*60 + n%100) * 60
	if seconds == 0 {
		return time.UTC, nil
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), nil
}

func outOfRange(v [6]int, nanos int) string {
	switch {
	case v[1] < 1 || v[1] > 12:
		return "the month is out of range"
	case v[2] < 1 || v[2] > daysIn(v[0], v[1]):
		return "the day is out of range"
	case v[3] > 24 || v[3] == 24 && v[4]+v[5]+nanos > 0:
		return "the hour is out of range"
	case v[4] > 59:
		return "the minute is out of range"
	case v[5] > 60:
		return "the second is out of range"
	}
	return ""
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
