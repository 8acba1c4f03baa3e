package hl7

import (
	"strings"
	"unicode/utf8"
)

// unescape decodes a value and resolves its escapes [HL7 2.5.1 2.7]. Splitting comes before it, so an escaped
// delimiter is never taken for one. Formatting, highlighting, character set switches, unknown and broken escapes stay
// as they are: they are what the sender wrote.
func (m *Message) unescape(raw []byte) string {
	text := m.decodePiece(raw)
	esc := m.delims.Escape
	if esc == 0 || strings.IndexByte(text, esc) < 0 {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	for {
		i := strings.IndexByte(text, esc)
		if i < 0 {
			break
		}
		out.WriteString(text[:i])
		text = text[i:]
		n := strings.IndexByte(text[1:], esc)
		if n < 0 {
			break
		}
		name := text[1 : 1+n]
		plain, ok := m.resolve(name)
		switch {
		case ok:
			out.WriteString(plain)
			text = text[n+2:]
		case isEscapeName(name):
			out.WriteString(text[:n+2])
			text = text[n+2:]
		default: // An unpaired escape character is data; the next one may begin a real escape.
			out.WriteByte(esc)
			text = text[1:]
		}
	}
	out.WriteString(text)
	return out.String()
}

// resolve returns what one escape stands for. The names of delimiters mean this message's own.
func (m *Message) resolve(name string) (string, bool) {
	d := m.delims
	if len(name) == 1 {
		var c byte
		switch name[0] {
		case 'F':
			c = d.Field
		case 'S':
			c = d.Component
		case 'T':
			c = d.Subcomponent
		case 'R':
			c = d.Repetition
		case 'E':
			c = d.Escape
		case 'P':
			c = d.Truncation // [HL7 2.7 2.7.1]
		}
		if c == 0 {
			return "", false
		}
		return string(rune(c)), true
	}
	switch {
	case name == ".br":
		return "\n", true
	case len(name) > 2 && name[0] == 'X':
		b, ok := unhex(name[1:])
		if !ok {
			return "", false
		}
		return m.decodePiece(b), true
	}
	return "", false
}

// decodePiece decodes a piece of the message. It is judged by itself: the bytes of a hexadecimal escape may be the only
// ones that are not ASCII, and a header's delimiter may cut a character in two. What is no UTF-8 then is Latin-1, as a
// whole message is that declares nothing.
func (m *Message) decodePiece(b []byte) string {
	text := m.decode(b)
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// isEscapeName reports what has the form of an escape that is kept: highlighting, formatting (.sp 2), local (Z..),
// character set switches (C.., M..), and hexadecimal digits that do not come in pairs.
func isEscapeName(name string) bool {
	switch {
	case name == "":
		return false
	case name[0] == '.':
		return true
	case len(name) == 1:
		return isUpper(name[0])
	}
	return name[0] == 'C' || name[0] == 'M' || name[0] == 'X' || name[0] == 'Z'
}

func unhex(s string) ([]byte, bool) {
	if len(s)%2 != 0 {
		return nil, false
	}
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		hi, lo := nibble(s[i]), nibble(s[i+1])
		if hi > 15 || lo > 15 {
			return nil, false
		}
		out = append(out, hi<<4|lo)
	}
	return out, true
}

func nibble(c byte) byte {
	switch {
	case isDigit(c):
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// escape writes text so that unescape gives it back: delimiters by name, a line feed as \.br\, other control
// characters in hexadecimal. The second result says why it cannot, "" for nothing.
func (d Delims) escape(text string) (string, string) {
	if text == `""` && d.Escape != 0 {
		return d.hex('"') + d.hex('"'), "" // Two quotes as text, which bare would be the null.
	}
	if !d.needsEscape(text) {
		return text, ""
	}
	if d.Escape == 0 {
		return "", "the message declares no escape character"
	}
	var out strings.Builder
	out.Grow(len(text) + 16)
	for _, r := range text {
		if r >= utf8.RuneSelf {
			out.WriteRune(r)
			continue
		}
		d.escapeByte(&out, byte(r))
	}
	return out.String(), ""
}

func (d Delims) needsEscape(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == 0x7f || d.has(c) {
			return true
		}
	}
	return false
}

func (d Delims) escapeByte(out *strings.Builder, c byte) {
	e := string(rune(d.Escape))
	switch {
	case c == d.Field:
		out.WriteString(e + "F" + e)
	case d.Component != 0 && c == d.Component:
		out.WriteString(e + "S" + e)
	case d.Subcomponent != 0 && c == d.Subcomponent:
		out.WriteString(e + "T" + e)
	case d.Repetition != 0 && c == d.Repetition:
		out.WriteString(e + "R" + e)
	case c == d.Escape:
		out.WriteString(e + "E" + e)
	case d.Truncation != 0 && c == d.Truncation:
		out.WriteString(e + "P" + e)
	case c == '\n':
		out.WriteString(e + ".br" + e)
	case c < ' ' || c == 0x7f:
		out.WriteString(d.hex(c))
	default:
		out.WriteByte(c)
	}
}

func (d Delims) hex(c byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{d.Escape, 'X', digits[c>>4], digits[c&15], d.Escape})
}
