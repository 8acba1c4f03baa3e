package hl7_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"rorpost/hl7"
)

const (
	ack = "MSH|^~\\&|LAB|U|RP|U|20260115103000+0100||ACK^R01^ACK|A1|P|2.5.1\rMSA|AA|C1\r"
	oru = "MSH|^~\\&|LAB^1.2.3^ISO|U|RP|U|20260115103000+0100||ORU^R01^ORU_R01|C1|P|2.5.1|||||SWE|UNICODE UTF-8\r" +
		"PID|1||198501012382^^^&1.2.752.129.2.1.3.1&ISO^NI~X9^^^LAB^PI||Test^Tyra||19850101|F\r" +
		"OBR|1|P1|F1|HBA1C^HbA1c^L|||20260115090000\r" +
		"OBX|1|NM|HBA1C^HbA1c^L||42|mmol/mol|20-42||||F\r" +
		"OBX|2|ST|COM^Comment^L||a\\F\\b\\S\\c||\"\"|||||F\r"
)

func itoa(n int) string { return strconv.Itoa(n) }

func parse(t testing.TB, s string) *hl7.Message {
	t.Helper()
	m, err := hl7.Parse([]byte(s))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return m
}

func TestValue(t *testing.T) {
	m := parse(t, oru)
	for _, c := range []struct {
		path string
		kind hl7.Kind
		text string
	}{
		{"MSH-1", hl7.Text, "|"},
		{"MSH-2", hl7.Text, `^~\&`},
		{"MSH-3", hl7.Text, "LAB^1.2.3^ISO"},
		{"MSH-3.2", hl7.Text, "1.2.3"},
		{"PID-3.1", hl7.Text, "198501012382"},
		{"PID-3[1].4.2", hl7.Text, "1.2.752.129.2.1.3.1"},
		{"PID-3[2].1", hl7.Text, "X9"},
		{"PID-3[2].1.1", hl7.Text, "X9"},
		{"PID-3[2].1.2", hl7.Absent, ""},
		{"PID-3[3]", hl7.Absent, ""},
		{"PID-2", hl7.Empty, ""},
		{"PID-40", hl7.Absent, ""},
		{"OBX-5", hl7.Text, "42"},
		{"OBX(2)-5", hl7.Text, "a|b^c"},
		{"OBX[2]-5.1", hl7.Text, "a|b^c"},
		{"OBX(2)-7", hl7.Null, ""},
		{"OBX(2)-7.1", hl7.Null, ""},
		{"OBX(3)-5", hl7.Absent, ""},
		{"ZZZ-1", hl7.Absent, ""},
		{"nonsense", hl7.Absent, ""},
	} {
		if v := m.Value(c.path); v.Kind() != c.kind || v.Text() != c.text {
			t.Errorf("%s: got %v %q, want %v %q", c.path, v.Kind(), v.Text(), c.kind, c.text)
		}
	}
	pid := m.Find("PID")[0]
	if pid.Reps(3) != 2 || pid.Reps(2) != 0 || pid.Fields() != 8 || pid.Index() != 1 || pid.Get("5.2") != "Tyra" {
		t.Errorf("PID: got %d, %d repetitions, %d fields, index %d", pid.Reps(3), pid.Reps(2), pid.Fields(), pid.Index())
	}
}

func TestTerminators(t *testing.T) {
	for name, c := range map[string]struct {
		in       string
		segments int
		code     hl7.WarningCode
	}{
		"CR":               {"MSH|^~\\&|A\rPID|1\r", 2, ""},
		"LF":               {"MSH|^~\\&|A\nPID|1\n", 2, hl7.WarnTerminator},
		"CRLF":             {"MSH|^~\\&|A\r\nPID|1\r\n", 2, hl7.WarnTerminator},
		"missing":          {"MSH|^~\\&|A\rPID|1", 2, hl7.WarnTerminator},
		"lone LF is data":  {"MSH|^~\\&|A\rOBX|1|a\nb|c\rOBX|2\r", 3, hl7.WarnLineFeed},
		"mostly LF":        {"MSH|^~\\&|A\nPID|1\r\nOBR|1\nOBX|1\n", 4, hl7.WarnTerminator},
		"blank lines":      {"MSH|^~\\&|A\r\n\r\nPID|1\r\n\n", 2, hl7.WarnBlankLine},
		"framed":           {"\x0bMSH|^~\\&|A\rPID|1\r\x1c\r", 2, hl7.WarnLeading},
		"byte order mark":  {"\xef\xbb\xbfMSH|^~\\&|A\rPID|1\r", 2, hl7.WarnLeading},
		"indented segment": {"MSH|^~\\&|A\r\tPID|1\r", 2, hl7.WarnBlankLine},
		"broken field":     {"MSH|^~\\&|A\rOBX|1|one\rline two|x\r", 3, hl7.WarnName},
	} {
		t.Run(name, func(t *testing.T) {
			m := parse(t, c.in)
			if got := len(m.Segments()); got != c.segments {
				t.Errorf("segments: got %d, want %d", got, c.segments)
			}
			if string(m.Bytes()) != c.in {
				t.Errorf("bytes: got %q", m.Bytes())
			}
			has := c.code == "" && len(m.Warnings()) == 0
			for _, w := range m.Warnings() {
				has = has || w.Code == c.code
			}
			_ = m.Get("PID-1")
			if w := m.Warnings(); !has && c.code != "" {
				t.Errorf("warnings: got %v, want %v", w, c.code)
			}
		})
	}
}

