package hl7

import "bytes"

// Delims are the delimiters of one message, from MSH-1 and MSH-2 [HL7 2.5.1 2.5.4]. A zero byte is one that the
// message does not declare: a short MSH-2 has no escape character, and then a backslash is data.
type Delims struct {
	Field, Component, Repetition, Escape, Subcomponent byte
	Truncation                                         byte // MSH-2 of five characters, 2.7 and later.
}

// Standard are the delimiters that the standard recommends and that this package writes.
func Standard() Delims {
	return Delims{Field: '|', Component: '^', Repetition: '~', Escape: '\\', Subcomponent: '&'}
}

// readDelims reads the delimiters of a header segment that begins at line. A character that is declared twice counts
// only the first time, or nothing could be read back as it was written. A letter, a digit or a full stop is no escape
// character: it would end its own sequences, as r does in \.br\.
func readDelims(line []byte) (Delims, string) {
	if len(line) < 4 {
		return Delims{}, "no field separator"
	}
	d := Delims{Field: line[3]}
	if !isPunct(d.Field) {
		return Delims{}, "the field separator is not a punctuation character"
	}
	chars := line[4:]
	if i := bytes.IndexByte(chars, d.Field); i >= 0 {
		chars = chars[:i]
	}
	for i, at := range []*byte{&d.Component, &d.Repetition, &d.Escape, &d.Subcomponent, &d.Truncation} {
		if i < len(chars) && usable(chars[i]) && !d.has(chars[i]) {
			*at = chars[i]
		}
	}
	if !isPunct(d.Escape) || d.Escape == '.' {
		d.Escape = 0
	}
	return d, ""
}

func (d Delims) has(c byte) bool {
	return c != 0 && (c == d.Field || c == d.Component || c == d.Repetition || c == d.Escape || c == d.Subcomponent || c == d.Truncation)
}

// encoding returns MSH-2.
func (d Delims) encoding() []byte {
	out := make([]byte, 0, 5)
	for _, c := range []byte{d.Component, d.Repetition, d.Escape, d.Subcomponent, d.Truncation} {
		if c == 0 {
			break
		}
		out = append(out, c)
	}
	return out
}

// at returns the delimiter between elements of a level.
func (d Delims) at(l level) byte {
	return [...]byte{d.Field, d.Repetition, d.Component, d.Subcomponent}[l]
}

func isPunct(c byte) bool  { return c > ' ' && c < 0x7f && !isAlnum(c) }
func usable(c byte) bool   { return c >= ' ' && c < 0x7f }
func isAlnum(c byte) bool  { return isUpper(c) || c >= 'a' && c <= 'z' || isDigit(c) }
func isUpper(c byte) bool  { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isIDByte(c byte) bool { return isUpper(c) || isDigit(c) }
