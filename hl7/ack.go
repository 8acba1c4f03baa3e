package hl7

import (
	"strconv"
	"strings"
	"time"
)

// Code is an acknowledgement code, MSA-1 (table 0008).
type Code string

// AA, AE and AR answer for the application; CA, CE and CR for safe storage [HL7 2.5.1 2.9.2, 2.9.3].
const (
	AA Code = "AA"
	AE Code = "AE"
	AR Code = "AR"
	CA Code = "CA"
	CE Code = "CE"
	CR Code = "CR"
)

// Positive reports AA and CA.
func (c Code) Positive() bool { return c == AA || c == CA }

// Accept reports the codes of the commit level: CA, CE, CR.
func (c Code) Accept() bool { return c == CA || c == CE || c == CR }

// Reply says what to answer.
type Reply struct {
	Code      Code
	Text      string // MSA-3 until 2.6, ERR-8 from 2.7. No personal data.
	Errors    []ErrorDetail
	ControlID string    // MSH-10 of the answer itself; unique, at most 20 characters for old peers.
	Time      time.Time // MSH-7, written with its zone.
}

// ErrorDetail is one error at one place.
type ErrorDetail struct {
	Segment string
	Field   int
	Code    string // Table 0357: 101 required field missing, 200 unsupported message type, 207 internal error …
	Text    string // For people. No personal data.
}

// Ack writes the answer to a message: delimiters, version, processing id and character set are the message's, sender
// and receiver change places with all their components, MSA-2 is MSH-10 byte for byte [HL7 2.5.1 2.9.2]. ERR has the form of
// the message's version. Characters of the texts that the character set lacks become question marks.
func Ack(in *Message, r Reply) []byte {
	a := acker{in: in, d: in.delims, at: in.nth("MSH", 1), out: make([]byte, 0, 256)}
	version := a.field(12)
	a.version = versionNumber(a.text(element{field: 12, component: 1}))
	if len(version) == 0 {
		version = []byte("2.5.1")
	}
	enhanced := enhancedMode(a.text(element{field: 15}), a.text(element{field: 16})) && !r.Code.Accept()
	a.out = append(append(append(a.out, "MSH"...), a.d.Field), a.encoding()...)
	for _, f := range [][]byte{
		a.field(5), a.field(6), a.field(3), a.field(4), []byte(formatOrNone(r.Time)), nil,
		a.kind(), a.lossy(r.ControlID), a.field(11), version, nil, nil, never(enhanced), never(enhanced), nil, a.in.charsetField(),
	} {
		a.out = append(append(a.out, a.d.Field), f...)
	}
	a.end()
	a.acknowledgement(r)
	return a.out
}

// acker writes one answer.
type acker struct {
	in      *Message
	d       Delims
	at      int // The MSH, -1 when there is none.
	version int
	out     []byte
}

func (a *acker) field(n int) []byte {
	if a.at < 0 {
		return nil
	}
	return a.in.value(a.at, element{field: n}).raw
}

func (a *acker) text(e element) string {
	if a.at < 0 {
		return ""
	}
	return a.in.value(a.at, e).Text()
}

func (a *acker) encoding() []byte {
	if raw := a.field(2); len(raw) > 0 {
		return raw
	}
	return a.d.encoding()
}

// kind is MSH-9 in the form of the version: three components from 2.4, two in 2.3.1, one before.
func (a *acker) kind() []byte {
	event := a.text(element{field: 9, component: 2})
	switch event {
	case "R30", "R31", "R32": // Point of care results have an answer of their own.
		event = "R33"
	}
	out := []byte("ACK")
	if a.d.Component == 0 || a.version < 20301 {
		return out
	}
	if event != "" || a.version >= 20400 {
		out = append(append(out, a.d.Component), a.lossy(event)...)
	}
	if a.version >= 20400 {
		out = append(append(out, a.d.Component), "ACK"...)
	}
	return out
}

// acknowledgement writes MSA and ERR.
func (a *acker) acknowledgement(r Reply) {
	text := r.Text
	if text == "" && len(r.Errors) > 0 {
		text = r.Errors[0].Text
	}
	a.out = append(append(append(a.out, "MSA"...), a.d.Field), r.Code...)
	a.out = append(append(a.out, a.d.Field), a.field(10)...)
	if text != "" && a.version < 20700 { // MSA-3 is withdrawn in 2.7.
		a.out = append(append(a.out, a.d.Field), a.lossy(text)...)
	}
	a.end()
	errors := r.Errors
	if a.version >= 20700 && text != "" && len(errors) == 0 && !r.Code.Positive() {
		errors = []ErrorDetail{{Code: "207", Text: text}}
	}
	if len(errors) == 0 {
		return
	}
	if a.version < 20500 {
		a.oldErrors(errors)
		return
	}
	for _, e := range errors {
		a.newError(e, r.Code)
	}
}

