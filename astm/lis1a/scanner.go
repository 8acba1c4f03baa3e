package lis1a

import "fmt"

// part is where in a frame the scanner is.
type part uint8

const (
	outside  part = iota
	inText        // After STX.
	digit1        // After ETB or ETX.
	digit2        // After the first digit of the checksum.
	lineEnd       // After the checksum.
	lineFeed      // After the CR behind the checksum.
)

// scanner finds frames in bytes. It is what Link and Decode have in common.
type scanner struct {
	dialect Dialect
	part    part
	raw     []byte
	text    int   // Bytes of text, those that were not kept for their number among them.
	end     int   // Where ETB or ETX stands in raw.
	fault   error // The first thing that is wrong with the frame.
}

// step is what one byte did.
type step struct {
	took  bool // The byte belongs to a frame.
	done  bool // A frame is complete, before the byte if it was not taken.
	broke bool // A frame was broken off by the byte, which was not taken.
}

func (s *scanner) reset() { *s = scanner{dialect: s.dialect, raw: s.raw[:0]} }

// waitsForLineEnd tells whether the frame is complete but for its line end.
func (s *scanner) waitsForLineEnd() bool {
	return s.dialect.LineEndOptional && (s.part == lineEnd || s.part == lineFeed)
}

// push takes one byte. After a done frame, take must be called.
func (s *scanner) push(b byte) step {
	switch s.part {
	case inText:
		return s.pushText(b)
	case digit1:
		return s.pushDigit1(b)
	case digit2:
		return s.pushDigit2(b)
	case lineEnd, lineFeed:
		return s.pushLineEnd(b)
	}
	if b != STX {
		return step{}
	}
	s.reset()
	s.raw, s.part = append(s.raw, b), inText
	return step{took: true}
}

func (s *scanner) pushText(b byte) step {
	switch {
	case b == STX, b == EOT:
		return step{broke: true}
	case b == ETB, b == ETX:
		s.end, s.part = len(s.raw), digit1
	case b == ENQ, b == ACK, b == NAK, restricted(b) && !s.dialect.LooseText:
		s.fail(fmt.Errorf("byte %#02x may not stand in a frame", b))
	}
	if s.text++; s.text > s.dialect.maxReceive()+2 {
		s.fail(fmt.Errorf("it has more than %d bytes of text", s.dialect.maxReceive()))
		s.end = min(s.end, len(s.raw)-1)
		return step{took: true} // Not kept: the frame is refused anyway.
	}
	s.raw = append(s.raw, b)
	return step{took: true}
}

// pushDigit1 takes the first digit of the checksum.
func (s *scanner) pushDigit1(b byte) step {
	if _, ok := hexDigit(b); ok {
		s.raw, s.part = append(s.raw, b), digit2
		return step{took: true}
	}
	if !s.dialect.NoChecksum {
		s.fail(errNoChecksum)
	}
	s.part = lineEnd
	return s.pushLineEnd(b)
}

func (s *scanner) pushDigit2(b byte) step {
	s.part = lineEnd
	if _, ok := hexDigit(b); ok {
		s.raw = append(s.raw, b)
		s.verify(s.raw[len(s.raw)-2:])
		return step{took: true}
	}
	if s.dialect.LooseChecksum {
		s.verify([]byte{'0', s.raw[len(s.raw)-1]})
	} else if !s.dialect.NoChecksum {
		s.fail(errNoChecksum)
	}
	return s.pushLineEnd(b)
}

// verify compares the checksum [LIS01 6.3.1.4].
func (s *scanner) verify(digits []byte) {
	if s.dialect.NoChecksum {
		return
	}
	high, _ := hexDigit(digits[0])
	low, _ := hexDigit(digits[1])
	got, body := high<<4|low, s.raw[1:s.end+1]
	want := Checksum(body)
	lower := digits[0] >= 'a' || digits[1] >= 'a'
	switch {
	case lower && !s.dialect.LooseChecksum:
		s.fail(&ChecksumError{Got: string(digits), Want: want})
	case got == want, s.dialect.SumWithoutEnd && got == want-body[len(body)-1]:
	default:
		s.fail(&ChecksumError{Got: string(digits), Want: want})
	}
}

// pushLineEnd takes what follows the checksum: CR LF [LIS01 6.3.1.5].
func (s *scanner) pushLineEnd(b byte) step {
	switch {
	case b == CR && s.part == lineEnd, b == CR && s.dialect.LineEndOptional && len(s.raw) < s.end+6: // Some loggers double it.
		s.raw, s.part = append(s.raw, b), lineFeed
		return step{took: true}
	case b == LF && (s.part == lineFeed || s.dialect.LineEndOptional):
		s.raw, s.part = append(s.raw, b), outside
		return step{took: true, done: true}
	case !s.dialect.LineEndOptional:
		s.fail(errNoLineEnd)
	}
	s.part = outside
	return step{took: b == ENQ, done: true} // Nobody bids before the answer: ENQ here is a damaged CR.
}

// finish completes a frame whose line end does not come.
func (s *scanner) finish() {
	if s.fault == nil && !s.dialect.LineEndOptional {
		s.fail(errNoLineEnd)
	}
	s.part = outside
}

// take returns the frame that is done, and what is wrong with it. With an error other than a wrong checksum or number,
// the frame may hold no more than its bytes.
func (s *scanner) take() (Frame, error) {
	defer s.reset()
	raw := append([]byte(nil), s.raw...)
	f := Frame{Raw: raw, Number: -1}
	if s.end < 2 || s.end >= len(raw) {
		s.fail(errNoNumber)
		return f, s.fault
	}
	f.Text, f.End = raw[2:s.end], raw[s.end]
	f.Number = int(raw[1]) - '0'
	if f.Number < 0 || f.Number > 7 {
		s.fail(errNoNumber) // [LIS01 6.3.1.1].
	}
	return f, s.fault
}

func (s *scanner) fail(err error) {
	if s.fault == nil {
		s.fault = err
	}
}

func hexDigit(b byte) (byte, bool) {
	switch {
	case b >= '0' && b <= '9':
		return b - '0', true
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10, true
	case b >= 'a' && b <= 'f':
		return b - 'a' + 10, true
	}
	return 0, false
}
