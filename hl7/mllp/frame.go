package mllp

import (
	"bufio"
	"bytes"
	"io"
)

// The framing bytes.
const (
	startBlock = 0x0b // VT
	endBlock   = 0x1c // FS
	endData    = 0x0d // CR
)

// MaxMessage is the largest message that is read when nothing else is said: bytes.
const MaxMessage = 16 << 20

// Read returns the next message without its frame, in memory of its own. Skipped counts the bytes that belonged to no
// frame: garbage, and a frame that another one began inside; CR and LF between frames do not count. Max is in bytes, 0
// is [MaxMessage]. Errors: io.EOF between frames, io.ErrUnexpectedEOF inside one, *TooLargeError, and those of r.
func Read(r *bufio.Reader, max int) (msg []byte, skipped int, err error) {
	if max <= 0 {
		max = MaxMessage
	}
	if skipped, err = seek(r, max); err != nil {
		return nil, skipped, err
	}
	msg, broken, err := body(r, max)
	return msg, skipped + broken, err
}

// seek reads up to and including the byte that begins a frame. No more than max bytes of garbage are looked at.
func seek(r *bufio.Reader, max int) (skipped int, err error) {
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return skipped, err
		case c == startBlock:
			return skipped, nil
		case c == '\r' || c == '\n':
		default:
			if skipped++; skipped > max {
				return skipped, &TooLargeError{Limit: max, Garbage: true}
			}
		}
	}
}

// body reads from behind the first byte of a frame to its end.
func body(r *bufio.Reader, max int) (msg []byte, broken int, err error) {
	for {
		part, err := r.ReadSlice(endBlock)
		if err != nil && err != bufio.ErrBufferFull {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, broken + len(msg) + len(part), err
		}
		ended := err == nil && endsFrame(r)
		if ended {
			part = part[:len(part)-1]
		}
		if len(msg)+len(part) > max {
			return nil, broken, &TooLargeError{Limit: max}
		}
		from := max0(len(msg) - 3) // A beginning may lie across two parts.
		msg = append(msg, part...)
		if i := restart(msg[from:]); i >= 0 {
			broken += from + i + 1
			msg = append([]byte(nil), msg[from+i+1:]...)
		}
		if ended {
			return msg, broken, nil
		}
	}
}

func max0(n int) int { return max(n, 0) }

// endsFrame reports whether the FS just read ends the frame, and takes the CR that follows. FS and then data is data:
// taking it for an end would cut the message short. When nothing has come yet the frame has ended: waiting could be for ever,
// and a CR that comes later is skipped unseen.
func endsFrame(r *bufio.Reader) bool {
	if r.Buffered() == 0 {
		return true
	}
	next, _ := r.Peek(1)
	switch next[0] {
	case endData:
		_, _ = r.Discard(1)
		return true
	case startBlock, '\n':
		return true
	}
	return false
}

// restart finds where another message begins inside a frame: its first part was cut off by the sender. The last such
// place counts, -1 for none.
func restart(b []byte) int { return bytes.LastIndex(b, []byte("\x0bMSH")) }

// Write writes one message in its frame, by one Write. A message with a framing byte in it is a *MessageError: the
// receiver would cut it there; hl7 writes such characters as \X0B\ and \X1C\.
func Write(w io.Writer, msg []byte) error {
	b, err := frame(msg)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func frame(msg []byte) ([]byte, error) {
	if bytes.IndexByte(msg, startBlock) >= 0 || bytes.IndexByte(msg, endBlock) >= 0 {
		return nil, &MessageError{Reason: "the message holds a framing byte"}
	}
	b := make([]byte, 0, len(msg)+3)
	b = append(append(b, startBlock), msg...)
	return append(b, endBlock, endData), nil
}
