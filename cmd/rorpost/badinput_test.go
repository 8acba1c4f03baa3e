package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// TestBadInputAtEveryEntrance throws rubbish at the ports of one running gateway: each is refused or parked with a
// reason, the process stays up, and the next good message goes through.
func TestBadInputAtEveryEntrance(t *testing.T) {
	s := newSite(t)
	for _, bad := range []string{"HELLO WORLD", "MSH|^~\\&|A|B|C|D|20260601||ORU^R01||P|2.5.1\r", "MSH|^~\\&|A|B|C|D|20260601||ORU^R01|X1|P|2.5.1\r", "BHS|^~\\&|A\rMSH|^~\\&|A|B|C|D|20260601||ORU^R01|X2|P|2.5.1\rBTS|1\r"} {
		reply := exchange(t, s.park, "\x0b"+bad+"\x1c\r")
		if strings.Contains(reply, "MSA|AA") && !strings.Contains(bad, "|X1|") {
			t.Errorf("%.20q was answered %q: what cannot be correlated is never answered positively", bad, reply)
		}
	}
	exchange(t, s.park, "no frame at all\n")
	exchange(t, s.dca, "\x05\x021R|1|^^^X|5\rFF\x03ZZ\r\n\x04")
	exchange(t, s.dca, "GET / HTTP/1.0\r\n\r\n")
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/api/v1/desk/scan", "{"}, {"GET", "/messages/zzz", ""}, {"POST", "/api/v1/parked/999999/release", `{"why":"x"}`}, {"DELETE", "/api/v1/messages", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+s.web+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode < 400 || res.StatusCode >= 500 || len(answer) == 0 {
			t.Errorf("%s %s: answered %d %q, want a refusal that says why", c.method, c.path, res.StatusCode, answer)
		}
	}
	for _, p := range s.parked() {
		if p.Reason == "" || p.Hint == "" {
			t.Errorf("parked with reason %q, hint %q", p.Reason, p.Hint)
		}
	}
	if n := len(s.parked()); n < 4 {
		t.Errorf("%d things are parked, want the four messages that nobody can use", n)
	}
	good := filepath.Join(s.dir, "good.hl7")
	text := "MSH|^~\\&|LIS|LAB|GW|U|20260601120000||ORU^R01^ORU_R01|G1|P|2.5.1\rPID|1\rOBR|1||F1|X^X^L\rOBX|1|NM|X^X^L||5|mmol/L|||||F\rSPM|1|7701\r"
	if err := os.WriteFile(good, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("hl7", "send", "--to", s.pass, good)
	if m := s.eventually(1)[0]; m.Get("OBX-5") != "5" {
		t.Errorf("after all that the journal got %q, want 5", m.Get("OBX-5"))
	}
}

// exchange writes raw bytes to a port and returns what comes back within a moment.
func exchange(t *testing.T, address, raw string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, raw); err != nil {
		return ""
	}
	if !strings.HasPrefix(raw, "\x0b") {
		_, _ = c.Read(make([]byte, 1))
		return ""
	}
	b, _, err := mllp.Read(bufio.NewReader(c), 1<<20)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	if _, err := hl7.ReadAck(b); err != nil {
		t.Errorf("the answer is no acknowledgement: %v", err)
	}
	return string(b)
}
