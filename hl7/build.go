package hl7

import (
	"cmp"
	"slices"
)

// A SegmentBuilder gathers the values of a new segment.
type SegmentBuilder struct {
	name   string
	values []assigned
	err    error // The first bad path; Build and Insert return it.
}

// assigned is one value: text to be escaped, or raw.
type assigned struct {
	element
	text string
	raw  bool
}

// NewSegment begins a segment. The name is three upper-case letters or digits.
func NewSegment(name string) *SegmentBuilder {
	b := &SegmentBuilder{name: name}
	if len(name) != 3 || !isUpper(name[0]) || !isIDByte(name[1]) || !isIDByte(name[2]) || isHeaderName([]byte(name)) {
		b.err = &PathError{Path: name, Reason: "a segment name is three upper-case letters or digits, and not that of a header"}
	}
	return b
}

// Set gives an element its text. The path is 3, 3.1 or 3[2].4.2; an empty text leaves the element empty. Of two values for
// one place the later counts. Errors surface when the segment is written.
func (b *SegmentBuilder) Set(path, text string) *SegmentBuilder { return b.add(path, text, false) }

// SetRaw gives an element bytes that are already escaped, in UTF-8 and with the standard delimiters; `""` is the null.
func (b *SegmentBuilder) SetRaw(path, raw string) *SegmentBuilder { return b.add(path, raw, true) }

func (b *SegmentBuilder) add(path, text string, raw bool) *SegmentBuilder {
	e, why := parseElement(path)
	if why != "" && b.err == nil {
		b.err = &PathError{Path: b.name + "-" + path, Reason: why}
	}
	e = element{e.field, max(1, e.repetition), max(1, e.component), max(1, e.sub)}
	b.values = slices.DeleteFunc(b.values, func(v assigned) bool { return v.element == e })
	if text != "" {
		b.values = append(b.values, assigned{e, text, raw})
	}
	return b
}

func compareElements(a, b assigned) int {
	return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.repetition, b.repetition),
		cmp.Compare(a.component, b.component), cmp.Compare(a.sub, b.sub))
}

// render writes the segment without a terminator.
func (b *SegmentBuilder) render(d Delims, c codec) ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	values := slices.Clone(b.values)
	slices.SortFunc(values, compareElements)
	out := append(make([]byte, 0, 64), b.name...)
	at := element{0, 1, 1, 1}
	for _, v := range values {
		var why string
		if out, why = appendGap(out, d, at, v.element); why != "" {
			return nil, &PathError{Path: b.name + "-" + v.element.String(), Reason: why}
		}
		at = v.element
		text := v.text
		if v.raw {
			if containsControl(text) {
				return nil, &PathError{Path: b.name + "-" + v.element.String(), Reason: "raw text holds a field separator or control character"}
			}
			text = translate(text, d)
		} else if text, why = d.escape(text); why != "" {
			return nil, &PathError{Path: b.name + "-" + v.element.String(), Reason: why}
		}
		raw, lacking := c.encode(text)
		if lacking >= 0 {
			return nil, &CharsetError{Segment: b.name, Field: v.field, Rune: lacking, Charset: c.name}
		}
		out = append(out, raw...)
	}
	return out, nil
}

// appendGap writes the delimiters between two places.
func appendGap(out []byte, d Delims, from, to element) ([]byte, string) {
	for l := levelField; l <= levelSub; l++ {
		n := [...]int{to.field - from.field, to.repetition - from.repetition, to.component - from.component, to.sub - from.sub}[l]
		if n == 0 {
			continue
		}
		if d.at(l) == 0 {
			return nil, "the message declares no delimiter for it"
		}
		for range n {
			out = append(out, d.at(l))
		}
		switch l {
		case levelField:
			from = element{to.field, 1, 1, 1}
		case levelRepetition:
			from = element{to.field, to.repetition, 1, 1}
		case levelComponent:
			from = element{to.field, to.repetition, to.component, 1}
		}
	}
	return out, ""
}

// translate changes raw text from the standard delimiters to others.
func translate(text string, d Delims) string {
	std := Standard()
	if d == std {
		return text
	}
	return exchange(text, std, d)
}

// exchange changes the delimiters of raw text. A character that only the new set gives a meaning is escaped.
func exchange(text string, from, to Delims) string {
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c == from.Component && to.Component != 0:
			out = append(out, to.Component)
		case c == from.Repetition && to.Repetition != 0:
			out = append(out, to.Repetition)
		case c == from.Subcomponent && to.Subcomponent != 0:
			out = append(out, to.Subcomponent)
		case c == from.Escape && c != 0 && to.Escape != 0:
			out = append(out, to.Escape)
		case to.has(c) && to.Escape != 0:
			escaped, _ := to.escape(string(rune(c)))
			out = append(out, escaped...)
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// Build writes a message with the standard delimiters, CR after each segment, in the character set of h. Type and
// ControlID are required; Version is 2.5.1 and ProcessingID P when they are empty. The error is a *PathError or a
// *CharsetError.
func Build(h Header, segs ...*SegmentBuilder) (*Message, error) {
	d := Standard()
	c := codec{kind: kindASCII}
	if h.Charset != "" {
		var ok bool
		if c, ok = lookup(h.Charset); !ok {
			return nil, &CharsetError{Segment: "MSH", Field: 18, Charset: h.Charset}
		}
	}
	header, err := h.segment()
	if err != nil {
		return nil, err
	}
	line, err := header.render(d, c)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, 256+128*len(segs))
	out = append(append(append(out, "MSH|"...), d.encoding()...), line[len("MSH|"):]...)
	out = append(out, '\r')
	for _, s := range segs {
		if line, err = s.render(d, c); err != nil {
			return nil, err
		}
		out = append(append(out, line...), '\r')
	}
	return Parse(out)
}