// oldErrors writes ERR-1, one repetition an error: segment, sequence, field, code.
func (a *acker) oldErrors(errors []ErrorDetail) {
	a.out = append(a.out, "ERR"...)
	for i, e := range errors {
		sep := a.d.Repetition
		if i == 0 {
			sep = a.d.Field
		}
		if sep == 0 {
			break
		}
		a.out = append(a.out, sep)
		a.out = append(a.out, a.components(e.Segment, e.sequence(), e.position(), e.Code)...)
	}
	a.end()
}

// newError writes ERR-2 location, ERR-3 code, ERR-4 severity and ERR-8 text.
func (a *acker) newError(e ErrorDetail, code Code) {
	severity := "E"
	if code.Positive() {
		severity = "I"
	}
	location := a.components(e.Segment, e.sequence(), e.position(), e.sequence())
	if e.Field == 0 {
		location = a.components(e.Segment, e.sequence())
	}
	a.out = append(a.out, "ERR"...)
	for _, f := range [][]byte{
		nil, location, a.components(e.Code, errorName(e.Code), "HL70357"), []byte(severity), nil, nil, nil, a.lossy(e.Text),
	} {
		a.out = append(append(a.out, a.d.Field), f...)
	}
	a.end()
}

func (e ErrorDetail) sequence() string {
	if e.Segment == "" {
		return ""
	}
	return "1"
}

func (e ErrorDetail) position() string {
	if e.Field <= 0 {
		return ""
	}
	return strconv.Itoa(e.Field)
}

// components joins texts; what is empty at the end is left out.
func (a *acker) components(texts ...string) []byte {
	var out []byte
	pending := 0
	for i, t := range texts {
		if i > 0 {
			pending++
		}
		if t == "" || pending > 0 && a.d.Component == 0 {
			continue
		}
		for ; pending > 0; pending-- {
			out = append(out, a.d.Component)
		}
		out = append(out, a.lossy(t)...)
	}
	return out
}

// end takes the empty fields off the end of the segment and terminates it.
func (a *acker) end() {
	n := len(a.out)
	for n > 0 && a.out[n-1] == a.d.Field {
		n--
	}
	a.out = append(a.out[:n], '\r')
}

// lossy escapes and encodes text and never fails: an answer must be given.
func (a *acker) lossy(text string) []byte {
	escaped, why := a.d.escape(text)
	if why != "" {
		escaped = strings.Map(func(r rune) rune {
			if r < ' ' || r < 0x80 && a.d.has(byte(r)) {
				return ' '
			}
			return r
		}, text)
	}
	c := a.in.writer()
	out := make([]byte, 0, len(escaped))
	for _, r := range escaped {
		var ok bool
		before := len(out)
		if out, ok = c.appendRune(out, r); !ok {
			out = append(out[:before], '?')
		}
	}
	return out
}

func never(enhanced bool) []byte {
	if enhanced { // The application's answer asks for none [HL7 2.5.1 2.9.3].
		return []byte("NE")
	}
	return nil
}

func formatOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return FormatTime(t)
}

// versionNumber makes versions comparable: 2.3.1 is 20301. What cannot be read counts as 2.5.1.
func versionNumber(v string) int {
	n, parts := 0, strings.SplitN(strings.TrimSpace(v), ".", 3)
	for i := range 3 {
		d := 0
		if i < len(parts) {
			var err error
			if d, err = strconv.Atoi(parts[i]); err != nil || d < 0 || d > 99 {
				return 20501
			}
		}
		n = n*100 + d
	}
	return n
}

// errorName is the text of a code of table 0357, in our words.
func errorName(code string) string {
	switch code {
	case "0":
		return "message accepted"
	case "100":
		return "segment sequence error"
	case "101":
		return "required field missing"
	case "102":
		return "data type error"
	case "103":
		return "table value not found"
	case "104":
		return "value too long"
	case "200":
		return "unsupported message type"
	case "201":
		return "unsupported event code"
	case "202":
		return "unsupported processing id"
	case "203":
		return "unsupported version id"
	case "204":
		return "unknown key identifier"
	case "205":
		return "duplicate key identifier"
	case "206":
		return "application record locked"
	case "207":
		return "application internal error"
	}
	return ""
}
