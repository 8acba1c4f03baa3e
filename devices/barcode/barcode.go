// Package barcode decides what a scan is: a person's number, a tube's label, or a command to the desk. It also
// cuts a scanner's byte stream into scans ([Splitter]) and makes one scan of a trigger pressed twice
// ([Debounce]).
//
//	scan := barcode.Read(line, barcode.Rules{})
//	if scan.Kind == barcode.Specimen { … scan.Text … }
//
// A scan is judged once, here, by its form: whether a personal number is right is for those who know persons.
// A product code on the tube itself (GS1, EAN) is never a label. Nothing is dropped unseen: what cannot be used
// has the kind Unknown, with its bytes and the problem, which says nothing of what was scanned.
package barcode

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind says what a scan is.
type Kind uint8

// The kinds of scan.
const (
	Unknown  Kind = iota
	Person        // Has the form of a person's number.
	Specimen      // Has the form of a tube's label.
	Control       // A command to the desk: [Confirm] or [Cancel].
)

var kindNames = [...]string{"unknown", "person", "specimen", "control"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Commands that can be printed as barcodes and laid on the desk.
const (
	Confirm = "CONFIRM"
	Cancel  = "CANCEL"
)

// Scan is one scan, judged. Text may be a person's number: it must not be logged.
type Scan struct {
	Kind    Kind
	Text    string // Normalised: without identifier, prefix, suffix and surrounding space; signs and digits folded.
	AIM     string // The symbology identifier that the scanner sent, such as "]C0", or "".
	Raw     []byte // As it came.
	Problem string // Why it cannot be used, when Kind is Unknown.
}

// Rules are a site's rules for its labels.
type Rules struct {
	Specimen *regexp.Regexp // What a tube's label looks like, without its check; nil means 6 to 22 letters, digits and dashes.
	Check    Check          // The check character at the end of a tube's label.
	Prefix   string         // What the scanner is set to send before each scan.
	Suffix   string         // What the scanner is set to send after each scan, besides the line end.
	Codabar  bool           // Codabar labels come with their start and stop letters; take them off.
}

// maxScan bounds one scan, in bytes; a QR code on a referral can be long, a label never is.
const maxScan = 512

var (
	anyLabel = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{5,21}$`)
	product  = regexp.MustCompile(`^\](C1|d2|Q3|e[0-9]|E[0-9])$`)
	codabar  = regexp.MustCompile(`^[A-Da-d]([0-9$:/.+-]+)[A-Da-d]$`)
	aim      = regexp.MustCompile(`^\][A-Za-z][0-9A-Za-z]`)
)

// Read judges one scan, without its line end. It never fails: see [Scan.Problem].
func Read(raw []byte, r Rules) Scan {
	s := Scan{Raw: append([]byte(nil), raw...)}
	if len(raw) > maxScan {
		s.Problem = "the scan is too long for a label"
		return s
	}
	if !utf8.Valid(raw) {
		s.Problem = "the scan has bytes that are no text; check how the scanner is set up"
		return s
	}
	s.AIM, s.Text = strip(string(raw), r)
	s.Kind, s.Problem = judge(s, r)
	if s.Kind == Control {
		s.Text = strings.ToUpper(s.Text)
	}
	return s
}

// strip takes off what is not the label: the scanner's prefix and suffix, the symbology identifier, and space.
func strip(text string, r Rules) (id, rest string) {
	text = strings.Trim(text, " \t\r\n\x02\x03\x00")
	text = strings.TrimPrefix(text, r.Prefix)
	text = strings.TrimSuffix(text, r.Suffix)
	if id = aim.FindString(text); id != "" {
		text = text[len(id):]
	}
	if m := codabar.FindStringSubmatch(text); m != nil && r.Codabar && (id == "" || strings.HasPrefix(id, "]F")) {
		text = m[1]
	}
	return id, strings.TrimSpace(strings.Map(fold, text))
}

// fold brings dashes, plus signs and digits of other scripts to plain ones.
func fold(c rune) rune {
	switch {
	case c >= '\u2010' && c <= '\u2015', c == '\u2212', c == '\uFE58', c == '\uFE63', c == '\uFF0D':
		return '-'
	case c == '\uFF0B', c == '\uFE62':
		return '+'
	case c >= '\uFF10' && c <= '\uFF19':
		return c - '\uFF10' + '0'
	case unicode.IsSpace(c):
		return ' '
	case c == '\u200B', c == '\u200E', c == '\u200F', c == '\uFEFF':
		return -1
	}
	return c
}

// judge decides. A proven personal number is a person even where the labels' pattern is as wide as twelve
// digits, since a card taken for a tube would put a person's number on a sample. A number that only looks like
// a person's is one unless the site's own pattern claims it.
func judge(s Scan, r Rules) (Kind, string) {
	switch {
	case s.Text == "":
		return Unknown, "the scan is empty"
	case strings.EqualFold(s.Text, Confirm), strings.EqualFold(s.Text, Cancel):
		return Control, ""
	case product.MatchString(s.AIM):
		return Unknown, "this is a product code; scan the label on the tube"
	}
	looks, proven := personal(s.Text)
	if proven {
		return Person, ""
	}
	problem := specimen(s.Text, r)
	if problem == "" && (r.Specimen != nil || !looks) {
		return Specimen, ""
	}
	if looks {
		return Person, ""
	}
	return Unknown, problem
}

// specimen says what is wrong with a tube's label, or "".
func specimen(text string, r Rules) string {
	pattern := r.Specimen
	if pattern == nil {
		pattern = anyLabel
	}
	if !pattern.MatchString(text) {
		return "this is not the form of a label here; if it was scanned, check the scanner's keyboard layout"
	}
	if !r.Check.Valid(text) {
		return "the label's check character does not match; scan it again"
	}
	return ""
}
