package devices

import (
	"fmt"
	"time"

	"rorpost/astm/lis1a"
)

// Quirks are what the model does otherwise than LIS01-A2 on the line; the zero value is the standard. Each is the
// deviation of the same name in [lis1a.Dialect].
type Quirks struct {
	Tolerant        bool   `toml:"tolerant"` // Begin with what known models do, instead of the standard.
	NoChecksum      bool   `toml:"no_checksum"`
	LooseChecksum   bool   `toml:"loose_checksum"`
	SumWithoutEnd   bool   `toml:"sum_without_end"`
	LineEndOptional bool   `toml:"line_end_optional"`
	LooseText       bool   `toml:"loose_text"`
	LooseReply      bool   `toml:"loose_reply"`
	FrameNumbers    string `toml:"frame_numbers"` // "strict", "tolerant", "ignored"; "" as the base has it.
	NoENQ           bool   `toml:"no_enq"`
	GrantInterrupt  bool   `toml:"grant_interrupt"`
	AnswerDelay     int    `toml:"answer_delay"` // Milliseconds before the gateway's answer.
	MaxText         int    `toml:"max_text"`     // Bytes of text in a frame that is sent; 0: 240.
	MaxReceive      int    `toml:"max_receive"`  // Bytes of text in a frame that is taken; 0: 63993, or 1 MiB when tolerant.
}

var frameNumbers = map[string]lis1a.FrameNumbers{
	"strict": lis1a.NumbersStrict, "tolerant": lis1a.NumbersTolerant, "ignored": lis1a.NumbersIgnored,
}

// check returns what is wrong, or "".
func (q Quirks) check() string {
	_, known := frameNumbers[q.FrameNumbers]
	switch {
	case q.MaxText < 0 || q.MaxText > 63993:
		return "dialect.max_text must be 0 to 63993" // [LIS01 6.3.1.2]
	case q.MaxReceive < 0 || q.MaxReceive > 16<<20:
		return "dialect.max_receive must be 0 to 16777216"
	case q.AnswerDelay < 0 || q.AnswerDelay > 15000:
		return "dialect.answer_delay must be 0 to 15000 milliseconds"
	case q.FrameNumbers != "" && !known:
		return fmt.Sprintf("dialect.frame_numbers %q is not one of strict, tolerant, ignored", q.FrameNumbers)
	}
	return ""
}

// Link is the dialect that the model speaks on the line.
func (p *Profile) Link() lis1a.Dialect {
	q := p.Dialect
	d := lis1a.Standard()
	if q.Tolerant {
		d = lis1a.Tolerant()
	}
	d.NoChecksum = d.NoChecksum || q.NoChecksum
	d.LooseChecksum = d.LooseChecksum || q.LooseChecksum
	d.SumWithoutEnd = d.SumWithoutEnd || q.SumWithoutEnd
	d.LineEndOptional = d.LineEndOptional || q.LineEndOptional
	d.LooseText = d.LooseText || q.LooseText
	d.LooseReply = d.LooseReply || q.LooseReply
	d.NoENQ = d.NoENQ || q.NoENQ
	d.GrantInterrupt = d.GrantInterrupt || q.GrantInterrupt
	if n, ok := frameNumbers[q.FrameNumbers]; ok {
		d.FrameNumbers = n
	}
	if q.AnswerDelay > 0 {
		d.AnswerDelay = time.Duration(q.AnswerDelay) * time.Millisecond
	}
	if q.MaxText > 0 {
		d.MaxText = q.MaxText
	}
	if q.MaxReceive > 0 {
		d.MaxReceive = q.MaxReceive
	}
	return d
}
