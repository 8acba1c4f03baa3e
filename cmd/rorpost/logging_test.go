package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"rorpost/config"
)

// published are test numbers of the Swedish Tax Agency.
var published = []string{"201201012380", "198501012382", "195001182046", "191202119150", "189002029800", "200001252386", "196109732393", "191401682396"}

func TestP9_NoPersonalNumberInTheLog(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		for _, number := range published {
			short := number[2:]
			var b bytes.Buffer
			log := newLog(&b, config.Log{Level: "debug", Format: format}).With("bound", number).WithGroup("group")
			log.Debug("scan of "+number, "text", number, "dashed", number[:8]+"-"+number[8:], "dash", short[:6]+"\u2013"+short[6:],
				"error", errors.New("no order for "+number), "value", struct{ ID string }{number}, "segment", fmt.Sprintf("PID|1||%s^^^", short),
				slog.Group("inner", "digits", json.Number(number), "list", []string{"x" + number + "y"}), "ticket", "1234567-"+number)
			for _, digits := range []string{number, short, short[:6] + "-", short[6:]} {
				if strings.Contains(b.String(), digits) {
					t.Errorf("%s: %q got out: %s", format, digits, b.String())
				}
			}
			if format == "json" && !json.Valid(b.Bytes()) {
				t.Errorf("not JSON any more: %s", b.String())
			}
		}
	}
}

func TestLogKeepsWhatIsNoPersonalNumber(t *testing.T) {
	var b bytes.Buffer
	log := newLog(&b, config.Log{Level: "info", Format: "json"})
	log.Info("kept", "barcode", "4539578763621486", "wrong digit", "198501012383", "long", "1985010123820001", "at", "127.0.0.1:40500",
		"key", "ORD-2026-000012", "took", 1234*time.Millisecond)
	for _, want := range []string{"4539578763621486", "198501012383", "1985010123820001", "127.0.0.1:40500", "ORD-2026-000012", "1234000000"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is gone: %s", want, b.String())
		}
	}
}

func TestMaskedNumberInJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"n":198501012382,"m":[198501012382]}`: `{"n":"(masked)","m":["(masked)"]}`,
		`{"n":"a \"b\":198501012382"}`:          `{"n":"a \"b\":(masked)"}`,
		`{"n":"198501012382"}`:                  `{"n":"(masked)"}`,
	} {
		if got := string(maskPersonal([]byte(in))); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestLogLevel(t *testing.T) {
	var b bytes.Buffer
	log := newLog(&b, config.Log{Level: "warn", Format: "text"})
	log.Info("quiet")
	log.Warn("loud")
	if strings.Contains(b.String(), "quiet") || !strings.Contains(b.String(), "loud") {
		t.Errorf("got %s", b.String())
	}
}

// TestP9_NoPersonalNumberInTheTestRun reads what a test run has written, named by RORPOST_TEST_OUTPUT; make check ends
// with it. Names of tests are no log: lines that only say that a test began or ended are left out.
func TestP9_NoPersonalNumberInTheTestRun(t *testing.T) {
	file := os.Getenv("RORPOST_TEST_OUTPUT")
	if file == "" {
		t.Skip("RORPOST_TEST_OUTPUT names no test output")
	}
	output, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(output) == 0 {
		t.Fatalf("%s is empty: nothing was checked", file)
	}
	for i, line := range bytes.Split(output, []byte("\n")) {
		frame := bytes.TrimSpace(line)
		if bytes.HasPrefix(frame, []byte("=== ")) || bytes.HasPrefix(frame, []byte("--- ")) {
			continue
		}
		if len(personalNumbers(line)) > 0 {
			t.Errorf("%s:%d: a personal number: %s", file, i+1, maskPersonal(line))
		}
	}
}
