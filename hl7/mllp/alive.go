package mllp

import (
	"errors"
	"os"
	"time"
)

// probeTime is how long a connection is listened to where the system cannot look without reading.
const probeTime = time.Millisecond

// alive reports whether the connection may be sent on: the peer has not closed it and nothing unasked has come. What came
// would be taken for the answer to the next message; only a promised application answer may wait there.
func (l *link) alive() bool {
	if l.r.Buffered() > 0 {
		return l.onlyBlank() || l.promised != ""
	}
	switch l.peek() {
	case peekQuiet:
		return true
	case peekClosed:
		return false
	}
	// Bytes wait, perhaps only those of the TLS session itself: read them.
	_ = l.SetReadDeadline(time.Now().Add(probeTime))
	_, err := l.r.Peek(1)
	if err == nil {
		return l.onlyBlank() || l.promised != ""
	}
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// onlyBlank takes CR and LF that follow the last frame, and reports whether nothing else waits.
func (l *link) onlyBlank() bool {
	for l.r.Buffered() > 0 {
		b, _ := l.r.Peek(1)
		if b[0] != '\r' && b[0] != '\n' {
			return false
		}
		_, _ = l.r.Discard(1)
	}
	return true
}

// peeked is what a look at the socket showed.
type peeked uint8

const (
	peekUnknown peeked = iota // Something waits, or the system cannot tell.
	peekQuiet                 // Open, nothing to read.
	peekClosed                // Closed or reset by the peer.
)
