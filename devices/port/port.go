package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Port is an open line. Close ends a Read that waits. A Read past the deadline returns os.ErrDeadlineExceeded.
type Port interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	String() string // What is connected, for people.
}

// Source opens a line, again and again.
type Source interface {
	// Open returns the line when it is open; for listen:// it waits for the next connection.
	Open(ctx context.Context) (Port, error)
	// String is the specification.
	String() string
	// Close ends what New began; ports that are open stay so.
	Close() error
}

// New returns the source of a specification; it does no I/O.
func New(s Spec) Source {
	switch s.Kind {
	case Serial:
		return serialSource{s}
	case TCP:
		return tcpSource{s}
	case Listen:
		return newListenSource(s)
	}
	return noSource{s}
}

// OpenError says why a line cannot be opened.
type OpenError struct {
	Spec string
	Hint string // What a person can do; may be "".
	Err  error
}

func (e *OpenError) Error() string { return fmt.Sprintf("open %s: %v", e.Spec, e.Err) }

func (e *OpenError) Unwrap() error { return e.Err }

// noSource is that of a zero Spec.
type noSource struct{ spec Spec }

func (s noSource) Open(context.Context) (Port, error) {
	return nil, &OpenError{Spec: s.String(), Err: errors.New("no port was specified")}
}

func (s noSource) String() string { return s.spec.String() }

func (noSource) Close() error { return nil }
