package web

import (
	"bytes"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"rorpost/gateway/lab"
	"rorpost/gateway/store"
)

// maxRaw is how much of a body a page shows; the whole is in the store.
const maxRaw = 64 << 10 // Bytes.

// span is a run of the raw view with one look: "" plain, "ctl" a control character, "mask" hidden.
type span struct{ Class, Text string }

// maskedSegments carry who it is about: the patient, the next of kin, the payer, earlier numbers, a query by person.
var maskedSegments = []string{"PID", "PD1", "NK1", "GT1", "IN1", "IN2", "IN3", "MRG", "QRD", "QPD", "ARV", "OH1", "OH2", "OH3", "OH4"}

// hide marks the bytes of a body that tell who it is about. It errs on the side of hiding: whole fields of patient
// records, and whatever looks like a personal number anywhere.
func hide(kind store.Kind, body []byte, now time.Time) []bool {
	mask := make([]bool, len(body))
	switch kind {
	case store.KindMLLP:
		hideSegments(body, mask)
	case store.KindASTM:
		hidePatientRecords(body, mask)
	default:
		if !plainBarcode(body, now) {
			for i := range mask {
				mask[i] = true
			}
		}
	}
	hideNumbers(body, mask, now)
	return mask
}

// hideSegments masks everything after the first field (the set id) of a segment about a person.
func hideSegments(body []byte, mask []bool) {
	for start := 0; start < len(body); {
		end := start
		for end < len(body) && body[end] != '\r' && body[end] != '\n' {
			end++
		}
		line := start
		for line < end && body[line] < ' ' { // The start block of a frame.
			line++
		}
		for _, name := range maskedSegments {
			if bytes.HasPrefix(body[line:end], []byte(name)) && line+3 < end && !wordByte(body[line+3]) {
				hideFields(body, mask, line+3, end)
			}
		}
		start = end + 1
	}
}

// hideFields masks from the second separator on; separators themselves stay, so that the shape can be read.
func hideFields(body []byte, mask []bool, at, end int) {
	sep, fields := body[at], 0
	for i := at; i < end; i++ {
		if body[i] == sep {
			fields++
		} else if fields > 1 && !structural(body[i]) {
			mask[i] = true
		}
	}
}

