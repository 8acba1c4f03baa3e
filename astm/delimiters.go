package astm

// Delimiters are the characters that part a message's fields. A zero Escape means that the message has none.
type Delimiters struct {
	Field, Repeat, Component, Escape byte
}

// DefaultDelimiters are those that the standard proposes [LIS02 5.4.7].
func DefaultDelimiters() Delimiters {
	return Delimiters{Field: '|', Repeat: '\\', Component: '^', Escape: '&'}
}

// definition is field 2 of the header.
func (d Delimiters) definition() string {
	s := string([]byte{d.Repeat, d.Component})
	if d.Escape != 0 {
		s += string([]byte{d.Escape})
	}
	return s
}

// valid tells whether the delimiters are four printable characters, none of them a letter, a digit or another's.
func (d Delimiters) valid() bool {
	seen := map[byte]bool{}
	for _, c := range []byte{d.Field, d.Repeat, d.Component, d.Escape} {
		if c == 0 {
			continue
		}
		if c <= ' ' || c > '~' || isLetter(c) || isDigit(c) || seen[c] {
			return false
		}
		seen[c] = true
	}
	return d.Field != 0 && d.Repeat != 0 && d.Component != 0
}

// headerDelimiters reads the delimiters out of a header from its letter on [LIS02 5.4.7]. The definition may be cut
// short: some analyzers declare no escape.
func headerDelimiters(h []byte) (Delimiters, bool) {
	if len(h) < 2 {
		return DefaultDelimiters(), false
	}
	d := Delimiters{Field: h[1]}
	for i, at := range []*byte{&d.Repeat, &d.Component, &d.Escape} {
		if 2+i >= len(h) || h[2+i] == d.Field {
			break
		}
		*at = h[2+i]
	}
	if !d.valid() {
		return DefaultDelimiters(), false
	}
	return d, true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
