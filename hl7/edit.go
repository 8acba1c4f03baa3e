package hl7

import (
	"bytes"
	"slices"
)

// Set replaces the element at a path by text: escaped, in the message's character set. Everything else keeps its
// bytes; fields that are missing before it are added empty, and setting an absent element to "" changes nothing. The
// error is a *PathError or a *CharsetError, and then nothing has changed.
func (m *Message) Set(path, text string) error {
	escaped, why := m.delims.escape(text)
	if why != "" {
		return &PathError{Path: path, Reason: why}
	}
	raw, lacking := m.encode(escaped)
	if lacking >= 0 {
		p, _ := parsePath(path)
		return &CharsetError{Segment: p.segment, Field: p.field, Rune: lacking, Charset: m.codec.name}
	}
	return m.SetRaw(path, raw)
}

// SetRaw replaces the element at a path by bytes that are already escaped and encoded; `""` writes the null. Bytes
// that would end the element are an error.
func (m *Message) SetRaw(at string, raw []byte) (err error) {
	p, why := parsePath(at)
	if why != "" {
		return &PathError{Path: at, Reason: why}
	}
	i := m.nth(p.segment, p.occurrence)
	switch {
	case i < 0:
		return &PathError{Path: at, Reason: "the message has no such segment"}
	case m.isHeader(i) && p.field <= 2:
		return &PathError{Path: at, Reason: "the delimiters of a message cannot be changed"}
	}
	if c, bad := m.breaks(raw, p.depth()); bad {
		return &PathError{Path: at, Reason: "the bytes hold the delimiter or control character " + printable(c)}
	}
	where, fill, why := m.room(i, p.element)
	switch {
	case why != "":
		return &PathError{Path: at, Reason: why}
	case len(fill) > 0 && len(raw) == 0:
		return nil
	}
	if m.codec.kind == kindWide {
		before, segs := m.raw, slices.Clone(m.segs)
		defer func() {
			if err != nil {
				m.raw, m.segs = before, segs
				m.content.Store(contentUnknown)
			}
		}()
	}
	m.splice(i, where, append(fill, raw...))
	if m.codec.kind == kindWide && !m.reads(i, p.element, raw) {
		return &PathError{Path: at, Reason: "a character beside it is broken off, and would take its bytes along"}
	}
	if i == 0 && p.field == 18 {
		m.codec = m.declared()
	}
	return nil
}

// reads tells whether an element of segment i is raw. Where characters have several bytes, one that is broken off takes
// a delimiter that is written behind it for its second half.
func (m *Message) reads(i int, e element, raw []byte) bool {
	where, fill, why := m.room(i, e)
	return why == "" && len(fill) == 0 && bytes.Equal(m.raw[where.start:where.end], raw)
}

// breaks reports a byte that cannot stand in an element of a depth.
func (m *Message) breaks(raw []byte, depth level) (byte, bool) {
	for _, c := range []byte{'\r', '\n', 0x0b, 0x1c} {
		if bytes.IndexByte(raw, c) >= 0 {
			return c, true
		}
	}
	for l := levelField; l <= depth; l++ {
		if c := m.delims.at(l); m.indexByte(raw, c) >= 0 {
			return c, true
		}
	}
	return 0, false
}

func printable(c byte) string {
	if c > ' ' && c < 0x7f {
		return string(rune(c))
	}
	return Standard().hex(c)
}

// room finds the bytes that an element occupies. Where the segment does not reach it, fill is the delimiters that are
// to be written first.
func (m *Message) room(i int, e element) (where span, fill []byte, why string) {
	where = m.segs[i]
	n := e.field
	if !m.isHeader(i) {
		n++
	}
	for l := levelField; l <= e.depth(); l++ {
		if l > levelField {
			n = e.number(l)
		}
		sep := m.delims.at(l)
		if sep == 0 && n > 1 {
			return where, nil, "the message declares no delimiter for it"
		}
		missing := n - 1
		if len(fill) == 0 {
			where, missing = m.piece(where, sep, n)
		}
		fill = append(fill, bytes.Repeat([]byte{sep}, missing)...)
	}
	return where, fill, ""
}

// splice puts raw in the place of bytes of segment i. The old bytes are left alone: they may be the caller's.
func (m *Message) splice(i int, where span, raw []byte) {
	grow := len(raw) - int(where.end-where.start)
	out := make([]byte, 0, len(m.raw)+grow)
	out = append(out, m.raw[:where.start]...)
	out = append(out, raw...)
	m.raw = append(out, m.raw[where.end:]...)
	m.segs[i].end += uint32(grow) // Wraps for a shrinking one, as unsigned sums do.
	m.shift(i+1, grow)
	m.content.Store(contentUnknown)
}

func (m *Message) shift(from, by int) {
	for j := from; j < len(m.segs); j++ {
		m.segs[j].start += uint32(by)
		m.segs[j].end += uint32(by)
	}
}

// Remove takes out the segment at an index, with its terminator. The header stays.
func (m *Message) Remove(seg int) error {
	if seg <= 0 || seg >= len(m.segs) {
		return &PathError{Path: "segment", Reason: "no such segment to remove, or it is the header"}
	}
	from, to := m.segs[seg].start, uint32(len(m.raw))
	if seg+1 < len(m.segs) {
		to = m.segs[seg+1].start
	}
	out := make([]byte, 0, len(m.raw))
	out = append(out, m.raw[:from]...)
	m.raw = append(out, m.raw[to:]...)
	m.segs = slices.Delete(m.segs, seg, seg+1)
	m.shift(seg, -int(to-from))
	m.content.Store(contentUnknown)
	return nil
}

// Insert puts a segment before the one at an index; the number of segments appends it. It is written with the
// message's delimiters, character set and terminator. The error is that of [Build].
func (m *Message) Insert(at int, b *SegmentBuilder) error {
	if at <= 0 || at > len(m.segs) {
		return &PathError{Path: "segment", Reason: "a segment is inserted after the header"}
	}
	text, err := b.render(m.delims, m.writer())
	if err != nil {
		return err
	}
	where := m.segs[at-1].end
	ended := uint32(len(m.lineEnd))
	out := make([]byte, 0, len(m.raw)+len(text)+2*int(ended))
	switch {
	case at < len(m.segs):
		where = m.segs[at].start
		out = append(append(append(out, m.raw[:where]...), text...), m.lineEnd...)
	case int(where) == len(m.raw): // The last segment has no terminator, and the new one gets none.
		out = append(append(append(out, m.raw...), m.lineEnd...), text...)
		m.raw, m.segs = out, append(m.segs, span{where + ended, where + ended + uint32(len(text))})
		m.content.Store(contentUnknown)
		return nil
	default:
		where += uint32(len(m.terminator(where)))
		out = append(append(append(out, m.raw[:where]...), text...), m.lineEnd...)
	}
	m.raw = append(out, m.raw[where:]...)
	m.segs = slices.Insert(m.segs, at, span{where, where + uint32(len(text))})
	m.shift(at+1, len(text)+int(ended))
	m.content.Store(contentUnknown)
	return nil
}

// terminator returns the line end that stands at an offset.
func (m *Message) terminator(at uint32) []byte {
	b := m.raw[at:]
	n := 0
	if n < len(b) && b[n] == '\r' {
		n++
	}
	if n < len(b) && b[n] == '\n' {
		n++
	}
	return b[:n]
}
