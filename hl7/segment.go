package hl7

import "iter"

// A Segment is one segment of a message. It names a position: after Insert or Remove before it, take it anew.
type Segment struct {
	m *Message
	i int
}

// Name returns what stands before the first field separator: three characters in a sound message.
func (s Segment) Name() string {
	raw := s.Raw()
	if len(raw) > 3 && raw[3] == s.m.delims.Field {
		return string(raw[:3])
	}
	p, _ := s.m.piece(s.m.segs[s.i], s.m.delims.Field, 1)
	return string(s.m.raw[p.start:p.end])
}

// Index is the segment's position in the message, from 0.
func (s Segment) Index() int { return s.i }

// Raw returns the segment's bytes without the terminator. The caller must not change them.
func (s Segment) Raw() []byte {
	p := s.m.segs[s.i]
	return s.m.raw[p.start:p.end:p.end]
}

// Get returns the element at a path such as 3[2].4.2 as text. See [Message.Get].
func (s Segment) Get(path string) string { return s.Value(path).Text() }

// Value returns the element at a path such as 3[2].4.2. See [Message.Value].
func (s Segment) Value(path string) Value {
	e, why := parseElement(path)
	if why != "" {
		return Value{}
	}
	return s.m.value(s.i, e)
}

// Reps returns how many repetitions a field has: 0 when it is absent or empty.
func (s Segment) Reps(field int) int {
	if field < 1 {
		return 0
	}
	v := s.m.value(s.i, element{field: field})
	if len(v.raw) == 0 {
		return 0
	}
	return len(v.Repetitions())
}

// Fields returns the number of the last field, counted like MSH in header segments.
func (s Segment) Fields() int {
	n := 0
	for range s.All() {
		n++
	}
	return n
}

// All walks the fields in order with their numbers.
func (s Segment) All() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		n, rest := 0, s.Raw()
		if s.m.isHeader(s.i) {
			if len(rest) < 4 || !yield(1, s.m.value(s.i, element{field: 1})) {
				return
			}
			n = 1
		}
		i := s.m.indexByte(rest, s.m.delims.Field)
		for i >= 0 {
			rest = rest[i+1:]
			end := len(rest)
			if i = s.m.indexByte(rest, s.m.delims.Field); i >= 0 {
				end = i
			}
			n++
			literal := n == 2 && s.m.isHeader(s.i)
			if !yield(n, Value{m: s.m, raw: rest[:end:end], present: true, literal: literal}) {
				return
			}
		}
	}
}
