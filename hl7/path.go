package hl7

import "strconv"

// level is the depth of an element.
type level int

const (
	levelField level = iota
	levelRepetition
	levelComponent
	levelSub
)

// element is a place in a segment. Zero is "not said"; a repetition that is not said is the first one when a
// component is.
type element struct{ field, repetition, component, sub int }

// depth is the deepest level that the element names.
func (e element) depth() level {
	switch {
	case e.sub > 0:
		return levelSub
	case e.component > 0:
		return levelComponent
	case e.repetition > 0:
		return levelRepetition
	}
	return levelField
}

// number is the position on a level, 1 where it is not said.
func (e element) number(l level) int {
	return max(1, [...]int{e.field, e.repetition, e.component, e.sub}[l])
}

// path is an element of a message.
type path struct {
	segment    string
	occurrence int // From 1.
	element
}

const maxNumber = 99_999 // Positions larger than this are mistakes, and writing one would fill the memory.

// parsePath reads PID-3[2].4.1, OBX(3)-5 and OBX[3]-5. The second result says what is wrong, "" for nothing.
func parsePath(s string) (path, string) {
	if len(s) < 5 {
		return path{}, "too short; an example is PID-3.1"
	}
	p := path{segment: s[:3], occurrence: 1}
	for i := range 3 {
		if !isIDByte(s[i]) {
			return path{}, "a segment name is three upper-case letters or digits"
		}
	}
	rest := s[3:]
	if rest[0] == '(' || rest[0] == '[' {
		n, after := number(rest[1:])
		closing := byte(')')
		if rest[0] == '[' {
			closing = ']'
		}
		if n == 0 || after == "" || after[0] != closing {
			return path{}, "the occurrence of the segment is a number in brackets"
		}
		p.occurrence, rest = n, after[1:]
	}
	if rest == "" || rest[0] != '-' {
		return path{}, "a hyphen follows the segment"
	}
	var why string
	p.element, why = parseElement(rest[1:])
	return p, why
}

// parseElement reads 3[2].4.1.
func parseElement(s string) (element, string) {
	var e element
	var rest string
	if e.field, rest = number(s); e.field == 0 {
		return element{}, "the field is a number from 1"
	}
	if rest != "" && (rest[0] == '[' || rest[0] == '(') {
		closing := byte(']')
		if rest[0] == '(' {
			closing = ')'
		}
		if e.repetition, rest = number(rest[1:]); e.repetition == 0 || rest == "" || rest[0] != closing {
			return element{}, "the repetition is a number in brackets"
		}
		rest = rest[1:]
	}
	for _, at := range []*int{&e.component, &e.sub} {
		if rest == "" {
			return e, ""
		}
		if rest[0] != '.' {
			break
		}
		if *at, rest = number(rest[1:]); *at == 0 {
			return element{}, "a component is a number from 1"
		}
	}
	if rest != "" {
		return element{}, "something follows the subcomponent"
	}
	return e, ""
}

// number reads the digits that s begins with; 0 is none or too many.
func number(s string) (int, string) {
	n, i := 0, 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		if n = n*10 + int(s[i]-'0'); n > maxNumber {
			return 0, s
		}
	}
	return n, s[i:]
}

func (e element) String() string {
	s := strconv.Itoa(e.field)
	if e.repetition > 0 {
		s += "[" + strconv.Itoa(e.repetition) + "]"
	}
	if e.component > 0 {
		s += "." + strconv.Itoa(e.component)
	}
	if e.sub > 0 {
		s += "." + strconv.Itoa(e.sub)
	}
	return s
}

// CheckPath reports what is wrong with a path for [Message.Get]; the error is a *PathError.
func CheckPath(path string) error {
	if _, why := parsePath(path); why != "" {
		return &PathError{Path: path, Reason: why}
	}
	return nil
}
