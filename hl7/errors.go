package hl7

import "fmt"

// A SyntaxError says where bytes stop being an HL7 message.
type SyntaxError struct {
	Segment string // Name of the segment, "" when there is none.
	Field   int    // Number of the field, 0 when the segment as a whole is meant.
	Offset  int    // Bytes from the beginning of the input.
	Reason  string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("hl7: %s at byte %d: %s", place(e.Segment, e.Field), e.Offset, e.Reason)
}

// A PathError is a path that cannot be read or an element that cannot be written. It never holds the value.
type PathError struct{ Path, Reason string }

func (e *PathError) Error() string { return "hl7: path " + e.Path + ": " + e.Reason }

// A CharsetError is a character, or a character set, that cannot be written.
type CharsetError struct {
	Segment string
	Field   int
	Rune    rune   // 0 when the character set itself is unknown.
	Charset string // As in MSH-18; "" is ASCII.
}

func (e *CharsetError) Error() string {
	name := e.Charset
	if name == "" {
		name = "ASCII (no character set declared)"
	}
	if e.Rune == 0 {
		return "hl7: character set " + name + " is not known"
	}
	return fmt.Sprintf("hl7: %s: character %U cannot be written in %s", place(e.Segment, e.Field), e.Rune, name)
}

func place(segment string, field int) string {
	switch {
	case segment == "":
		return "message"
	case field == 0:
		return segment
	}
	return fmt.Sprintf("%s-%d", segment, field)
}
