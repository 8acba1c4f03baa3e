package astm

import (
	"bytes"
)

// Record is one record as it was written. It is a value and does not change; the zero Record holds nothing.
type Record struct {
	raw    []byte
	end    string // What ended it: CR, and what else came before the next one.
	start  int    // Where the letter is: some loggers leave a frame's number before it.
	delims Delimiters
	latin1 bool
}

// Type is the record's letter in upper case, as 'H' or 'R'; 0 when it does not begin with one.
func (r Record) Type() byte {
	if r.start >= len(r.raw) || !isLetter(r.raw[r.start]) {
		return 0
	}
	return r.raw[r.start] &^ 0x20
}

// Raw is the record as it was written, without the CR that ends it. The bytes must not be changed.
func (r Record) Raw() []byte { return r.raw }

// Delimiters are those of the record's message.
func (r Record) Delimiters() Delimiters { return r.delims }

// Fields is the number of fields, the letter among them.
func (r Record) Fields() int {
	if len(r.raw) == 0 {
		return 0
	}
	return bytes.Count(r.raw[r.start:], []byte{r.delims.Field}) + 1
}

// Reps is the number of repeats of a field; 0 when the record has no such field or it is empty.
func (r Record) Reps(field int) int {
	f := r.field(field)
	if len(f) == 0 {
		return 0
	}
	if r.defines(field) {
		return 1
	}
	return bytes.Count(f, []byte{r.delims.Repeat}) + 1
}

// Get returns what stands at a path, unescaped and as UTF-8; "" when nothing does, or when the path is none.
func (r Record) Get(where string) string {
	p, err := parsePath(where)
	if err != nil {
		return ""
	}
	text := r.field(p.field)
	if r.defines(p.field) {
		if p.repeat > 1 || p.component > 1 {
			return ""
		}
		return decode(text, r.latin1) // The delimiters themselves [LIS02 6.2].
	}
	if p.repeat > 0 || p.component > 0 {
		text = nth(text, r.delims.Repeat, max(1, p.repeat))
	}
	if p.component > 0 {
		text = nth(text, r.delims.Component, p.component)
	}
	return decode(unescape(text, r.delims), r.latin1)
}

// defines tells whether a field is the header's definition of delimiters.
func (r Record) defines(field int) bool { return field == 2 && r.Type() == 'H' }

func (r Record) field(n int) []byte {
	if n < 1 || len(r.raw) == 0 {
		return nil
	}
	return nth(r.raw[r.start:], r.delims.Field, n)
}

// nth returns the n-th part of s, counted from 1; nil when there are fewer.
func nth(s []byte, delim byte, n int) []byte {
	for ; n > 1; n-- {
		i := bytes.IndexByte(s, delim)
		if i < 0 {
			return nil
		}
		s = s[i+1:]
	}
	if i := bytes.IndexByte(s, delim); i >= 0 {
		s = s[:i]
	}
	return s
}

// Components is the number of components of a field's repeat; 0 when it is empty or not there.
func (r Record) Components(field, repeat int) int {
	f := r.field(field)
	if !r.defines(field) {
		f = nth(f, r.delims.Repeat, max(1, repeat))
	}
	switch {
	case len(f) == 0:
		return 0
	case r.defines(field):
		return 1
	}
	return bytes.Count(f, []byte{r.delims.Component}) + 1
}

// Text is the record from its letter on: as Raw, without a frame's number before it.
func (r Record) Text() []byte {
	if len(r.raw) == 0 {
		return nil
	}
	return r.raw[r.start:]
}
