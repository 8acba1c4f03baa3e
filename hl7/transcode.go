package hl7

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// Transcode returns the message in another character set, with MSH-18 saying so; "" is ASCII undeclared. Hexadecimal
// escapes of characters are rewritten too. The message itself is left alone. The error is a *CharsetError: a
// character that the set lacks, or a set that is not known.
func Transcode(m *Message, charset string) (*Message, error) {
	to := codec{kind: kindASCII}
	if charset != "" {
		var ok bool
		if to, ok = lookup(charset); !ok {
			return nil, &CharsetError{Segment: "MSH", Field: 18, Charset: charset}
		}
	}
	out := m.clone()
	if err := out.SetRaw("MSH-18", []byte(charset)); err != nil {
		return nil, err
	}
	if !isASCII(out.raw) || out.hasHex() {
		raw, err := out.reencode(m, to)
		if err != nil {
			return nil, err
		}
		out.raw = raw
	}
	return Options{MaxBytes: m.options.MaxBytes, MaxSegments: m.options.MaxSegments}.Parse(out.raw)
}

// clone copies the index; the bytes are shared, as edits never write to them.
func (m *Message) clone() *Message {
	return &Message{raw: m.raw, segs: slices.Clone(m.segs), delims: m.delims, options: m.options, codec: m.codec, lineEnd: m.lineEnd}
}

func (m *Message) hasHex() bool {
	return m.delims.Escape != 0 && bytes.Contains(m.raw, []byte{m.delims.Escape, 'X'})
}

// reencode writes every segment anew, read with the character set of from. What stands between segments is copied.
func (m *Message) reencode(from *Message, to codec) ([]byte, error) {
	out := make([]byte, 0, len(m.raw)+len(m.raw)/8)
	for i, s := range m.segs {
		text := from.rehex(from.decode(m.raw[s.start:s.end]), to)
		raw, lacking := to.encode(text)
		if lacking >= 0 {
			at := strings.IndexRune(text, lacking)
			if lacking == utf8.RuneError {
				at = strings.IndexRune(text, utf8.RuneError)
			}
			e := &CharsetError{Segment: Segment{m, i}.Name(), Rune: lacking, Charset: to.name}
			e.Field = strings.Count(text[:at], string(rune(m.delims.Field)))
			if m.isHeader(i) {
				e.Field++
			}
			return nil, e
		}
		out = append(out, raw...)
		end := uint32(len(m.raw))
		if i+1 < len(m.segs) {
			end = m.segs[i+1].start
		}
		out = append(out, m.raw[s.end:end]...)
	}
	return out, nil
}

// rehex rewrites hexadecimal escapes that hold more than ASCII: their bytes are of the old character set. What the
// new one lacks is left for the caller to find, as itself.
func (m *Message) rehex(text string, to codec) string {
	e := string(rune(m.delims.Escape))
	if m.delims.Escape == 0 || !strings.Contains(text, e+"X") {
		return text
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, e+"X")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		digits, rest, closed := strings.Cut(after, e)
		b, ok := unhex(digits)
		if !closed || !ok || isASCII(b) {
			out.WriteString(e + "X")
			text = after
			continue
		}
		out.WriteString(recode(m.decode(b), to, m.delims))
		text = rest
	}
}

func recode(text string, to codec, d Delims) string {
	raw, lacking := to.encode(text)
	if lacking >= 0 {
		return text
	}
	const digits = "0123456789ABCDEF"
	out := []byte{d.Escape, 'X'}
	for _, c := range raw {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(append(out, d.Escape))
}
