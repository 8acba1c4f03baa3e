package lis1a

import "time"

// The characters of the link [LIS01 3].
const (
	STX = 0x02
	ETX = 0x03
	EOT = 0x04
	ENQ = 0x05
	ACK = 0x06
	LF  = 0x0A
	CR  = 0x0D
	NAK = 0x15
	ETB = 0x17
)

// FrameNumbers says how strictly frame numbers are taken.
type FrameNumbers uint8

// The strictness of frame numbers. In each, a frame with the number and the bytes of the last one is a repetition.
const (
	// NumbersStrict refuses every frame that is not the next one; the first is 1 [LIS01 6.3.2.1]. The number of the last
	// frame with other bytes is refused too: taking it for a repetition would lose it.
	NumbersStrict FrameNumbers = iota
	// NumbersTolerant takes a frame that has the last one's number and other bytes (Yumizen H500), and a session that
	// begins with 0. A jump is refused: something was lost.
	NumbersTolerant
	// NumbersIgnored takes every number (Yumizen H500 quality control: 1 2 3 4 5 1 1 1 4 5). A lost frame is not noticed.
	NumbersIgnored
)

// Dialect is how a link differs from the standard. Each field is one deviation; the zero value has none.
type Dialect struct {
	// NoChecksum takes frames without a checksum, or with one that is not looked at (hosts that compute it wrongly).
	NoChecksum bool
	// LooseChecksum takes lower-case digits, and one digit where the first is 0.
	LooseChecksum bool
	// SumWithoutEnd also takes a sum without the ETB or ETX (Indiko's host, Dimension).
	SumWithoutEnd bool
	// LineEndOptional takes CR alone or nothing after the checksum (Afinion 2, DCA Vantage, XP-100, XN-330). The frame is
	// then complete when nothing follows for LineEndWait.
	LineEndOptional bool
	// LooseText takes LF and other control characters in text (Celltac, loggers that turn CR into LF).
	LooseText bool
	// LooseReply passes over CR, LF and NUL where an answer is expected.
	LooseReply bool
	// FrameNumbers is the rule for frame numbers.
	FrameNumbers FrameNumbers
	// NoENQ takes a frame as the beginning of a session (Afinion 2). A session that was lost in the middle can then not be
	// told from a new one.
	NoENQ bool
	// GrantInterrupt gives the line to a receiver that asks for it with EOT, and sends the message again later
	// [LIS01 6.3.3]. Otherwise the message is finished first, as the standard allows.
	GrantInterrupt bool
	// AnswerDelay is the least pause between the other side's EOT and our ENQ, when more than Turnaround.
	AnswerDelay time.Duration
	// MaxText is the number of bytes of text in a frame that is sent; 0 is 240 [LIS01 6.3.1.2].
	MaxText int
	// MaxReceive is the number of bytes of text in a frame that is taken; 0 is 63,993 [LIS01 6.3.1.2].
	MaxReceive int
}

// Standard is LIS01-A2 to the letter.
func Standard() Dialect { return Dialect{} }

// Tolerant takes what known analyzers do, as long as nothing can be lost by it unnoticed.
func Tolerant() Dialect {
	return Dialect{
		LooseChecksum:   true,
		LineEndOptional: true,
		LooseText:       true,
		LooseReply:      true,
		FrameNumbers:    NumbersTolerant,
		MaxReceive:      1 << 20, // Histograms come in one frame.
	}
}

const (
	textLimit    = 240
	receiveLimit = 63993
)

func (d Dialect) maxText() int {
	if d.MaxText > 0 {
		return d.MaxText
	}
	return textLimit
}

func (d Dialect) maxReceive() int {
	if d.MaxReceive > 0 {
		return d.MaxReceive
	}
	return receiveLimit
}
