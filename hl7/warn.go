package hl7

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// WarningCode names a kind of deviation; the names are stable.
type WarningCode string

// The deviations that are read all the same.
const (
	WarnLeading    WarningCode = "leading-bytes"     // Framing, a byte order mark or blanks before the header.
	WarnTerminator WarningCode = "terminator"        // Segments do not all end in CR.
	WarnLineFeed   WarningCode = "lone-line-feed"    // A line feed inside a segment: data, or a broken line.
	WarnBlankLine  WarningCode = "blank-line"        // Something that is no segment stands between segments.
	WarnName       WarningCode = "segment-name"      // A line does not begin with a segment name.
	WarnDelimiters WarningCode = "delimiters"        // MSH-2 has not four or five different characters.
	WarnCharset    WarningCode = "charset"           // The bytes are not what MSH-18 says, or it says nothing.
	WarnControl    WarningCode = "control-character" // NUL and the like in a segment.
	WarnMessages   WarningCode = "several-messages"  // More than one MSH.
	WarnBatch      WarningCode = "batch"             // A batch or file header instead of a message.
)

// A Warning is one deviation. It never holds a value.
type Warning struct {
	Code    WarningCode
	Segment string // "" when the message as a whole is meant.
	Index   int    // Of the segment.
	Offset  int    // Bytes from the beginning.
	Text    string
}

func (w Warning) String() string {
	return fmt.Sprintf("%s at byte %d: %s", place(w.Segment, 0), w.Offset, w.Text)
}

const maxWarnings = 100 // Enough to see what a message is like; a damaged file has one for each line.

// Warnings lists how the message deviates from the standard, the first hundred in order. It reads the whole message each time.
func (m *Message) Warnings() []Warning {
	w := warner{m: m}
	if len(m.segs) == 0 {
		return nil
	}
	if at := m.segs[0].start; at > 0 {
		w.add(WarnLeading, -1, 0, fmt.Sprintf("%d bytes before the first segment", at))
	}
	w.header()
	w.charset()
	seen := 0
	for i, s := range m.segs {
		w.segment(i)
		w.between(i)
		if string(m.raw[s.start:min(s.end, s.start+3)]) == "MSH" {
			if seen++; seen == 2 {
				w.add(WarnMessages, i, int(s.start), "more than one message; split it first")
			}
		}
	}
	return w.out
}

type warner struct {
	m    *Message
	out  []Warning
	told bool // A terminator is reported once.
}

func (w *warner) add(code WarningCode, i, offset int, text string) {
	if len(w.out) == maxWarnings {
		return
	}
	warning := Warning{Code: code, Index: max(i, 0), Offset: offset, Text: text}
	if i >= 0 {
		warning.Segment = w.name(i)
	}
	w.out = append(w.out, warning)
}

// name is a segment's name for a report, and nothing when it may be something else than a name.
func (w *warner) name(i int) string {
	s := w.m.segs[i]
	b := w.m.raw[s.start:s.end]
	if len(b) >= 3 && soundName(b[:3]) && (len(b) == 3 || b[3] == w.m.delims.Field) {
		return string(b[:3])
	}
	return ""
}

func soundName(b []byte) bool { return isUpper(b[0]) && isIDByte(b[1]) && isIDByte(b[2]) }

func (w *warner) header() {
	m, at := w.m, int(w.m.segs[0].start)
	if string(m.raw[at:at+3]) != "MSH" {
		w.add(WarnBatch, 0, at, "a batch, not a message; split it first")
	}
	chars := m.value(0, element{field: 2}).raw
	if n := len(m.delims.encoding()); n < 4 || n != len(chars) {
		w.add(WarnDelimiters, 0, at+4, "MSH-2 has not four or five different characters")
	}
}

func (w *warner) charset() {
	m := w.m
	name := m.codec.name
	at := int(m.segs[0].start)
	if m.codec.kind == kindUndeclared && name != "" {
		w.add(WarnCharset, 0, at, "the character set in MSH-18 is not known")
	}
	if isASCII(m.raw) {
		return
	}
	valid := m.sniff() == contentUTF8
	text := ""
	switch {
	case m.codec.kind == kindUTF8 && !valid:
		text = "MSH-18 says UTF-8 and the bytes are not; read as 8859/1"
	case m.codec.kind == kindTable && valid:
		text = "the bytes look like UTF-8, which MSH-18 does not say"
	case m.codec.kind <= kindASCII && valid:
		text = "other characters than ASCII, undeclared; read as UTF-8"
	case m.codec.kind <= kindASCII:
		text = "other characters than ASCII, undeclared; read as 8859/1"
	}
	if text != "" {
		w.add(WarnCharset, 0, bytes.IndexFunc(m.raw, func(r rune) bool { return r >= utf8.RuneSelf }), text)
	}
}

func (w *warner) segment(i int) {
	s := w.m.segs[i]
	b := w.m.raw[s.start:s.end]
	if w.name(i) == "" {
		w.add(WarnName, i, int(s.start), "a line that begins with no segment name")
	}
	if j := bytes.IndexByte(b, '\n'); j >= 0 {
		w.add(WarnLineFeed, i, int(s.start)+j, "a line feed inside the segment: data, or a line broken on the way")
	}
	if j := bytes.IndexFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }); j >= 0 {
		w.add(WarnControl, i, int(s.start)+j, "a control character")
	}
}

// between looks at what follows segment i: its terminator, and nothing else in a sound message.
func (w *warner) between(i int) {
	m := w.m
	at, end := m.segs[i].end, uint32(len(m.raw))
	if i+1 < len(m.segs) {
		end = m.segs[i+1].start
	}
	gap := m.raw[at:end]
	if string(gap) == "\r" {
		return
	}
	if !w.told {
		w.told = true
		text := "segments end in line feeds or in carriage return and line feed"
		if len(gap) == 0 {
			text = "the last segment has no terminator"
		}
		w.add(WarnTerminator, i, int(at), text)
	}
	if rest := gap[len(m.terminator(at)):]; len(rest) > 0 {
		w.add(WarnBlankLine, i, int(at), "blank lines, blanks or framing bytes between segments")
	}
}
