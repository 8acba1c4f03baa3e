package hl7_test

import (
	"errors"
	"strings"
	"testing"

	"rorpost/hl7"
)

func TestSet(t *testing.T) {
	for _, c := range []struct{ path, text, want string }{
		{"PID-2", "x", "PID|1|x|A^B~C|\r"},
		{"PID-3.2", "x", "PID|1||A^x~C|\r"},
		{"PID-3", "x", "PID|1||x|\r"},
		{"PID-3[2].4.2", "x|y", "PID|1||A^B~C^^^&x\\F\\y|\r"},
		{"PID-3[4]", "x", "PID|1||A^B~C~~x|\r"},
		{"PID-6", "a\nb\r", "PID|1||A^B~C|||a\\.br\\b\\X0D\\\r"},
		{"PID-6", "", "PID|1||A^B~C|\r"},
		{"PID-3.1", "", "PID|1||^B~C|\r"},
		{"PID-4", `""`, "PID|1||A^B~C|\\X22\\\\X22\\\r"},
		{"MSH-5", "R", "PID|1||A^B~C|\r"},
	} {
		m := parse(t, "MSH|^~\\&|A\rPID|1||A^B~C|\rZZZ|1\r")
		if err := m.Set(c.path, c.text); err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if got := string(m.Bytes()); !strings.Contains(got, c.want) || !strings.HasSuffix(got, "ZZZ|1\r") {
			t.Errorf("%s: got %q, want %q", c.path, got, c.want)
		}
		if got := m.Get(c.path); got != c.text {
			t.Errorf("%s: read back %q, want %q", c.path, got, c.text)
		}
	}
}

func TestSetRefusesWhatWouldBreakTheMessage(t *testing.T) {
	m := parse(t, oru)
	for path, raw := range map[string]string{
		"PID-3": "a|b", "PID-3[1]": "a~b", "PID-3.1": "a^b", "PID-3.1.1": "a&b", "PID-5": "a\rb",
		"MSH-1": "#", "MSH-2": "x", "NK1-1": "x", "PID": "x", "PID-0": "x", "PID-100000": "x",
	} {
		var e *hl7.PathError
		if err := m.SetRaw(path, []byte(raw)); !errors.As(err, &e) {
			t.Errorf("%s to %q: got %v", path, raw, err)
		}
	}
	if string(m.Bytes()) != oru {
		t.Error("a refused edit changed the message")
	}
	if err := m.SetRaw("PID-7", []byte(`""`)); err != nil || m.Value("PID-7").Kind() != hl7.Null {
		t.Errorf("null: got %v, %v", m.Value("PID-7").Kind(), err)
	}
}

// TestP6_SetLeavesTheInputAlone: the bytes given to Parse may be the only copy.
func TestP6_SetLeavesTheInputAlone(t *testing.T) {
	in := []byte(oru)
	m, err := hl7.Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"PID-5.1", "MSH-10", "OBX(2)-14", "PID-3"} {
		if err := m.Set(path, "something else"); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Remove(2); err != nil {
		t.Fatal(err)
	}
	if string(in) != oru {
		t.Error("the input changed")
	}
}

func TestInsertAndRemove(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"CR":            {"MSH|^~\\&|A\rPID|1\r", "MSH|^~\\&|A\rZZZ|x\rZZZ|x\r"},
		"CRLF":          {"MSH|^~\\&|A\r\nPID|1\r\n", "MSH|^~\\&|A\r\nZZZ|x\r\nZZZ|x\r\n"},
		"no terminator": {"MSH|^~\\&|A\rPID|1", "MSH|^~\\&|A\rZZZ|x\rZZZ|x"},
		"delimiters":    {"MSH#*+!%#A\nPID#1\n", "MSH#*+!%#A\nZZZ#x\nZZZ#x\n"},
	} {
		m := parse(t, c.in)
		z := hl7.NewSegment("ZZZ").Set("1", "x")
		for _, err := range []error{m.Insert(2, z), m.Insert(1, z), m.Remove(2)} {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if got := string(m.Bytes()); got != c.want || len(m.Segments()) != 3 || m.Get("ZZZ(2)-1") != "x" {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if m.Remove(0) == nil || m.Remove(3) == nil || m.Insert(0, z) == nil {
			t.Errorf("%s: the header can be removed or displaced", name)
		}
	}
}

func TestBuild(t *testing.T) {
	m, err := hl7.Build(hl7.Header{
		SendingApplication: "RP^1.2^ISO", ReceivingFacility: "LAB", Time: "20260115103000+0100", Type: "ORM", Event: "O01",
		Structure: "ORM_O01", ControlID: "K1", ProcessingID: "T", Version: "2.5.1", Charset: "8859/1",
	}, hl7.NewSegment("PID").Set("5.2", "Tyra").Set("3[2].4.2", "2").Set("3.1", "1").Set("5.1", "Å|").Set("7", "").SetRaw("8", `""`))
	if err != nil {
		t.Fatal(err)
	}
	want := "MSH|^~\\&|RP^1.2^ISO|||LAB|20260115103000+0100||ORM^O01^ORM_O01|K1|T|2.5.1||||||8859/1\r" +
		"PID|||1~^^^&2||\xc5\\F\\^Tyra|||\"\"\r"
	if got := string(m.Bytes()); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestBuildRefuses(t *testing.T) {
	h := hl7.Header{Type: "ORM", ControlID: "1"}
	var p *hl7.PathError
	var c *hl7.CharsetError
	for name, err := range map[string]error{
		"path":    second(hl7.Build(h, hl7.NewSegment("PID").Set("x", "1"))),
		"name":    second(hl7.Build(h, hl7.NewSegment("pid"))),
		"header":  second(hl7.Build(h, hl7.NewSegment("MSH"))),
		"type":    second(hl7.Build(hl7.Header{ControlID: "1"})),
		"control": second(hl7.Build(hl7.Header{Type: "ORM"})),
		"raw":     second(hl7.Build(h, hl7.NewSegment("PID").SetRaw("3", "a|b"))),
	} {
		if !errors.As(err, &p) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	err := second(hl7.Build(h, hl7.NewSegment("PID").Set("5.1", "Åsa")))
	if !errors.As(err, &c) || c.Segment != "PID" || c.Field != 5 || c.Rune != 'Å' {
		t.Errorf("undeclared: got %v", err)
	}
	h.Charset = "KLINGON"
	if err := second(hl7.Build(h)); !errors.As(err, &c) || c.Rune != 0 {
		t.Errorf("unknown set: got %v", err)
	}
}

func second(_ *hl7.Message, err error) error { return err }
