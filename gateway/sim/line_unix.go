//go:build unix

package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Line is a pseudo-terminal with a cable's speed. The gateway opens Name as it would open a serial port.
type Line struct {
	Name   string // Path of the end that the gateway opens.
	Baud   int    // Bits per second, ten to a byte; 0 means as fast as it goes.
	master *os.File
	slave  *os.File // Kept open, so that the line lives on when the gateway closes its end.
}

// OpenLine makes a pseudo-terminal in raw mode.
func OpenLine(baud int) (*Line, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("make a pseudo-terminal: %w", err)
	}
	for _, f := range []*os.File{master, slave} {
		if err := raw(f); err != nil {
			return nil, fmt.Errorf("set a pseudo-terminal to raw: %w", err)
		}
	}
	polled, err := pollable(master)
	if err != nil {
		return nil, fmt.Errorf("open a pseudo-terminal for polling: %w", err)
	}
	return &Line{Name: slave.Name(), Baud: baud, master: polled, slave: slave}, nil
}

// pollable returns the terminal as a file whose reads end at their deadline and when it is closed.
func pollable(f *os.File) (*os.File, error) {
	c, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var copied int
	var failed error
	err = c.Control(func(fd uintptr) {
		if copied, failed = unix.Dup(int(fd)); failed == nil {
			failed = unix.SetNonblock(copied, true)
		}
	})
	if err = errors.Join(err, failed, f.Close()); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(copied), f.Name()), nil
}

// raw switches off everything that a terminal does to bytes. It goes through SyscallConn, because Fd would make reads
// block for ever.
func raw(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) { failed = rawFD(int(fd)) })
	if err != nil {
		return err
	}
	return failed
}

func rawFD(fd int) error {
	t, err := unix.IoctlGetTermios(fd, ioctlGetTermios)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	return unix.IoctlSetTermios(fd, ioctlSetTermios, t)
}

// Write sends p at the line's speed.
func (l *Line) Write(p []byte) (int, error) {
	if l.Baud == 0 {
		return l.master.Write(p)
	}
	for n := range p {
		if _, err := l.master.Write(p[n : n+1]); err != nil {
			return n, err
		}
		time.Sleep(time.Duration(10 * int64(time.Second) / int64(l.Baud)))
	}
	return len(p), nil
}

// Read returns what the gateway wrote.
func (l *Line) Read(p []byte) (int, error) {
	n, err := l.master.Read(p)
	if l.Baud > 0 && n > 0 {
		time.Sleep(time.Duration(int64(n) * 10 * int64(time.Second) / int64(l.Baud)))
	}
	return n, err
}

// SetReadDeadline bounds Read.
func (l *Line) SetReadDeadline(t time.Time) error { return l.master.SetReadDeadline(t) }

// Close ends the line.
func (l *Line) Close() error {
	_ = l.slave.Close()
	return l.master.Close()
}

// Dial gives the line to an analyzer; closing what it returns leaves the line open, as a cable stays in its socket.
func (l *Line) Dial(context.Context) (io.ReadWriteCloser, error) { return plug{l}, nil }

type plug struct{ *Line }

// Close unplugs nothing.
func (plug) Close() error { return nil }
