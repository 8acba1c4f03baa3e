package hl7

import (
	"bytes"
	"sync/atomic"
)

// Limits of what Parse accepts.
const (
	MaxBytes    = 64 << 20 // Bytes of one message.
	MaxSegments = 200_000  // Segments of one message.
)

// Options say how a peer's messages are read where the messages do not say it themselves.
type Options struct {
	MaxBytes    int    // Bytes; 0 is [MaxBytes].
	MaxSegments int    // 0 is [MaxSegments].
	Charset     string // Assumed when MSH-18 is empty or unknown; "" is UTF-8 where valid, else 8859/1.
	Override    bool   // Charset counts even against MSH-18: for peers whose MSH-18 lies.
}

// A Message is one message: its bytes, and where its segments are.
type Message struct {
	raw     []byte
	segs    []span
	delims  Delims
	options Options
	codec   codec
	lineEnd string
	content atomic.Uint32 // What an undeclared character set turned out to be; see charset.go.
}

// span is a segment without its terminator: bytes of raw.
type span struct{ start, end uint32 }

// Parse indexes one message. It keeps b and never writes to it; the caller must not change it either. The error is a
// *SyntaxError.
func Parse(b []byte) (*Message, error) { return Options{}.Parse(b) }

// Parse indexes one message of a peer that needs options. See [Parse].
func (o Options) Parse(b []byte) (*Message, error) {
	if o.MaxBytes <= 0 || o.MaxBytes > 1<<31-1 {
		o.MaxBytes = MaxBytes
	}
	if o.MaxSegments <= 0 {
		o.MaxSegments = MaxSegments
	}
	if len(b) > o.MaxBytes {
		return nil, &SyntaxError{Offset: o.MaxBytes, Reason: "message is larger than the limit"}
	}
	m := &Message{raw: b, options: o}
	start, err := m.findHeader()
	if err != nil {
		return nil, err
	}
	if m.segs, err = m.scan(start); err != nil {
		return nil, err
	}
	m.codec = m.declared()
	return m, nil
}

// findHeader finds the header segment behind what may precede it, and reads the delimiters.
func (m *Message) findHeader() (int, error) {
	start := skipJunk(m.raw, 0)
	line := m.raw[start:]
	switch {
	case len(line) == 0:
		return 0, &SyntaxError{Offset: start, Reason: "no segment"}
	case !isHeaderName(line):
		return 0, &SyntaxError{Offset: start, Reason: "does not begin with MSH, FHS or BHS"}
	}
	if i := bytes.IndexAny(line[:min(len(line), 16)], "\r\n"); i >= 0 {
		line = line[:i]
	}
	d, why := readDelims(line)
	if why != "" {
		return 0, &SyntaxError{Segment: string(line[:3]), Field: 1, Offset: start + 3, Reason: why}
	}
	m.delims = d
	return start, nil
}

// Bytes returns the message as it came, or as it was edited. The caller must not change it.
func (m *Message) Bytes() []byte { return m.raw }

// Delims returns the message's delimiters.
func (m *Message) Delims() Delims { return m.delims }

// Segments returns the segments in order.
func (m *Message) Segments() []Segment {
	out := make([]Segment, len(m.segs))
	for i := range m.segs {
		out[i] = Segment{m, i}
	}
	return out
}

// Find returns the segments of one name in order.
func (m *Message) Find(name string) []Segment {
	var out []Segment
	for i := range m.segs {
		if name != "" && m.named(i, name) {
			out = append(out, Segment{m, i})
		}
	}
	return out
}

// Get returns the element at a path such as PID-3[2].4.1 as text: unescaped, in UTF-8. It is "" for what is absent,
// empty or null, and for a path that cannot be read.
func (m *Message) Get(path string) string { return m.Value(path).Text() }

// Value returns the element at a path, Absent for a path that cannot be read.
func (m *Message) Value(path string) Value {
	p, err := parsePath(path)
	if err != "" {
		return Value{}
	}
	i := m.nth(p.segment, p.occurrence)
	if i < 0 {
		return Value{}
	}
	return m.value(i, p.element)
}

// nth returns the index of the n-th segment of a name, counted from 1, or -1.
func (m *Message) nth(name string, n int) int {
	if name == "" {
		return -1
	}
	for i := range m.segs {
		if m.named(i, name) {
			if n--; n == 0 {
				return i
			}
		}
	}
	return -1
}

func (m *Message) named(i int, name string) bool {
	s := m.segs[i]
	b := m.raw[s.start:s.end]
	if len(b) < len(name) || b[0] != name[0] || string(b[:len(name)]) != name {
		return false
	}
	return len(b) == len(name) || b[len(name)] == m.delims.Field
}

// isHeader reports whether segment i counts its fields like MSH [HL7 2.5.1 2.14.9].
func (m *Message) isHeader(i int) bool { return isHeaderName(m.raw[m.segs[i].start:m.segs[i].end]) }

func isHeaderName(b []byte) bool {
	return len(b) >= 3 && (string(b[:3]) == "MSH" || string(b[:3]) == "FHS" || string(b[:3]) == "BHS")
}
