package astm

import (
	"fmt"
	"strings"
)

// CharsetError says that a character cannot be written.
type CharsetError struct {
	Rune rune
}

func (e *CharsetError) Error() string {
	return fmt.Sprintf("character %U is not in ISO 8859-1", e.Rune)
}

// BuildError says where a record could not be written.
type BuildError struct {
	Record int // The record's index.
	Path   string
	Err    error
}

func (e *BuildError) Error() string {
	return fmt.Sprintf("record %d, path %q: %v", e.Record+1, e.Path, e.Err)
}

func (e *BuildError) Unwrap() error { return e.Err }

// Builder is a record that is being written. A mistake is told by NewMessage.
type Builder struct {
	letter byte
	sets   []setting
}

type setting struct{ where, text string }

// NewRecord begins a record of a type, as 'R'.
func NewRecord(letter byte) *Builder { return &Builder{letter: letter} }

// Set writes text at a path, escaped; "4" is the first component of the first repeat.
func (b *Builder) Set(where, text string) *Builder {
	b.sets = append(b.sets, setting{where, text})
	return b
}

// NewMessage writes records with the delimiters d. The definition in a header is written by itself. The error is a
// *BuildError.
func NewMessage(d Delimiters, records ...*Builder) (*Message, error) {
	return Options{}.NewMessage(d, records...)
}

// NewMessage writes records as NewMessage does, by the options.
func (o Options) NewMessage(d Delimiters, records ...*Builder) (*Message, error) {
	if !d.valid() {
		return nil, &BuildError{Path: "2", Err: fmt.Errorf("delimiters %q cannot be told apart from text", d.definition())}
	}
	m := &Message{}
	for i, b := range records {
		raw, err := b.encode(d, o.Charset)
		if err != nil {
			err.Record = i
			return nil, err
		}
		r := Record{raw: raw, end: "\r", delims: d, latin1: o.Charset != UTF8}
		m.judge(r)
		m.Records = append(m.Records, r)
		m.Terminated = m.Terminated || r.Type() == 'L'
	}
	return m, nil
}

// encode writes one record.
func (b *Builder) encode(d Delimiters, set Charset) ([]byte, *BuildError) {
	if b.letter < 'A' || b.letter > 'Z' {
		return nil, &BuildError{Path: "1", Err: fmt.Errorf("%q is no capital letter", b.letter)}
	}
	fields := []string{string(b.letter)}
	if b.letter == 'H' {
		fields = append(fields, d.definition())
	}
	for _, s := range b.sets {
		text, p, err := s.prepare(d, set)
		if err == nil && (p.field == 1 || p.field == 2 && b.letter == 'H') {
			err = fmt.Errorf("the field is written by itself")
		}
		if err != nil {
			return nil, &BuildError{Path: s.where, Err: err}
		}
		fields = grow(fields, p.field)
		fields[p.field-1] = place(fields[p.field-1], text, p, d)
	}
	return []byte(strings.Join(fields, string([]byte{d.Field}))), nil
}

func (s setting) prepare(d Delimiters, set Charset) (string, path, error) {
	p, err := parsePath(s.where)
	if err != nil {
		return "", p, err
	}
	raw, err := encode(s.text, set)
	if err != nil {
		return "", p, err
	}
	raw, err = escape(raw, d)
	return string(raw), p, err
}

// place writes text into one component of a field.
func place(field, text string, p path, d Delimiters) string {
	repeat, component := max(1, p.repeat), max(1, p.component)
	repeats := grow(strings.Split(field, string([]byte{d.Repeat})), repeat)
	parts := grow(strings.Split(repeats[repeat-1], string([]byte{d.Component})), component)
	parts[component-1] = text
	repeats[repeat-1] = strings.Join(parts, string([]byte{d.Component}))
	return strings.Join(repeats, string([]byte{d.Repeat}))
}

// grow lengthens a list to at least n.
func grow(list []string, n int) []string {
	for len(list) < n {
		list = append(list, "")
	}
	return list
}
