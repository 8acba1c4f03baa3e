package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"rorpost/astm/lis1a"
)

// lines collects output and tells when some text has come.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
	new chan struct{}
}

func newLines() *lines { return &lines{new: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.new <- struct{}{}:
	default:
	}
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// find waits until a line with the text has come, and returns it.
func (l *lines) find(t *testing.T, text string) string {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		for line := range strings.Lines(l.String()) {
			if strings.Contains(line, text) {
				return strings.TrimSpace(line)
			}
		}
		select {
		case <-l.new:
		case <-limit:
			t.Fatalf("%q did not come in %q", text, l)
		}
	}
}

func astmRun(t *testing.T, c *cobra.Command, in string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	strict(c)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetIn(strings.NewReader(in))
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(ctx)
	return out.String(), err
}

const astmText = "H|\\^&|||Maker^Model\rP|1\rO|1|4711||^^^CRP\\^^^HB\rR|1|^^^CRP|8&F&9|mg/L\rL|1|N\r"

func capture(text string) string {
	return "\x05" + string(bytes.Join(lis1a.Encode([]byte(text), 0), nil)) + "\x04"
}

func TestASTMJSON(t *testing.T) {
	for name, in := range map[string]string{"a capture": capture(astmText), "bare records": astmText, "lines": strings.ReplaceAll(astmText, "\r", "\n")} {
		out, err := astmRun(t, newASTMCommand(), in, "json")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var m struct {
			Frames   int
			Records  []struct{ Type string }
			Problems []string
		}
		if err := json.Unmarshal([]byte(out), &m); err != nil {
			t.Fatalf("%s: %v in %q", name, err, out)
		}
		frames := 0
		if name == "a capture" {
			frames = 5
		}
		if m.Frames != frames || len(m.Records) != 5 || m.Records[3].Type != "R" || len(m.Problems) != 0 {
			t.Errorf("%s: got %+v", name, m)
		}
		for _, want := range []string{
			`{"type":"H","fields":["H","\\^&","","",[["Maker","Model"]]]}`,
			`{"type":"O","fields":["O","1","4711","",[["","","","CRP"],["","","","HB"]]]}`,
			`{"type":"R","fields":["R","1",[["","","","CRP"]],"8|9","mg/L"]}`,
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %s is not in %s", name, want, out)
			}
		}
	}
	out, err := astmRun(t, newASTMCommand(), "nothing", "json")
	if err == nil || !strings.Contains(out, `"records":[],"problems":["`) {
		t.Errorf("got %q, %v", out, err)
	}
}

// Frames are counted for the message that they hold a part of.
func TestASTMFramesOfEachMessage(t *testing.T) {
	out, err := astmRun(t, newASTMCommand(), capture(astmText)+capture("H|\\^&\rL|1\r"), "json")
	if err != nil || strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, `{"frames":5,`) || !strings.Contains(out, "\n{\"frames\":2,") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestASTMShow(t *testing.T) {
	out, err := astmRun(t, newASTMCommand(), strings.Replace(capture(astmText), "mg/L", "mg/l", 1)+"\x021L|1\x03", "show")
	for _, want := range []string{"message 1 of 1, 5 frames, 5 records", "\n        R|1|^^^CRP|8|9|mg/l\n", "the checksum is", "broke off"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%q is not in %q, %v", want, out, err)
		}
	}
}

// P1: what listen has acknowledged is in its files; send and listen understand each other.
func TestP1_ASTMSendAndListen(t *testing.T) {
	dir := t.TempDir()
	good, damaged := filepath.Join(dir, "good"), filepath.Join(dir, "damaged")
	for file, text := range map[string]string{good: capture(astmText), damaged: strings.Replace(capture(astmText), "4711", "4712", 1)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := vacantAddress(t)
	out, errs := newLines(), newLines()
	listen := newASTMCommand()
	listen.SetArgs([]string{"listen", "--port", "listen://" + address, "--out", filepath.Join(dir, "out"), "--count", "3"})
	listen.SetOut(out)
	listen.SetErr(errs)
	ended := make(chan error, 1)
	go func() { ended <- listen.ExecuteContext(t.Context()) }()
	errs.find(t, "waiting for a device")
	answer := sendWhenUp(t, address, good, damaged, "-")
	for _, want := range []string{good + ":1 acknowledged, 5 frames\n", damaged + ":1 acknowledged, 5 frames, framed anew\n", "-:1 acknowledged, 5 frames, framed anew\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("%q is not in %q", want, answer)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("listen: %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "out", "*.astm"))
	if len(files) != 3 {
		t.Fatalf("got %v, want three files", files)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil || !strings.HasPrefix(string(raw), "\x05\x021H") || !strings.HasSuffix(string(raw), "\x04") {
		t.Errorf("got %q, %v", raw, err)
	}
}

// sendWhenUp sends to a listener that may not listen yet.
func sendWhenUp(t *testing.T, address string, files ...string) string {
	t.Helper()
	for range 200 {
		out, err := astmRun(t, newASTMCommand(), astmText, append([]string{"send", "--pace", "115200", "--to", "tcp://" + address}, files...)...)
		if err == nil {
			return out
		}
		if !strings.Contains(err.Error(), "refused") {
			t.Fatalf("send: %v, %q", err, out)
		}
	}
	t.Fatal("nobody listens")
	return ""
}

func vacantAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestASTMSendNotAcknowledged(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	out, err := astmRun(t, newASTMCommand(), astmText, "send", "--to", "tcp://"+l.Addr().String())
	if err == nil || !strings.Contains(out, "not acknowledged") {
		t.Errorf("got %q, %v", out, err)
	}
	var wrong usageError
	for _, args := range [][]string{{"send"}, {"send", "--to", "usb:1"}, {"listen", "--port", "x"}, {"listen", "y"}} {
		if _, err := astmRun(t, newASTMCommand(), astmText, args...); !errors.As(err, &wrong) {
			t.Errorf("%v: got %v", args, err)
		}
	}
}
