//go:build !unix

package sim

import (
	"context"
	"errors"
	"io"
	"time"
)

// Line is a pseudo-terminal; this system has none.
type Line struct {
	Name string
	Baud int
}

var errNoTerminal = errors.New("this system has no pseudo-terminals; run the demo on Linux")

// OpenLine says that it cannot.
func OpenLine(int) (*Line, error) { return nil, errNoTerminal }

func (*Line) Write([]byte) (int, error)                        { return 0, errNoTerminal }
func (*Line) Read([]byte) (int, error)                         { return 0, errNoTerminal }
func (*Line) SetReadDeadline(time.Time) error                  { return errNoTerminal }
func (*Line) Close() error                                     { return nil }
func (*Line) Dial(context.Context) (io.ReadWriteCloser, error) { return nil, errNoTerminal }
