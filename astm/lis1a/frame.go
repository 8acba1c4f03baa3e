package lis1a

import (
	"bytes"
	"fmt"
)

// Frame is one frame of a message.
type Frame struct {
	Number int    // 0 to 7.
	Text   []byte // Without the number.
	End    byte   // ETB: the text goes on in the next frame; ETX: it ends here.
	Raw    []byte // The frame as it came, from STX to its line end.
	First  bool   // It is the first of its session.
}

// Checksum is the sum of the bytes from the frame's number to ETB or ETX, modulo 256 [LIS01 6.3.1.4].
func Checksum(body []byte) byte {
	var sum byte
	for _, b := range body {
		sum += b
	}
	return sum
}

// Text joins the texts of frames to records that end in CR. ETB adds nothing, since records are cut anywhere; ETX ends
// a record that does not end in CR by itself, and so does the beginning of another session.
func Text(frames []Frame) []byte {
	var out []byte
	for _, f := range frames {
		if f.First {
			out = endRecord(out)
		}
		if out = append(out, f.Text...); f.End != ETB {
			out = endRecord(out)
		}
	}
	return out
}

func endRecord(text []byte) []byte {
	if n := len(text); n > 0 && text[n-1] != CR && text[n-1] != LF {
		text = append(text, CR)
	}
	return text
}

// Encode cuts the text of records into frames that are ready for the line, numbered from 1: each record in frames of
// its own, with at most maxText bytes of text each (0: 240), the last of which ends with ETX [LIS01 6.3.1]. The text is
// not checked; see [CheckText].
func Encode(text []byte, maxText int) [][]byte {
	if maxText <= 0 {
		maxText = textLimit
	}
	var frames [][]byte
	for len(text) > 0 {
		record := text
		if i := bytes.IndexByte(text, CR); i >= 0 {
			record = text[:i+1]
		}
		text = text[len(record):]
		for len(record) > 0 {
			part := record[:min(maxText, len(record))]
			record = record[len(part):]
			end := byte(ETX)
			if len(record) > 0 {
				end = ETB
			}
			frames = append(frames, encodeFrame((len(frames)+1)%8, part, end))
		}
	}
	return frames
}

// encodeFrame writes one frame [LIS01 6.3.1].
func encodeFrame(number int, text []byte, end byte) []byte {
	f := make([]byte, 0, len(text)+7)
	f = append(f, STX, byte('0'+number))
	f = append(append(f, text...), end)
	return fmt.Appendf(f, "%02X\r\n", Checksum(f[1:]))
}

// TextError says that a text cannot be sent.
type TextError struct {
	Offset int
	Byte   byte
}

func (e *TextError) Error() string {
	return fmt.Sprintf("byte %d: %#02x may not stand in a frame", e.Offset, e.Byte)
}

// CheckText returns a *TextError for the first byte that may not stand in a frame [LIS01 6.3.1.3].
func CheckText(text []byte) error {
	for i, b := range text {
		if restricted(b) {
			return &TextError{Offset: i, Byte: b}
		}
	}
	return nil
}

// restricted are the characters that no text may hold: SOH to ACK, LF, DLE to SYN and ETB [LIS01 6.3.1.3].
func restricted(b byte) bool { return b >= 0x01 && b <= 0x06 || b == LF || b >= 0x10 && b <= ETB }
