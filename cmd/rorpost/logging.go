package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"regexp"

	"rorpost/config"
)

// newLog returns the program's log, behind a [leakGuard].
func newLog(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // The configuration has been checked; a log must never be the reason not to run.
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "text" || c.Format == "" && terminal(w) {
		return slog.New(slog.NewTextHandler(leakGuard{w}, o))
	}
	return slog.New(slog.NewJSONHandler(leakGuard{w}, o))
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// leakGuard is the last defence of P9: whatever a log record was made of, a personal number does not leave in it.
// It stands behind slog's handlers and not before them, since only the bytes that leave are certain: a record may hold
// errors, values of any type and attributes bound long before. The handlers write each record at once.
type leakGuard struct{ w io.Writer }

func (g leakGuard) Write(p []byte) (int, error) {
	if _, err := g.w.Write(maskPersonal(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

const maskText = "(masked)"

// digits finds what has the form of a personal number: six or eight digits, perhaps a sign, four digits.
var digits = regexp.MustCompile(`[0-9]{6}(?:[0-9]{2})?[-+\x{2010}-\x{2015}\x{2212}]?[0-9]{4}`)

// maskPersonal replaces every personal and coordination number whose check digit is right.
func maskPersonal(p []byte) []byte {
	var out []byte
	done := 0
	for _, m := range personalNumbers(p) {
		mask := maskText
		if bare(p[:m[0]]) {
			mask = `"` + maskText + `"`
		}
		out = append(append(out, p[done:m[0]]...), mask...)
		done = m[1]
	}
	if done == 0 {
		return p
	}
	return append(out, p[done:]...)
}

// bare reports whether a number after p would be a JSON value without quotes.
func bare(p []byte) bool {
	quotes := 0
	for i := range p {
		if p[i] == '"' && (i == 0 || p[i-1] != '\\') {
			quotes++
		}
	}
	return quotes%2 == 0 && len(p) > 0 && bytes.ContainsAny(p[len(p)-1:], ":[,")
}

// personalNumbers returns where they begin and end. Digits before or after make it another number.
func personalNumbers(p []byte) [][]int {
	var found [][]int
	for from := 0; from < len(p); {
		m := digits.FindIndex(p[from:])
		if m == nil {
			break
		}
		m[0], m[1] = m[0]+from, m[1]+from
		if personal(p, m) {
			found, from = append(found, m), m[1]
		} else {
			from = m[0] + 1 // What looked like its beginning may have been another number's end.
		}
	}
	return found
}

// personal judges by form alone, so that a number which nobody can have is masked as well: month, day (61 to 91 in
// a coordination number) and the check digit over the last ten digits.
func personal(p []byte, m []int) bool {
	if m[0] > 0 && digit(p[m[0]-1]) || m[1] < len(p) && digit(p[m[1]]) {
		return false
	}
	var d []int
	for _, b := range p[m[0]:m[1]] {
		if digit(b) {
			d = append(d, int(b-'0'))
		}
	}
	d = d[len(d)-10:]
	month, day := 10*d[2]+d[3], (10*d[4]+d[5])%60
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && luhn(d)
}

func luhn(d []int) bool {
	sum := 0
	for i, n := range d {
		if i%2 == 0 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return sum%10 == 0
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
