package outbox

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"rorpost/gateway/store"
	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

const unreachableHint = "check that the receiver runs and that the network reaches it; everything waits here and is sent by itself"

// classifyMLLP says what an answer, or the lack of one, means [HL7 2.5.1 2.9.2]. It is the only place that does.
func classifyMLLP(a mllp.Answer, err error, p Policy) verdict {
	var dial *mllp.DialError
	var unfit *mllp.MessageError
	switch {
	case errors.As(err, &unfit):
		return verdict{class: store.ClassPark, detail: err.Error(), hint: "tell lab IT; this message was written wrongly, and sending it again will not help"}
	case errors.As(err, &dial):
		return verdict{class: store.ClassRetry, down: true, detail: err.Error(), hint: unreachableHint}
	case err != nil:
		return verdict{
			class: store.ClassUnconfirmed, down: true, detail: "sent, but not confirmed: " + reason(err),
			hint: "it is sent again with the same message id, which the receiver can tell from a new one",
		}
	}
	if a.Raw == nil {
		return verdict{class: store.ClassDelivered, detail: "sent; the message asks for no answer (MSH-15, MSH-16)"}
	}
	v := verdict{answer: a.Raw, detail: saysMLLP(a.Info)}
	do := DoPark
	switch a.Info.Code {
	case hl7.AA, hl7.CA:
		v.class = store.ClassDelivered
		return v
	case hl7.AE, hl7.CE:
		do, v.nack = p.OnAE, true
	case hl7.AR, hl7.CR:
		do = p.OnAR
	}
	if v.class = store.ClassPark; do == DoRetry {
		v.class = store.ClassRetry
	}
	v.hint = "the receiver refused it; ask its support what is wrong with it, then release or reject it here"
	if v.class == store.ClassRetry {
		v.hint = "the receiver could not take it; it is sent again by itself"
	}
	return v
}

// saysMLLP puts an acknowledgement into words.
func saysMLLP(a hl7.AckInfo) string {
	s := "answered " + string(a.Code)
	if a.Code == "" {
		s = "answered without an acknowledgement code"
	}
	if a.ErrorCode != "" {
		s += " (error " + discreet(a.ErrorCode) + ")"
	}
	if a.Text != "" {
		s += ": " + discreet(a.Text)
	}
	return s
}

// reason puts an error of the client into words, whether or not the context ended meanwhile.
func reason(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the gateway was stopped before an answer came"
	}
	return err.Error()
}

const saidMax = 200 // Bytes of a peer's own words that are kept.

// numberLike is what could be a personal number: six digits or more, with or without separators in them.
var numberLike = regexp.MustCompile(`\d(?:[-+ \x{2010}-\x{2015}]?\d){5,}`)

// discreet returns a peer's own words without anything that could be a personal number: peers copy what they refuse
// into their answers.
func discreet(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return clip(numberLike.ReplaceAllString(text, "(number)"))
}

func clip(s string) string {
	if len(s) <= saidMax {
		return s
	}
	n := saidMax
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
