package mllp

import (
	"fmt"
	"time"
)

// A TooLargeError is a message, or garbage between messages, larger than the limit.
type TooLargeError struct {
	Limit   int // Bytes.
	Garbage bool
}

func (e *TooLargeError) Error() string {
	what := "message"
	if e.Garbage {
		what = "garbage between messages"
	}
	return fmt.Sprintf("mllp: %s is larger than %d bytes", what, e.Limit)
}

// A MessageError is a message that cannot be sent by this protocol. Nothing was sent.
type MessageError struct {
	Reason string
	Err    error
}

func (e *MessageError) Error() string {
	if e.Err != nil {
		return "mllp: not sent: " + e.Err.Error()
	}
	return "mllp: not sent: " + e.Reason
}

func (e *MessageError) Unwrap() error { return e.Err }

// A DialError is a connection, or a TLS session, that did not come about. Nothing was sent.
type DialError struct {
	Address string
	Err     error
}

func (e *DialError) Error() string { return "mllp: connect to " + e.Address + ": " + e.Err.Error() }
func (e *DialError) Unwrap() error { return e.Err }

// A TimeoutError is an answer that did not come in time. The message may have arrived; the connection is closed.
type TimeoutError struct {
	After time.Duration
	Err   error // Of the connection or the context.
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("mllp: no answer within %v", e.After.Round(time.Millisecond))
}
func (e *TimeoutError) Unwrap() error { return e.Err }

// Timeout makes it a net.Error's kind of timeout.
func (e *TimeoutError) Timeout() bool { return true }

// A LostError is a connection that ended before the answer. The message may have arrived; the connection is closed.
type LostError struct{ Err error }

func (e *LostError) Error() string {
	return "mllp: connection lost before the answer: " + e.Err.Error()
}
func (e *LostError) Unwrap() error { return e.Err }

// A MismatchError is an answer that is not to the message sent: its MSA-2 differs, or it is no acknowledgement. The
// message may have arrived; the connection is closed.
type MismatchError struct {
	Want, Got string // Control ids.
	Err       error  // Why the answer could not be read, nil when it could.
}

func (e *MismatchError) Error() string {
	if e.Err != nil {
		return "mllp: the answer is no acknowledgement: " + e.Err.Error()
	}
	return fmt.Sprintf("mllp: the answer is to message %q, not to %q", e.Got, e.Want)
}
func (e *MismatchError) Unwrap() error { return e.Err }
