package hl7_test

import (
	"errors"
	"testing"

	"rorpost/hl7"
)

func msg18(charset, pid5 string) string {
	return "MSH|^~\\&||||||||||||||||" + charset + "\rPID|||||" + pid5 + "\r"
}

func TestCharsets(t *testing.T) {
	for _, c := range []struct{ charset, raw, want string }{
		{"8859/1", "\xd6berg", "Öberg"},
		{"8859/2", "\xa3", "Ł"},
		{"8859/5", "\xb8\xd2\xd0\xdd\xde\xd2\xd0", "Иванова"},
		{"8859/7", "\xc1", "Α"},
		{"8859/15", "\xa4", "€"},
		{"UNICODE UTF-8", "Öberg", "Öberg"},
		{"UTF-8", "Öberg", "Öberg"},
		{"", "Öberg", "Öberg"},
		{"", "\xd6berg", "Öberg"},
		{"ASCII", "\xd6berg", "Öberg"},
		{"UNICODE UTF-8", "\xd6berg", "Öberg"},
		{"8859/1", "\\XD6\\berg", "Öberg"},
		{"UNICODE UTF-8", "\\XC396\\berg", "Öberg"},
		{"WINDOWS-1252", "\x80", "€"},
		{"WINDOWS-1251", "\xc8", "И"},
		{"GB 18030-2000", "\x81\x5c\x81\x5e", "乗乛"},
		{"8859/1~ISO IR87", "\xd6", "Ö"},
	} {
		m := parse(t, msg18(c.charset, c.raw))
		if got := m.Get("PID-5"); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.charset, c.raw, got, c.want)
		}
	}
}

func TestCharsetOfOnePeer(t *testing.T) {
	m, err := hl7.Options{Charset: "WINDOWS-1251"}.Parse([]byte(msg18("", "\xc8")))
	if err != nil || m.Get("PID-5") != "И" {
		t.Errorf("assumed: got %q, %v", m.Get("PID-5"), err)
	}
	m, err = hl7.Options{Charset: "UNICODE UTF-8", Override: true}.Parse([]byte(msg18("8859/1", "Ö")))
	if err != nil || m.Get("PID-5") != "Ö" {
		t.Errorf("against MSH-18: got %q, %v", m.Get("PID-5"), err)
	}
}

func TestSetWritesTheCharacterSet(t *testing.T) {
	for _, c := range []struct{ charset, old, text, raw string }{
		{"8859/1", "x", "Ö", "\xd6"},
		{"UNICODE UTF-8", "x", "Łódź", "Łódź"},
		{"", "\xe5", "Ö", "\xd6"},
		{"", "å", "Ö", "Ö"},
		{"8859/1", "x", "Ł", ""},
		{"", "x", "Ö", ""},
		{"ASCII", "x", "Ö", ""},
		{"8859/1", "x", "\uFFFD", ""},
	} {
		m := parse(t, msg18(c.charset, c.old))
		err := m.Set("PID-5", c.text)
		var e *hl7.CharsetError
		switch {
		case c.raw == "" && (!errors.As(err, &e) || e.Segment != "PID" || e.Field != 5):
			t.Errorf("%s %q: got %v, want a CharsetError at PID-5", c.charset, c.text, err)
		case c.raw != "" && (err != nil || string(m.Value("PID-5").Raw()) != c.raw):
			t.Errorf("%s %q: got %q, %v", c.charset, c.text, m.Value("PID-5").Raw(), err)
		}
	}
}

func TestTranscode(t *testing.T) {
	m := parse(t, msg18("8859/1", "\xd6\\XD6\\\\T\\"))
	u, err := hl7.Transcode(m, "UNICODE UTF-8")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(u.Bytes()), msg18("UNICODE UTF-8", "Ö\\XC396\\\\T\\"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	back, err := hl7.Transcode(u, "8859/1")
	if err != nil || string(back.Bytes()) != string(m.Bytes()) {
		t.Errorf("and back: got %q, %v", back.Bytes(), err)
	}
	var e *hl7.CharsetError
	_, err = hl7.Transcode(parse(t, msg18("UNICODE UTF-8", "Ł")), "8859/1")
	if !errors.As(err, &e) || e.Segment != "PID" || e.Field != 5 || e.Rune != 'Ł' {
		t.Errorf("what the set lacks: got %v", err)
	}
	if _, err = hl7.Transcode(m, "KLINGON"); !errors.As(err, &e) {
		t.Errorf("unknown set: got %v", err)
	}
}
