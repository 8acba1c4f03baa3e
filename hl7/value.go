package hl7

import "bytes"

// Kind tells what stands at a place.
type Kind uint8

// The kinds. HL7 tells them apart: empty says nothing about what the receiver has, null says that it is to be deleted
// [HL7 2.5.1 2.5.3].
const (
	Absent Kind = iota // The segment or field does not reach that far.
	Empty              // There, with no bytes.
	Null               // There, exactly two quotes.
	Text               // There, with a value.
)

func (k Kind) String() string { return [...]string{"absent", "empty", "null", "text"}[k] }

// A Value is one element of a message: a field, repetition, component or subcomponent.
type Value struct {
	m       *Message
	raw     []byte
	present bool
	literal bool // MSH-1 and MSH-2 are never unescaped.
}

// Raw returns the element's bytes as they stand in the message: escaped, in the message's character set. The caller
// must not change them.
func (v Value) Raw() []byte { return v.raw }

// Kind tells what stands there.
func (v Value) Kind() Kind {
	switch {
	case !v.present:
		return Absent
	case len(v.raw) == 0:
		return Empty
	case len(v.raw) == 2 && v.raw[0] == '"' && v.raw[1] == '"':
		return Null
	}
	return Text
}

// Text returns the element unescaped and in UTF-8, "" for all but [Text]. Delimiters of an element that has parts
// stay; ask for the parts to tell them from escaped characters.
func (v Value) Text() string {
	if v.Kind() != Text {
		return ""
	}
	if v.literal {
		return v.m.decodePiece(v.raw)
	}
	return v.m.unescape(v.raw)
}

// Repetitions, Components and Subcomponents take a value apart; a value that has no such delimiter is its own only
// part.
func (v Value) Repetitions() []Value { return v.parts(levelRepetition) }

// Components takes a repetition apart.
func (v Value) Components() []Value { return v.parts(levelComponent) }

// Subcomponents takes a component apart.
func (v Value) Subcomponents() []Value { return v.parts(levelSub) }

func (v Value) parts(l level) []Value {
	if !v.present || v.literal {
		return []Value{v}
	}
	var out []Value
	sep := v.m.delims.at(l)
	for rest := v.raw; ; {
		i := v.m.indexByte(rest, sep)
		if i < 0 {
			return append(out, Value{m: v.m, raw: rest, present: true})
		}
		out = append(out, Value{m: v.m, raw: rest[:i:i], present: true})
		rest = rest[i+1:]
	}
}

// indexByte finds a delimiter, -1 for none and for one that is not declared. In character sets whose second bytes can
// be delimiters it steps over whole characters.
func (m *Message) indexByte(b []byte, sep byte) int {
	switch {
	case sep == 0:
		return -1
	case m.codec.wide == nil:
		return bytes.IndexByte(b, sep)
	}
	for i := 0; i < len(b); i += m.codec.wide(b[i:]) {
		if b[i] == sep {
			return i
		}
	}
	return -1
}

// piece narrows s to its n-th piece between separators. When there are fewer, missing says how many.
func (m *Message) piece(s span, sep byte, n int) (p span, missing int) {
	for at := s.start; ; {
		i := m.indexByte(m.raw[at:s.end], sep)
		if n--; n == 0 {
			if i < 0 {
				return span{at, s.end}, 0
			}
			return span{at, at + uint32(i)}, 0
		}
		if i < 0 {
			return span{s.end, s.end}, n
		}
		at += uint32(i) + 1
	}
}

// value finds an element of segment i.
func (m *Message) value(i int, e element) Value {
	s := m.segs[i]
	n := e.field + 1
	if m.isHeader(i) {
		if e.field <= 2 {
			return m.headerValue(s, e)
		}
		n = e.field
	}
	s, missing := m.piece(s, m.delims.Field, n)
	for l := levelRepetition; l <= e.depth() && missing == 0; l++ {
		s, missing = m.piece(s, m.delims.at(l), e.number(l))
	}
	if missing > 0 {
		return Value{}
	}
	return Value{m: m, raw: m.raw[s.start:s.end:s.end], present: true}
}

// headerValue returns MSH-1 or MSH-2, which have no parts [HL7 2.5.1 2.14.9.1].
func (m *Message) headerValue(s span, e element) Value {
	if e.repetition > 1 || e.component > 1 || e.sub > 1 || s.end-s.start < 4 {
		return Value{}
	}
	v := Value{m: m, present: true, literal: true}
	if e.field == 1 {
		v.raw = m.raw[s.start+3 : s.start+4 : s.start+4]
		return v
	}
	rest := m.raw[s.start+4 : s.end]
	if i := bytes.IndexByte(rest, m.delims.Field); i >= 0 {
		rest = rest[:i]
	}
	v.raw = rest[:len(rest):len(rest)]
	return v
}
