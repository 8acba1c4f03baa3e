package hl7_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"rorpost/hl7"
)

// FuzzParse holds the laws for any bytes: no panic, the bytes stay, what is set is read back, an edit changes nothing
// else, an answer can be read.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		ack, oru, "MSH|^~\\&#|A\rPID|1\r", "MSH#*+!%#A\nPID#1#x!F!y\n", "\x0bMSH|^~\\&|\r\x1c\r", "MSH|^~|A\rOBX|1||\\X41\\\r",
		"MSH|^~\\&|||||||||||||||||8859/1\rPID|||\xe5~\\XE4\\\r", "MSH|^~\\&|||||||||||||||||GB 18030-2000\rPID|||\x81\x5c\r",
		"FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|A\rBTS|1\r", "MSH|\\\\\\\\|", "MSH|^~\\&|a\r\nPID|1\nOBX|2\r\n", "\xef\xbb\xbfMSH|^~\\&|||\r \tPID|1",
	} {
		f.Add([]byte(s), "text | with ^ everything\n\x01", uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, text string, field uint8) {
		pieces := 0
		for _, item := range hl7.Split(b) {
			pieces += len(item)
		}
		if pieces > len(b) {
			t.Fatalf("split made %d bytes of %d", pieces, len(b))
		}
		m, err := hl7.Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Bytes(), b) {
			t.Fatal("bytes changed")
		}
		readAll(t, m)
		setOne(t, m, text, int(field))
	})
}

func readAll(t *testing.T, m *hl7.Message) {
	m.Warnings()
	m.Header()
	for _, s := range m.Segments() {
		if len(s.Raw()) == 0 {
			t.Fatal("an empty segment")
		}
		for _, v := range s.All() {
			for _, r := range v.Repetitions() {
				for _, c := range r.Components() {
					if !utf8.ValidString(c.Text()) {
						t.Fatalf("text is not UTF-8: %q", c.Text())
					}
				}
			}
		}
	}
	if u, err := hl7.Transcode(m, "UNICODE UTF-8"); err == nil && len(u.Segments()) != len(m.Segments()) {
		t.Fatalf("segments in UTF-8: got %d, want %d", len(u.Segments()), len(m.Segments()))
	}
	if m.Correlatable() != nil {
		return
	}
	info, err := hl7.ReadAck(hl7.Ack(m, hl7.Reply{Code: hl7.AR, ControlID: "1", Text: "x|y"}))
	if err != nil || info.Code != hl7.AR {
		t.Fatalf("the answer cannot be read: %v", err)
	}
}

func setOne(t *testing.T, m *hl7.Message, text string, field int) {
	segs := m.Segments()
	s := segs[len(segs)-1]
	if len(segs) < 2 || !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) || hl7.CheckPath(s.Name()+"-1") != nil {
		return
	}
	n := len(m.Find(s.Name()))
	path := s.Name() + "(" + itoa(n) + ")-" + itoa(field%40+1) + "[2].3"
	before := append([]byte(nil), m.Bytes()...)
	if err := m.Set(path, text); err != nil {
		if !bytes.Equal(before, m.Bytes()) {
			t.Fatal("a refused edit changed the message")
		}
		return
	}
	if got := m.Get(path); got != text {
		t.Fatalf("set %s to %q, got %q in %q", path, text, got, m.Bytes())
	}
	for i, s := range m.Segments()[:len(segs)-1] {
		if !bytes.Equal(s.Raw(), segs[i].Raw()) {
			t.Fatal("another segment changed")
		}
	}
	if len(m.Segments()) != len(segs) {
		t.Fatal("an edit made segments")
	}
	again, err := hl7.Parse(m.Bytes())
	if err != nil || again.Get(path) != text || len(again.Segments()) != len(segs) {
		t.Fatalf("parsed again: got %q, want %q in %q", again.Get(path), text, m.Bytes())
	}
}
