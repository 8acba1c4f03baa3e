package port

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.bug.st/serial"
)

// serialSource opens a serial line.
type serialSource struct{ spec Spec }

func (s serialSource) String() string { return s.spec.String() }

func (s serialSource) Close() error { return nil }

// Open opens the line and sets it.
func (s serialSource) Open(ctx context.Context) (Port, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// InitialStatusBits stays nil: pseudo-terminals have no modem lines.
	p, err := serial.Open(s.spec.Address, mode(s.spec))
	if err != nil {
		return nil, &OpenError{Spec: s.String(), Hint: hint(err), Err: err}
	}
	return &serialPort{port: p, spec: s.spec}, nil
}

func mode(s Spec) *serial.Mode {
	m := &serial.Mode{BaudRate: s.Baud, DataBits: int(s.Mode[0] - '0')}
	m.Parity = map[byte]serial.Parity{
		'N': serial.NoParity, 'E': serial.EvenParity, 'O': serial.OddParity, 'M': serial.MarkParity, 'S': serial.SpaceParity,
	}[s.Mode[1]]
	m.StopBits = map[string]serial.StopBits{
		"1": serial.OneStopBit, "1.5": serial.OnePointFiveStopBits, "2": serial.TwoStopBits,
	}[s.Mode[2:]]
	return m
}

// hint says what a person can do about a line that cannot be opened.
func hint(err error) string {
	code := serial.PortErrorCode(-1)
	var p *serial.PortError
	if errors.As(err, &p) {
		code = p.Code()
	}
	switch {
	case errors.Is(err, os.ErrNotExist), code == serial.PortNotFound:
		return "is the cable plugged in? rorpost devices ports lists what is there"
	case code == serial.PermissionDenied, errors.Is(err, os.ErrPermission):
		return "the program's user must be in the group that owns the device, often dialout"
	case code == serial.PortBusy:
		return "another program has the port open"
	case code == serial.InvalidSpeed, code == serial.InvalidDataBits, code == serial.InvalidParity, code == serial.InvalidStopBits:
		return "the port cannot be set so: look at baud and mode"
	case code == serial.InvalidSerialPort:
		return "the name is not that of a serial port"
	}
	return ""
}

// slice is how long one read of the system lasts: a deadline that is set meanwhile is seen after it.
const slice = 100 * time.Millisecond

// A driver whose device is gone waits for output to drain, so that is bounded.
const (
	drainLimit = 500 * time.Millisecond
	closeLimit = 2 * time.Second
)

// serialPort is an open serial line.
type serialPort struct {
	port     serial.Port
	spec     Spec
	deadline atomic.Int64 // In nanoseconds since 1970; 0: none.
	once     sync.Once
	closed   error
}

func (p *serialPort) String() string { return p.spec.Address }

// SetReadDeadline sets when Read gives up; zero is never.
func (p *serialPort) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		p.deadline.Store(0)
	} else {
		p.deadline.Store(t.UnixNano())
	}
	return nil
}

// Read waits for at least one byte.
func (p *serialPort) Read(b []byte) (int, error) {
	for {
		wait := slice
		if d := p.deadline.Load(); d != 0 {
			wait = min(slice, max(0, time.Until(time.Unix(0, d))))
		}
		if err := p.port.SetReadTimeout(wait); err != nil {
			return 0, err
		}
		n, err := p.port.Read(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, lost(err)
		}
		if d := p.deadline.Load(); d != 0 && !time.Now().Before(time.Unix(0, d)) {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Write writes all of b.
func (p *serialPort) Write(b []byte) (int, error) {
	for done := 0; ; {
		n, err := p.port.Write(b[done:])
		done += n
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return done, lost(err)
		case done == len(b):
			return done, nil
		case n == 0:
			return done, errors.New("the line takes no more bytes")
		}
	}
}

// Close closes the line; a Read that waits returns.
func (p *serialPort) Close() error {
	p.once.Do(func() {
		if bounded(p.port.Drain, drainLimit) != nil {
			_ = p.port.ResetOutputBuffer() // What cannot drain would keep Close waiting.
		}
		p.closed = bounded(p.port.Close, closeLimit)
	})
	return p.closed
}

// bounded calls what the driver may never return from. The goroutine ends when the driver lets it.
func bounded(call func() error, limit time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return errors.New("the driver does not answer")
	}
}

// lost words what a line says whose device is gone.
func lost(err error) error {
	var p *serial.PortError
	if errors.As(err, &p) && p.Code() == serial.PortClosed {
		return errLost
	}
	return err
}

var errLost = errors.New("the port was closed, or the device was unplugged")
