package lis1a

import (
	"errors"
	"fmt"
)

// What sending a message can end in, but for success.
var (
	// ErrNoAnswer says that nobody answered our bid for the line, or a frame; the message counts as not sent.
	ErrNoAnswer = errors.New("no answer")
	// ErrRefused says that the other side did not want the line's turn, or refused a frame six times.
	ErrRefused = errors.New("refused")
	// ErrCancelled says that sending was given up by us.
	ErrCancelled = errors.New("given up")
	// ErrClosed says that the connection is not driven any more.
	ErrClosed = errors.New("the connection is closed")
	// ErrBusy says that a message is being sent already.
	ErrBusy = errors.New("another message is being sent")
	// ErrEmpty says that there is nothing to send.
	ErrEmpty = errors.New("the message is empty")
)

// SendError says how far a message came.
type SendError struct {
	Acknowledged int // Frames.
	Frames       int
	Err          error
}

func (e *SendError) Error() string {
	return fmt.Sprintf("send %d frames: %d acknowledged, then: %v", e.Frames, e.Acknowledged, e.Err)
}

func (e *SendError) Unwrap() error { return e.Err }

// ChecksumError says that a frame's checksum is not that of its bytes.
type ChecksumError struct {
	Got  string // The digits that came.
	Want byte
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("the checksum is %s, the bytes make %02X", e.Got, e.Want)
}

var (
	errNoChecksum = errors.New("the checksum is missing")
	errNoLineEnd  = errors.New("the CR LF after the checksum is missing")
	errBids       = errors.New("the other side bids for the line")
	errNoNumber   = errors.New("the frame has no number from 0 to 7")
)
