package mllp_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"rorpost/hl7/mllp"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		in      string
		want    []string
		skipped int
		err     error
	}{
		"one":                   {"\x0bMSH|A\r\x1c\r", []string{"MSH|A\r"}, 0, io.EOF},
		"two in one read":       {"\x0bMSH|A\r\x1c\r\x0bMSH|B\r\x1c\r", []string{"MSH|A\r", "MSH|B\r"}, 0, io.EOF},
		"garbage before":        {"HELLO\x0bMSH|A\r\x1c\r", []string{"MSH|A\r"}, 5, io.EOF},
		"NUL between":           {"\x0bMSH|A\r\x1c\r\x00\x00\x0bMSH|B\r\x1c\r", []string{"MSH|A\r", "MSH|B\r"}, 2, io.EOF},
		"line ends between":     {"\x0bMSH|A\r\x1c\r\r\n\n\x0bMSH|B\r\x1c\r", []string{"MSH|A\r", "MSH|B\r"}, 0, io.EOF},
		"FS and LF":             {"\x0bMSH|A\r\x1c\n\x0bMSH|B\r\x1c\r", []string{"MSH|A\r", "MSH|B\r"}, 0, io.EOF},
		"FS and the next frame": {"\x0bMSH|A\r\x1c\x0bMSH|B\r\x1c\r", []string{"MSH|A\r", "MSH|B\r"}, 0, io.EOF},
		"FS in data":            {"\x0bMSH|A\x1cB\r\x1c\r", []string{"MSH|A\x1cB\r"}, 0, io.EOF},
		"a frame that restarts": {"\x0bMSH|cut off\x0bMSH|B\r\x1c\r", []string{"MSH|B\r"}, 12, io.EOF},
		"VT in data":            {"\x0bMSH|A\x0bB\r\x1c\r", []string{"MSH|A\x0bB\r"}, 0, io.EOF},
		"empty":                 {"\x0b\x1c\r", []string{""}, 0, io.EOF},
		"cut off":               {"\x0bMSH|A\r", nil, 6, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			r := bufio.NewReaderSize(strings.NewReader(c.in), 16)
			if name == "FS in data" || name == "FS and LF" {
				r = bufio.NewReader(strings.NewReader(c.in)) // Decided by what has come together.
			}
			skipped := 0
			for _, want := range c.want {
				got, n, err := mllp.Read(r, 0)
				if skipped += n; err != nil || string(got) != want {
					t.Fatalf("got %q, %v, want %q", got, err, want)
				}
			}
			_, n, err := mllp.Read(r, 0)
			if skipped += n; err != c.err || skipped != c.skipped {
				t.Errorf("end: got %v and %d bytes skipped, want %v and %d", err, skipped, c.err, c.skipped)
			}
		})
	}
}

func TestReadByteByByte(t *testing.T) {
	long := "MSH|" + strings.Repeat("x", 40_000) + "\r"
	r := bufio.NewReader(iotest.OneByteReader(strings.NewReader("\x0b" + long + "\x1c\r\x0b" + long + "\x1c\r")))
	for range 2 {
		if got, skipped, err := mllp.Read(r, 0); err != nil || skipped != 0 || string(got) != long {
			t.Fatalf("got %d bytes, %d skipped, %v", len(got), skipped, err)
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	var large *mllp.TooLargeError
	endless := io.MultiReader(strings.NewReader("\x0bMSH|"), iotest.DataErrReader(endlessly('x')))
	if _, _, err := mllp.Read(bufio.NewReader(endless), 1000); !errors.As(err, &large) || large.Garbage || large.Limit != 1000 {
		t.Errorf("message: got %v", err)
	}
	if _, n, err := mllp.Read(bufio.NewReader(endlessly('x')), 1000); !errors.As(err, &large) || !large.Garbage || n < 1000 {
		t.Errorf("garbage: got %v after %d bytes", err, n)
	}
	exact := "\x0b" + strings.Repeat("x", 1000) + "\x1c\r"
	if got, _, err := mllp.Read(bufio.NewReader(strings.NewReader(exact)), 1000); err != nil || len(got) != 1000 {
		t.Errorf("exactly the limit: got %d bytes, %v", len(got), err)
	}
}

type endlessly byte

func (c endlessly) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

func TestWriteIsOneWrite(t *testing.T) {
	var w counter
	if err := mllp.Write(&w, []byte("MSH|A\r")); err != nil || w.writes != 1 || w.String() != "\x0bMSH|A\r\x1c\r" {
		t.Errorf("got %q in %d writes, %v", w.String(), w.writes, err)
	}
	var refused *mllp.MessageError
	for _, bad := range []string{"a\x0bb", "a\x1cb"} {
		if err := mllp.Write(&w, []byte(bad)); !errors.As(err, &refused) || w.writes != 1 {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

type counter struct {
	bytes.Buffer
	writes int
}

func (c *counter) Write(b []byte) (int, error) {
	c.writes++
	return c.Buffer.Write(b)
}

// FuzzMLLPRead: any bytes, in any pieces, end; messages and what was skipped are never more than what came; and what
// Write writes is read back.
func FuzzMLLPRead(f *testing.F) {
	for _, s := range []string{"\x0bMSH|A\r\x1c\r", "x\x0b\x1c", "\x0bMSH|\x0bMSH|\x1c\r\n", "\x0b\x1c\x1c\x1c\r", "\x0b\x0b\x0bMSH\x1cMSH"} {
		f.Add([]byte(s), uint16(64))
	}
	f.Fuzz(func(t *testing.T, b []byte, limit uint16) {
		r := bufio.NewReaderSize(iotest.HalfReader(bytes.NewReader(b)), 16)
		total := 0
		for {
			msg, skipped, err := mllp.Read(r, int(limit)+1)
			if total += len(msg) + skipped; total > len(b) {
				t.Fatalf("%d bytes made of %d", total, len(b))
			}
			if len(msg) > int(limit)+1 {
				t.Fatalf("a message of %d bytes with a limit of %d", len(msg), limit+1)
			}
			if err != nil {
				break
			}
		}
		var w bytes.Buffer
		if mllp.Write(&w, b) != nil {
			return
		}
		got, skipped, err := mllp.Read(bufio.NewReader(&w), len(b)+1)
		if err != nil || skipped != 0 || !bytes.Equal(got, b) {
			t.Fatalf("written and read: got %q, %d skipped, %v", got, skipped, err)
		}
	})
}