func TestSyntaxError(t *testing.T) {
	for in, want := range map[string]hl7.SyntaxError{
		"":               {Offset: 0},
		"\x0b\r\n":       {Offset: 3},
		"MSA|AA|C1\r":    {Offset: 0},
		"HELLO WORLD":    {Offset: 0},
		"\nMSH\rPID|1\r": {Segment: "MSH", Field: 1, Offset: 4},
		"MSHA^~\\&|":     {Segment: "MSH", Field: 1, Offset: 3},
	} {
		_, err := hl7.Parse([]byte(in))
		var e *hl7.SyntaxError
		if !errors.As(err, &e) || e.Segment != want.Segment || e.Field != want.Field || e.Offset != want.Offset {
			t.Errorf("%q: got %v", in, err)
		}
	}
	if _, err := (hl7.Options{MaxBytes: 10}).Parse([]byte(ack)); err == nil {
		t.Error("a message over the limit of bytes: got no error")
	}
	if _, err := (hl7.Options{MaxSegments: 1}).Parse([]byte(ack)); err == nil {
		t.Error("a message over the limit of segments: got no error")
	}
}

func TestEscapes(t *testing.T) {
	for _, c := range []struct{ header, raw, want string }{
		{`MSH|^~\&|`, `a\F\b\S\c\R\d\T\e\E\f`, `a|b^c~d&e\f`},
		{`MSH|^~\&|`, `\X41\\X0d0A\`, "A\r\n"},
		{`MSH|^~\&|`, `one\.br\two`, "one\ntwo"},
		{`MSH|^~\&|`, `\H\F\N\`, `\H\F\N\`},
		{`MSH|^~\&|`, `\.sp 2\\.in+4\\Zlocal\\C2842\`, `\.sp 2\\.in+4\\Zlocal\\C2842\`},
		{`MSH|^~\&|`, `C:\dir\file.txt`, `C:\dir\file.txt`},
		{`MSH|^~\&|`, `\E\R\`, `\R\`},
		{`MSH|^~\&|`, `\P\ \X4\ \XZZ\ \`, `\P\ \X4\ \XZZ\ \`},
		{`MSH|^~\&#|`, `1234\P\`, "1234#"},
		{`MSH#*+!%#`, `x!F!y!S!z`, "x#y*z"},
		{`MSH#*+!%#`, `a|b^c\F\`, `a|b^c\F\`},
		{`MSH|^~|`, `a\F\b&c`, `a\F\b&c`},
	} {
		sep := c.header[3:4]
		m := parse(t, c.header+"A\rOBX"+sep+c.raw+sep+"\r")
		if got := m.Get("OBX-1"); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.header, c.raw, got, c.want)
		}
	}
}

func TestDelimitersNeverMeetNUL(t *testing.T) {
	m := parse(t, "MSH|^|A\rOBX|a\x00b~c&d\r")
	if got := m.Get("OBX-1[1].1.1"); got != "a\x00b~c&d" {
		t.Errorf("got %q", got)
	}
	if err := m.Set("OBX-1[2]", "x"); err == nil {
		t.Error("a repetition without a delimiter for it: got no error")
	}
}

func TestWarningsHoldNoValues(t *testing.T) {
	m := parse(t, "MSH|^~\\&|A\rPID|198501012382\nx|\x00\r198501012382 text\r")
	for _, w := range m.Warnings() {
		if strings.Contains(w.String(), "1985") {
			t.Errorf("a value in %q", w)
		}
	}
}
