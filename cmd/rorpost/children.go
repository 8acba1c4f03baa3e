package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// child is one of our own programs, run as a process of its own. It ends when its standard input closes, so that it
// never outlives its parent.
type child struct {
	name    string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	log     *os.File
	started time.Time
	ended   chan error
}

// startChild runs "rorpost ROLE -c FILE"; what it logs goes to DIR/ROLE.log, appended.
func startChild(program, role, file, dir string) (*child, error) {
	log, err := os.OpenFile(filepath.Join(dir, role+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, role, "-c", file, "--stop-with-stdin")
	apart(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	c := &child{name: role, cmd: cmd, stdin: stdin, log: log, started: time.Now(), ended: make(chan error, 1)}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", role, err), log.Close())
	}
	go func() { c.ended <- cmd.Wait() }()
	return c, nil
}

// ready waits until url answers 200 and returns how long after the start that was.
func (c *child) ready(ctx context.Context, url string) (time.Duration, error) {
	client := http.Client{Timeout: time.Second}
	for {
		res, err := client.Get(url)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(c.started), nil
			}
		}
		select {
		case err := <-c.ended:
			c.ended <- err
			return 0, fmt.Errorf("%s ended before it was ready; its last words:\n%s", c.name, c.lastWords())
		case <-ctx.Done():
			return 0, fmt.Errorf("%s was not ready in time; its last words:\n%s", c.name, c.lastWords())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (c *child) lastWords() string {
	b, err := os.ReadFile(c.log.Name())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// stop closes the standard input and waits; a child that does not end in time is killed, and that is an error.
func (c *child) stop(patience time.Duration) error {
	_ = c.stdin.Close()
	defer c.log.Close()
	select {
	case err := <-c.ended:
		if err != nil {
			return fmt.Errorf("%s ended badly: %w; its last words:\n%s", c.name, err, c.lastWords())
		}
		return nil
	case <-time.After(patience):
		c.kill()
		return fmt.Errorf("%s did not stop within %s and was killed", c.name, patience)
	}
}

// kill ends the child as a power failure would, and waits until it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
	_ = c.stdin.Close()
	_ = c.log.Close()
}

// memory is the child's resident memory in bytes, or 0 where the system does not tell.
func (c *child) memory() int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
