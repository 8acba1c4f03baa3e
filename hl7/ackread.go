package hl7

import "strings"

// AckInfo is what an acknowledgement says. Responses such as ORR, ORL and RSP carry MSA and are acknowledgements too.
type AckInfo struct {
	Code      Code
	ControlID string // MSA-2: MSH-10 of the message that is answered.
	Text      string // MSA-3, else ERR-8, else the text of the error code.
	ErrorCode string // ERR-3.1, else ERR-1.4, else MSA-6.1; table 0357 or local.
}

// ReadAck reads an acknowledgement. Bytes without MSH, without MSA or with an unknown code are an error, and so never
// taken for a positive answer.
func ReadAck(b []byte) (AckInfo, error) {
	m, err := Parse(b)
	if err != nil {
		return AckInfo{}, err
	}
	if m.nth("MSH", 1) != 0 {
		return AckInfo{}, &SyntaxError{Segment: "MSH", Reason: "the acknowledgement is a batch"}
	}
	msa := m.nth("MSA", 1)
	if msa < 0 {
		return AckInfo{}, &SyntaxError{Segment: "MSA", Offset: len(b), Reason: "the answer has no MSA segment"}
	}
	a := AckInfo{
		Code:      Code(strings.TrimSpace(m.Get("MSA-1"))),
		ControlID: m.Get("MSA-2"),
		Text:      firstOf(m, "MSA-3", "ERR-8", "ERR-3.2", "ERR-1.4.2", "MSA-6.2"),
		ErrorCode: firstOf(m, "ERR-3.1", "ERR-1.4.1", "MSA-6.1"),
	}
	switch a.Code {
	case AA, AE, AR, CA, CE, CR:
		return a, nil
	}
	return AckInfo{}, &SyntaxError{Segment: "MSA", Field: 1, Offset: int(m.segs[msa].start), Reason: "unknown acknowledgement code"}
}

func firstOf(m *Message, paths ...string) string {
	for _, p := range paths {
		if s := m.Get(p); s != "" {
			return s
		}
	}
	return ""
}

// A CorrelationError is why no answer to some bytes could be matched to them, so that none may be positive.
type CorrelationError struct {
	Reason string
	Err    error // The *SyntaxError when the bytes are no message.
}

func (e *CorrelationError) Error() string {
	if e.Err != nil {
		return "hl7: cannot be acknowledged: " + e.Err.Error()
	}
	return "hl7: cannot be acknowledged: " + e.Reason
}

func (e *CorrelationError) Unwrap() error { return e.Err }

// Correlatable reports why a sender could not match an acknowledgement of these bytes: no MSH, more than one, no
// MSH-10, a batch. Nil means that it could. The error is a *CorrelationError.
func Correlatable(in []byte) error {
	m, err := Parse(in)
	if err != nil {
		return &CorrelationError{Reason: "not a message", Err: err}
	}
	return m.Correlatable()
}

// Correlatable is the function of that name for a parsed message.
func (m *Message) Correlatable() error {
	switch {
	case m.nth("FHS", 1) >= 0 || m.nth("BHS", 1) >= 0:
		return &CorrelationError{Reason: "it is a batch"}
	case m.nth("MSH", 1) != 0:
		return &CorrelationError{Reason: "it does not begin with MSH"}
	case m.nth("MSH", 2) >= 0:
		return &CorrelationError{Reason: "it holds more than one message"}
	case m.value(0, element{field: 10}).Kind() != Text:
		return &CorrelationError{Reason: "MSH-10 is empty"}
	}
	return nil
}
