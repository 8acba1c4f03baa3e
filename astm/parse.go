package astm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Charset is how the bytes of a text are read.
type Charset uint8

// The character sets.
const (
	Detect Charset = iota // UTF-8 where a whole message is valid UTF-8, else ISO 8859-1. Written: ISO 8859-1.
	Latin1                // ISO 8859-1, as the standard says [LIS02 6.1].
	UTF8
)

// Options say how a text is read and written; the zero value is right for nearly all analyzers.
type Options struct {
	Charset Charset
}

// Message is a message from its header to its terminator.
type Message struct {
	Records    []Record
	Problems   []Problem
	Terminated bool // It has its terminator record; a message without one was broken off [LIS02 12].
	lead       []byte
}

// Problem is something that is not as the standard says.
type Problem struct {
	Record int // The record's index in its message.
	Reason string
}

func (p Problem) String() string { return fmt.Sprintf("record %d: %s", p.Record+1, p.Reason) }

// SyntaxError says that a text holds no records at all.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason) }

// Parse reads the joined text of frames, or a file of records. Records end with CR [LIS02 5.3]; CR LF and LF are read
// too. A text may hold several messages. The error is a *SyntaxError, for a text without any record.
func Parse(text []byte) ([]*Message, error) { return Options{}.Parse(text) }

// Parse reads a text as Parse does, by the options.
func (o Options) Parse(text []byte) ([]*Message, error) {
	p := &parser{delims: DefaultDelimiters()}
	text = bytes.Clone(text)
	for len(text) > 0 {
		line, rest := cut(text)
		p.take(line, string(text[len(line):len(text)-len(rest)]))
		text = rest
	}
	if p.known == 0 {
		return nil, &SyntaxError{Reason: "no record begins with a letter of the standard"}
	}
	for _, m := range p.messages {
		m.settleCharset(o.Charset)
	}
	return p.messages, nil
}

// Bytes is the message as it was written.
func (m *Message) Bytes() []byte {
	out := bytes.Clone(m.lead)
	for _, r := range m.Records {
		out = append(append(out, r.raw...), r.end...)
	}
	return out
}

// cut parts the first record from what follows; the CRs and LFs in between belong to neither.
func cut(text []byte) (line, rest []byte) {
	i := bytes.IndexAny(text, "\r\n")
	if i < 0 {
		return text, nil
	}
	return text[:i], bytes.TrimLeft(text[i:], "\r\n")
}

// letters are the record types of the standard.
const letters = "HPORCQLSM"

type parser struct {
	messages []*Message
	delims   Delimiters
	known    int
}

// take adds one record to the message it belongs to.
func (p *parser) take(line []byte, end string) {
	r := Record{raw: line, end: end, start: letterAt(line)}
	kind := r.Type()
	if kind != 0 && strings.IndexByte(letters, kind) >= 0 && !isWord(line[r.start:]) {
		p.known++
	}
	m := p.message(kind)
	if len(line) == 0 {
		m.blank(end)
		return
	}
	if kind == 'H' {
		p.header(m, line[r.start:])
	}
	r.delims = p.delims
	m.judge(r)
	m.Records = append(m.Records, r)
	m.Terminated = m.Terminated || kind == 'L'
}

// message is the one that a record of this type belongs to.
func (p *parser) message(kind byte) *Message {
	if n := len(p.messages); n > 0 {
		last := p.messages[n-1]
		open := !last.Terminated || kind == 0
		if open && (kind != 'H' || !last.begun()) {
			return last
		}
	}
	p.delims = DefaultDelimiters() // They hold for one message only [LIS02 5.4.7].
	p.messages = append(p.messages, &Message{})
	return p.messages[len(p.messages)-1]
}

// begun tells whether there is a record; remarks before the header are none.
func (m *Message) begun() bool {
	return slices.ContainsFunc(m.Records, func(r Record) bool { return r.Type() != 0 })
}

func (p *parser) header(m *Message, from []byte) {
	var ok bool
	if p.delims, ok = headerDelimiters(from); !ok {
		m.problem("the header defines no delimiters; the usual ones are assumed")
	}
}

// blank keeps the ends of lines that hold nothing.
func (m *Message) blank(end string) {
	if n := len(m.Records); n > 0 {
		m.Records[n-1].end += end
		return
	}
	m.lead = append(m.lead, end...)
}

func (m *Message) problem(reason string) {
	m.Problems = append(m.Problems, Problem{Record: len(m.Records), Reason: reason})
}

// judge notes what is wrong with a record that is about to be added.
func (m *Message) judge(r Record) {
	kind := r.Type()
	switch {
	case kind == 0:
		m.problem("it does not begin with a letter")
	case strings.IndexByte(letters, kind) < 0:
		m.problem(fmt.Sprintf("%q is no record type of the standard", kind))
	}
	if kind != 0 && kind != 'H' && !m.begun() {
		m.problem("the message has no header; the usual delimiters are assumed")
	}
	if r.start > 0 {
		m.problem("a frame's number stands before the letter")
	}
	if bytes.ContainsFunc(r.raw, forbidden) {
		m.problem("it holds a control character") // [LIS02 6.1].
	}
}

// settleCharset decides how the message's text is read.
func (m *Message) settleCharset(set Charset) {
	latin1 := set == Latin1
	for i := 0; set == Detect && i < len(m.Records) && !latin1; i++ {
		latin1 = !utf8.Valid(m.Records[i].raw)
	}
	for i := range m.Records {
		m.Records[i].latin1 = latin1
	}
	if !m.Terminated {
		m.Problems = append(m.Problems, Problem{Record: len(m.Records), Reason: "the message has no terminator"})
	}
}

// letterAt is where a record's letter is: first, or after the one digit that loggers leave of a frame.
func letterAt(line []byte) int {
	if len(line) > 1 && line[0] >= '0' && line[0] <= '7' && isLetter(line[1]) && !isWord(line[1:]) {
		return 1
	}
	return 0
}

// isWord tells whether a record begins like text rather than with a letter of its own.
func isWord(line []byte) bool { return len(line) > 1 && (isLetter(line[1]) || isDigit(line[1])) }

// forbidden are the control characters that no record may hold [LIS02 6.1].
func forbidden(c rune) bool {
	return c < ' ' && c != '\a' && c != '\t' && c != '\v' && c != '\f' || c == 0x7F
}
