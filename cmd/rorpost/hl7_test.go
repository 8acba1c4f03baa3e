package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rorpost/hl7/mllp"
)

const hl7Sample = "MSH|^~\\&|LAB|U|RP|U|20260115||ORU^R01^ORU_R01|C1|P|2.5.1\r" +
	"PID|1||198501012382^^^&1.2.3&ISO~X||Test^Tyra||\"\"\rOBX|1|ST|A^B||a\\F\\b\x07||||||F\rOBX|2|NM|C||1\r"

func hl7Run(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	c := newHL7Command()
	var out bytes.Buffer
	c.SetIn(strings.NewReader(in))
	c.SetOut(&out)
	c.SetErr(&bytes.Buffer{})
	c.SetArgs(args)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestHL7Show(t *testing.T) {
	out, err := hl7Run(t, hl7Sample, "show", "--mask", "-")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"OBX(1)-5", `a|b\a`, "OBX(2)-3", "PID-3[1].4.2", "(masked)"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	for _, never := range []string{"198501012382", "Tyra", "\a"} {
		if strings.Contains(out, never) {
			t.Errorf("%q is shown", never)
		}
	}
}

func TestHL7JSON(t *testing.T) {
	out, err := hl7Run(t, hl7Sample, "json")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"name":"MSH","fields":["|","^~\\&","LAB"`, `[["198501012382","","",["","1.2.3","ISO"]],"X"]`, `[["Test","Tyra"]],"",null]`, `"a|b\u0007"`, `"problems":[{`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing in\n%s", want, out)
		}
	}
	if out, err = hl7Run(t, "no message", "json"); err == nil || !json.Valid([]byte(out)) || !strings.Contains(out, `{"segments":[],"problems":[{"code":"syntax"`) {
		t.Errorf("garbage: got %s, %v", out, err)
	}
}

func TestHL7Get(t *testing.T) {
	for path, want := range map[string]string{"PID-3[1].1": "198501012382\n", "OBX(2)-5": "1\n", "PID-7": "\"\"\n"} {
		if out, err := hl7Run(t, hl7Sample, "get", path); err != nil || out != want {
			t.Errorf("%s: got %q, %v", path, out, err)
		}
	}
	if _, err := hl7Run(t, hl7Sample, "get", "ZZZ-1"); err == nil {
		t.Error("an absent value: got no error")
	}
}

// TestP6_HL7FormatKeepsBytes: what is between messages is kept too, and what cannot be read.
func TestP6_HL7FormatKeepsBytes(t *testing.T) {
	batch := "FHS|^~\\&\r\n\x0b" + hl7Sample + "\x1c\r" + hl7Sample + "\nFTS|1\r"
	if out, err := hl7Run(t, batch, "fmt"); err != nil || out != batch {
		t.Errorf("got %q, %v", out, err)
	}
	if out, err := hl7Run(t, "no message", "fmt"); err == nil || out != "no message" {
		t.Errorf("garbage: got %q, %v", out, err)
	}
	out, err := hl7Run(t, batch, "fmt", "--set", "PID-5.1=Å&B", "--charset", "8859/1")
	want := strings.ReplaceAll(strings.ReplaceAll(batch, "Test", "\xc5\\T\\B"), "2.5.1\r", "2.5.1||||||8859/1\r")
	if err != nil || out != want {
		t.Errorf("changed:\ngot  %q, %v\nwant %q", out, err, want)
	}
}

// TestP1_HL7ListenKeepsBeforeItAnswers sends to listen, and finds the file when the answer is there.
func TestP1_HL7ListenKeepsBeforeItAnswers(t *testing.T) {
	dir := t.TempDir()
	l := &hl7Listening{out: dir, w: &bytes.Buffer{}}
	replies, err := l.take(t.Context(), mllp.Peer{}, []byte(hl7Sample))
	if err != nil || len(replies) != 1 || !bytes.Contains(replies[0], []byte("MSA|AA|C1\r")) {
		t.Fatalf("got %q, %v", replies, err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.hl7"))
	if len(files) != 1 {
		t.Fatalf("got %d files, want 1", len(files))
	}
	if b, err := os.ReadFile(files[0]); err != nil || string(b) != hl7Sample {
		t.Errorf("got %q, %v", b, err)
	}
	if replies, err = l.take(t.Context(), mllp.Peer{}, []byte(strings.Replace(hl7Sample, "C1", "", 1))); err != nil || !bytes.Contains(replies[0], []byte("MSA|AR")) {
		t.Errorf("without a control id: got %q, %v", replies, err)
	}
	if _, err = l.take(t.Context(), mllp.Peer{}, []byte("HELLO")); err == nil {
		t.Error("garbage was answered")
	}
	l.out = filepath.Join(dir, "gone")
	if _, err = l.take(t.Context(), mllp.Peer{}, []byte(hl7Sample)); err == nil {
		t.Error("a message that was not kept was answered")
	}
}

func TestHL7SendFailsWhereNobodyListens(t *testing.T) {
	s := hl7Sending{to: "127.0.0.1:1", count: 1}
	client, err := s.client()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(context.Background(), client, []hl7Input{{"x", 1, []byte(hl7Sample)}}, &bytes.Buffer{}); err == nil {
		t.Error("got no error")
	}
}
