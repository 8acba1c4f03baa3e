package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"rorpost/astm/lis1a"
	"rorpost/gateway/lab"
)

func TestDevicesPorts(t *testing.T) {
	out, err := astmRun(t, newDevicesCommand(), "", "ports", "--json")
	if err != nil || !strings.HasPrefix(out, "[") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestDevicesTest(t *testing.T) {
	out, err := astmRun(t, newDevicesCommand(), astmText, "test", "generic-astm", "-")
	if err != nil || !strings.Contains(out, `specimen "4711"`) || !strings.Contains(out, `"8|9" "mg/L"`) {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := astmRun(t, newDevicesCommand(), astmText, "test", "nobody", "-"); err == nil || !strings.Contains(lab.HintOf(err), "generic-astm") {
		t.Errorf("an unknown profile: %v", err)
	}
	if _, err := astmRun(t, newDevicesCommand(), "H|\\^&\rL|1\r", "test", "generic-astm", "-"); err == nil {
		t.Error("a file without results is fine")
	}
}

// P1: a probe keeps nothing, so it acknowledges no frame.
func TestP1_ProbeAcknowledgesNothing(t *testing.T) {
	for _, c := range []struct {
		accept        bool
		say           []string
		hear          string
		out, mistaken string
	}{
		{false, []string{"hello"}, "", "bytes: seen", "no valid frame"},
		{false, nil, "", "open: ", "no bytes"},
		{false, []string{"\x05", frameOf("H|\\^&|||Maker\rL|1\r")}, "\x06", "message: 2 records from \"Maker\"", ""},
		{false, []string{"\x05", frameOf("H|\\^&|||Maker\r"), "\x04"}, "\x06\x15", "frame: valid", ""},
		{true, []string{"\x05", frameOf("H|\\^&|||Maker\rL|1\r"), "\x04"}, "\x06\x06", "message: 2 records from \"Maker\"", ""},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		heard := make(chan string, 1)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			got, one := "", make([]byte, 1)
			for i, s := range c.say {
				if _, err := io.WriteString(conn, s); err != nil {
					break
				}
				if i < len(c.hear) {
					if _, err := io.ReadFull(conn, one); err != nil {
						break
					}
					got += string(one)
				}
			}
			rest, _ := io.ReadAll(conn)
			heard <- got + string(rest)
		}()
		args := []string{"probe", "--for", "500ms", "tcp://" + l.Addr().String()}
		if c.accept {
			args = append(args, "--accept")
		}
		out, err := astmRun(t, newDevicesCommand(), "", args...)
		if !strings.Contains(out, c.out) {
			t.Errorf("%q: got %q", c.say, out)
		}
		if c.mistaken == "" && err != nil || c.mistaken != "" && (err == nil || !strings.Contains(err.Error(), c.mistaken) || lab.HintOf(err) == "") {
			t.Errorf("%q: got %v, want %q", c.say, err, c.mistaken)
		}
		if got := <-heard; !c.accept && strings.Count(got, "\x06") > 1 {
			t.Errorf("%q: the probe answered %q", c.say, got)
		}
		l.Close()
	}
}

// frameOf puts a whole text into one frame, as some analyzers do.
func frameOf(text string) string {
	f := append([]byte{lis1a.STX, '1'}, text...)
	f = append(f, lis1a.ETX)
	sum := lis1a.Checksum(f[1:])
	return string(f) + string("0123456789ABCDEF"[sum>>4]) + string("0123456789ABCDEF"[sum&15]) + "\r\n"
}

func TestDevicesTestRecorded(t *testing.T) {
	const file = corpus + "/astm/astm-frames/siemens-dca-vantage/dca_vantage.txt"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Skipf("the recorded session is not here: %v", err)
	}
	out, err := astmRun(t, newDevicesCommand(), "", "test", "siemens-dca-vantage", file)
	if err != nil || strings.Count(out, " status ") != bytes.Count(raw, []byte("\rR|")) {
		t.Errorf("got %q, %v", out, err)
	}
}
