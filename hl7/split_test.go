package hl7_test

import (
	"slices"
	"testing"

	"rorpost/hl7"
)

func TestSplit(t *testing.T) {
	const a, b = "MSH|^~\\&|A\rPID|1\r", "MSH|^~\\&|B\r"
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"none":           {"", nil},
		"one":            {a, []string{a}},
		"no terminator":  {"MSH|^~\\&|A", []string{"MSH|^~\\&|A"}},
		"two":            {a + b, []string{a, b}},
		"blank between":  {a + "\r\n\r\n" + b, []string{a, b}},
		"line feeds":     {"MSH|A\nPID|1\n\nMSH|B\n", []string{"MSH|A\nPID|1\n", "MSH|B\n"}},
		"frames":         {"\x0b" + a + "\x1c\r\x0b" + b + "\x1c\r", []string{a, b}},
		"batch":          {"FHS|^~\\&\rBHS|^~\\&\r" + a + b + "BTS|2\rFTS|1\r", []string{a, b}},
		"empty batch":    {"FHS|^~\\&\rBHS|^~\\&\rBTS|0\rFTS|1\r", nil},
		"junk first":     {"notes\r" + a, []string{"notes\r", a}},
		"no message":     {"EVN|A01\rPID|1\r", []string{"EVN|A01\rPID|1\r"}},
		"byte order":     {"\xef\xbb\xbf" + a, []string{a}},
		"MSH in a field": {"MSH|^~\\&|A\rNTE|1||x MSH|y\r", []string{"MSH|^~\\&|A\rNTE|1||x MSH|y\r"}},
	} {
		var got []string
		for _, item := range hl7.Split([]byte(c.in)) {
			got = append(got, string(item))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