// structural bytes are delimiters: they tell nothing.
func structural(b byte) bool { return strings.IndexByte(`|^~&\`, b) >= 0 || b < ' ' }

func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= 0x80
}

// Bytes of an ASTM frame.
const (
	stx = 0x02
	etb = 0x17
)

// hidePatientRecords masks patient records (P) and queries (Q) of LIS02-A2. A record may go on in the next frame: the
// checksum and the next frame number lie in between, and what follows is still the patient's.
func hidePatientRecords(body []byte, mask []bool) {
	hiding, fields := false, 0
	var sep byte
	for i := 0; i < len(body); i++ {
		switch b := body[i]; {
		case b == etb:
			i = afterFrame(body, i)
			continue
		case b == '\r' || b == '\n' || b == stx:
			hiding = false
			continue
		case !hiding && recordStarts(body, i):
			hiding, fields, sep = b == 'P' || b == 'Q', 0, body[i+1]
			continue
		case hiding && b == sep:
			fields++
		case hiding && fields > 1 && !structural(b):
			mask[i] = true
		}
	}
}

// recordStarts reports whether a record letter stands at i: first of a line, or after STX and the frame number.
func recordStarts(body []byte, i int) bool {
	if i+1 >= len(body) || wordByte(body[i+1]) || body[i+1] <= ' ' || !wordByte(body[i]) {
		return false
	}
	switch {
	case i == 0 || body[i-1] == '\r' || body[i-1] == '\n' || body[i-1] == stx:
		return true
	case body[i-1] >= '0' && body[i-1] <= '7':
		return i == 1 || body[i-2] == stx || body[i-2] == '\n' || body[i-2] == '\r'
	}
	return false
}

// afterFrame returns the index of the frame number that follows the ETB at i, so that the text after it goes on.
func afterFrame(body []byte, i int) int {
	next := bytes.IndexByte(body[i:min(len(body), i+8)], stx)
	if next < 0 {
		return i
	}
	return min(i+next+1, len(body)-1)
}

// plainBarcode reports whether a scan is surely not a person: short, one token, and nothing like a number of somebody.
func plainBarcode(body []byte, now time.Time) bool {
	text := strings.TrimSpace(string(body))
	if text == "" || len(text) > 40 || strings.ContainsAny(text, " {[") {
		return false
	}
	if _, err := lab.ParsePersonID(text, now); err == nil {
		return false
	}
	return !dated.MatchString(text)
}

// dated finds what starts like a personal number, right or wrong, with or without a reader's prefix.
var dated = regexp.MustCompile(`(?:^|\D)(?:(?:18|19|20)?\d{2}(?:[0235678]\d|[14][0-2])[0-9]\d)[-+ ]?[0-9A-Za-z]{4}(?:\D|$)`)

// numberish finds candidates that lab may know as a personal number.
var numberish = regexp.MustCompile(`[0-9]{6,8}[-+]?[0-9A-Za-z]{4}`)

// hideNumbers masks every valid personal number, wherever it stands.
func hideNumbers(body []byte, mask []bool, now time.Time) {
	for _, at := range numberish.FindAllIndex(body, -1) {
		if at[0] > 0 && wordByte(body[at[0]-1]) || at[1] < len(body) && wordByte(body[at[1]]) {
			continue
		}
		text := string(body[at[0]:at[1]])
		if _, err := lab.ParsePersonID(text, now); err == nil || checksOut(text) {
			for i := at[0]; i < at[1]; i++ {
				mask[i] = true
			}
		}
	}
}

// checksOut finds what a desk would refuse as ambiguous, since its century is open, but what is somebody's number all
// the same: ten digits with a date and a right check digit.
func checksOut(text string) bool {
	digits := strings.NewReplacer("-", "", "+", "").Replace(text)
	if len(digits) < 10 || !dated.MatchString(text) {
		return false
	}
	sum := 0
	for i, c := range digits[len(digits)-10:] {
		if c < '0' || c > '9' {
			return false
		}
		d := int(c-'0') * (2 - i%2)
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// rawLines cuts a body into lines and spans for the page. Nothing is dropped: each control character is shown as its
// picture, each byte that is no text as a number. mask may be nil.
func rawLines(body []byte, mask []bool) [][]span {
	var lines [][]span
	var line []span
	var run strings.Builder // Text of the look that is being written.
	look := ""
	end := func() {
		if run.Len() > 0 {
			line = append(line, span{look, run.String()})
			run.Reset()
		}
	}
	put := func(class, text string) {
		if class != look || class == "ctl" {
			end()
		}
		look = class
		run.WriteString(text)
	}
	latin := !utf8.Valid(body)
	for i := 0; i < len(body); {
		b, size := body[i], 1
		switch {
		case b < ' ' || b == 0x7f:
			put("ctl", picturesOf(b))
			ends := b == '\n' || b == '\r' && (i+1 == len(body) || body[i+1] != '\n')
			if ends {
				end()
				lines, line = append(lines, line), nil
			}
		default:
			r := rune(b)
			if !latin {
				r, size = utf8.DecodeRune(body[i:])
			}
			if mask != nil && mask[i] {
				put("mask", "•")
			} else if r >= 0x80 && r < 0xa0 {
				put("ctl", "x"+strings.ToUpper(hexByte(b)))
			} else {
				put("", string(r))
			}
		}
		i += size
	}
	end()
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines
}

// controlNames are the names of the standards for the characters below the blank.
var controlNames = [32]string{"NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "TAB", "LF", "VT", "FF", "CR",
	"SO", "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US"}

func picturesOf(b byte) string {
	if b == 0x7f {
		return "DEL"
	}
	return controlNames[b]
}

func hexByte(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}
