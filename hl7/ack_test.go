package hl7_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"rorpost/hl7"
)

func TestAck(t *testing.T) {
	at := time.Date(2026, 1, 15, 10, 30, 0, 0, time.FixedZone("", 3600))
	missing := []hl7.ErrorDetail{{Segment: "PID", Field: 5, Code: "101", Text: "no name"}}
	for name, c := range map[string]struct {
		in   string
		r    hl7.Reply
		want string
	}{
		"2.5.1": {"MSH|^~\\&|A^1.2^ISO|B|C|D^^X|20260101||ORU^R01^ORU_R01|C1|P|2.5.1\r",
			hl7.Reply{Code: hl7.AA, ControlID: "K1", Time: at},
			"MSH|^~\\&|C|D^^X|A^1.2^ISO|B|20260115103000+0100||ACK^R01^ACK|K1|P|2.5.1\rMSA|AA|C1\r"},
		"2.3.1": {"MSH|^~\\&|A|B|C|D|||ORU^R01|C1|P|2.3.1\r", hl7.Reply{Code: hl7.AA, ControlID: "K1"},
			"MSH|^~\\&|C|D|A|B|||ACK^R01|K1|P|2.3.1\rMSA|AA|C1\r"},
		"2.3 with an error": {"MSH|^~\\&|A|B|C|D|||ORU^R01|C1|P|2.3\r", hl7.Reply{Code: hl7.AE, ControlID: "K1", Errors: missing},
			"MSH|^~\\&|C|D|A|B|||ACK|K1|P|2.3\rMSA|AE|C1|no name\rERR|PID^1^5^101\r"},
		"2.5 with an error": {"MSH|^~\\&|A|B|C|D|||ORU^R01|C1|P|2.5\r", hl7.Reply{Code: hl7.AE, ControlID: "K1", Text: "bad | text\r", Errors: missing},
			"MSH|^~\\&|C|D|A|B|||ACK^R01^ACK|K1|P|2.5\rMSA|AE|C1|bad \\F\\ text\\X0D\\\rERR||PID^1^5^1|101^required field missing^HL70357|E||||no name\r"},
		"2.7 has no MSA-3": {"MSH|^~\\&|A|B|C|D|||ORU^R01|C1|P|2.7\r", hl7.Reply{Code: hl7.AR, ControlID: "K1", Text: "no"},
			"MSH|^~\\&|C|D|A|B|||ACK^R01^ACK|K1|P|2.7\rMSA|AR|C1\rERR|||207^application internal error^HL70357|E||||no\r"},
		"control id verbatim": {"MSH|^~\\&|A|B|C|D|||ORU^R01|ID\\T\\1 x |P|2.5\r", hl7.Reply{Code: hl7.CA, ControlID: "K1"},
			"MSH|^~\\&|C|D|A|B|||ACK^R01^ACK|K1|P|2.5\rMSA|CA|ID\\T\\1 x \r"},
		"delimiters": {"MSH#*+!%#A*1#B#C#D###ORU*R01#C1#P#2.5\r", hl7.Reply{Code: hl7.AE, ControlID: "K1", Text: "a#b|c"},
			"MSH#*+!%#C#D#A*1#B###ACK*R01*ACK#K1#P#2.5\rMSA#AE#C1#a!F!b|c\r"},
		"application answer in enhanced mode": {"MSH|^~\\&|A|B|C|D|||OML^O21|C1|P|2.5|||AL|AL\r", hl7.Reply{Code: hl7.AA, ControlID: "K1"},
			"MSH|^~\\&|C|D|A|B|||ACK^O21^ACK|K1|P|2.5|||NE|NE\rMSA|AA|C1\r"},
		"character set": {"MSH|^~\\&|\xd6|B|C|D|||ORU^R30|C1|P|2.5||||||8859/1\r", hl7.Reply{Code: hl7.AA, ControlID: "K1", Text: "Å Ł"},
			"MSH|^~\\&|C|D|\xd6|B|||ACK^R33^ACK|K1|P|2.5||||||8859/1\rMSA|AA|C1|\xc5 ?\r"},
		"no version": {"MSH|^~\\&|A|B|C|D|||ORU^R01|C1|P\r", hl7.Reply{Code: hl7.AA, ControlID: "K1"},
			"MSH|^~\\&|C|D|A|B|||ACK^R01^ACK|K1|P|2.5.1\rMSA|AA|C1\r"},
	} {
		if got := string(hl7.Ack(parse(t, c.in), c.r)); got != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}

func TestAckPlan(t *testing.T) {
	type codes = []hl7.Code
	for _, c := range []struct {
		accept, application      string
		ok, notKept, notAccepted codes // Kept and processed; not kept; kept but not processed.
	}{
		{"", "", codes{hl7.AA}, codes{hl7.AR}, codes{hl7.AE}},
		{"", "2", codes{hl7.AA}, codes{hl7.AR}, codes{hl7.AE}}, // An analyzer's mark for controls.
		{"AL", "NE", codes{hl7.CA}, codes{hl7.CE}, codes{hl7.CA}},
		{"AL", "", codes{hl7.CA}, codes{hl7.CE}, codes{hl7.CA}},
		{"AL", "AL", codes{hl7.CA, hl7.AA}, codes{hl7.CE}, codes{hl7.CA, hl7.AE}},
		{"NE", "AL", codes{hl7.AA}, codes{hl7.AR}, codes{hl7.AE}},
		{"ER", "AL", codes{hl7.AA}, codes{hl7.CE}, codes{hl7.AE}},
		{"ER", "ER", nil, codes{hl7.CE}, codes{hl7.AE}},
		{"SU", "SU", codes{hl7.CA, hl7.AA}, nil, codes{hl7.CA}},
		{"NE", "NE", nil, nil, nil},
	} {
		for _, x := range []struct {
			kept, processed bool
			want            codes
		}{{true, true, c.ok}, {false, false, c.notKept}, {true, false, c.notAccepted}} {
			if got := hl7.AckPlan(c.accept, c.application, x.kept, x.processed); !slices.Equal(got, x.want) {
				t.Errorf("%q/%q kept %v processed %v: got %v, want %v", c.accept, c.application, x.kept, x.processed, got, x.want)
			}
		}
	}
}

// TestP1_NothingUncorrelatableIsPositive lists what no sender could match an answer to.
func TestP1_NothingUncorrelatableIsPositive(t *testing.T) {
	for name, in := range map[string]string{
		"no MSH":        "MSA|AA|C1\r",
		"garbage":       "HELLO WORLD",
		"no control id": "MSH|^~\\&|A|B|C|D|||ORU^R01||P|2.5\r",
		"null id":       "MSH|^~\\&|A|B|C|D|||ORU^R01|\"\"|P|2.5\r",
		"two messages":  ack + ack,
		"batch":         "FHS|^~\\&\rBHS|^~\\&\r" + ack + "BTS|1\r",
	} {
		var e *hl7.CorrelationError
		if err := hl7.Correlatable([]byte(in)); !errors.As(err, &e) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := hl7.Correlatable([]byte(oru)); err != nil {
		t.Errorf("a sound message: got %v", err)
	}
}

func TestReadAck(t *testing.T) {
	for in, want := range map[string]hl7.AckInfo{
		ack: {Code: hl7.AA, ControlID: "C1"},
		"MSH|^~\\&|A\rMSA|AE|C1|no\rERR|PID^1^5^101\r":                        {Code: hl7.AE, ControlID: "C1", Text: "no", ErrorCode: "101"},
		"MSH|^~\\&|A\rMSA|CR|C1\rERR||PID^1^5|200^x^HL70357|E||||sorry\r":     {Code: hl7.CR, ControlID: "C1", Text: "sorry", ErrorCode: "200"},
		"MSH|^~\\&|A\rMSA|AR|C\\T\\1|||| 207^internal\rERR|^^^207&internal\r": {Code: hl7.AR, ControlID: "C&1", Text: "internal", ErrorCode: "207"},
	} {
		if got, err := hl7.ReadAck([]byte(in)); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"MSA|AA|C1\r", "MSH|^~\\&|A\r", "MSH|^~\\&|A\rMSA|OK|C1\r", "MSH|^~\\&|A\rMSA||C1\r", "OK", "BHS|^~\\&\r" + ack} {
		if a, err := hl7.ReadAck([]byte(in)); err == nil {
			t.Errorf("%q: got %+v, want an error", in, a)
		}
	}
}
