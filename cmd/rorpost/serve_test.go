package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// daemonUnderTest runs "rorpost ROLE" in this process; it stops when its standard input closes.
type daemonUnderTest struct {
	stdin io.Closer
	log   *bufio.Scanner
	code  chan int
}

func startDaemon(t *testing.T, role, configuration string) *daemonUnderTest {
	t.Helper()
	file := filepath.Join(t.TempDir(), role+".toml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	in, stdin := io.Pipe()
	log, errs := io.Pipe()
	d := &daemonUnderTest{stdin: stdin, log: bufio.NewScanner(log), code: make(chan int, 1)}
	go func() {
		d.code <- run([]string{role, "-c", file, "--stop-with-stdin"}, in, io.Discard, errs)
		errs.Close()
	}()
	return d
}

// until reads the log up to a record with this message.
func (d *daemonUnderTest) until(t *testing.T, msg string) map[string]any {
	t.Helper()
	for d.log.Scan() {
		record := map[string]any{}
		if err := json.Unmarshal(d.log.Bytes(), &record); err != nil {
			t.Fatalf("not a record: %s", d.log.Text())
		}
		if record["msg"] == msg {
			return record
		}
	}
	t.Fatalf("the log ended before %q", msg)
	return nil
}

// stop closes its standard input and returns its exit status and the rest of its log.
func (d *daemonUnderTest) stop(t *testing.T) (int, string) {
	t.Helper()
	if err := d.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	for d.log.Scan() {
		rest.WriteString(d.log.Text() + "\n")
	}
	select {
	case code := <-d.code:
		return code, rest.String()
	case <-time.After(30 * time.Second):
		t.Fatal("it does not stop")
	}
	return 0, ""
}

func TestServeStopsWithItsParent(t *testing.T) {
	d := startDaemon(t, "serve", fmt.Sprintf("[log]\nformat = 'json'\n[web]\nlisten = '127.0.0.1:0'\n[store]\ndir = '%s'\n", filepath.ToSlash(t.TempDir())))
	started := d.until(t, "gateway started")
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 200} {
		if got := get(t, fmt.Sprintf("http://%s%s", started["pages"], path)); got != want {
			t.Errorf("%s answered %d, want %d", path, got, want)
		}
	}
	if code, rest := d.stop(t); code != exitFine {
		t.Errorf("exit status %d, want %d; log:\n%s", code, exitFine, rest)
	}
}

func TestCentralStopsWithItsParent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, "central", fmt.Sprintf("[log]\nformat = 'json'\n[central]\nlisten = '%s'\ndir = '%s'\n", address, filepath.ToSlash(t.TempDir())))
	go func() { // Its log must be read for it to go on.
		for d.log.Scan() {
		}
	}()
	again, late := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer again.Stop()
	for get(t, "http://"+address+"/healthz") != 200 {
		select {
		case <-again.C:
		case <-late:
			t.Fatal("it never became healthy")
		}
	}
	if err := d.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-d.code; code != exitFine {
		t.Errorf("exit status %d, want %d", code, exitFine)
	}
}

// get returns the status of an answer, 0 when there is none.
func get(t *testing.T, url string) int {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	res, err := client.Get(url)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}
