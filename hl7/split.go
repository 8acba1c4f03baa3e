package hl7

import "bytes"

// Split takes a file of messages apart: after one another, in MLLP frames, or in batches (FHS BHS … BTS FTS), whose
// own segments are left out. Bytes before the first message that are neither batch segments nor blank are an item of
// their own, which Parse then refuses with a place; so nothing vanishes. The items are parts of b.
func Split(b []byte) [][]byte {
	var out [][]byte
	start, open := -1, false // Where the item in hand begins, and whether lines belong to it.
	finish := func(end int) {
		if start >= 0 {
			if item := trimFraming(b[start:end]); len(bytes.TrimSpace(item)) > 0 {
				out = append(out, item)
			}
		}
		start = -1
	}
	for at := 0; at < len(b); {
		next := nextLine(b, at)
		line := b[skipJunk(b[:next], at):next]
		switch kind := lineKind(line); {
		case kind == lineMessage:
			finish(at)
			start, open = next-len(line), true
		case kind == lineBatch:
			finish(at)
			open = false
		case start < 0 && len(line) > 0 && !open:
			start, open = at, true
		}
		at = next
	}
	finish(len(b))
	return out
}

type lineType uint8

const (
	lineOther lineType = iota
	lineMessage
	lineBatch
)

func lineKind(line []byte) lineType {
	if len(line) < 4 || isAlnum(line[3]) {
		return lineOther
	}
	switch string(line[:3]) {
	case "MSH":
		if isPunct(line[3]) {
			return lineMessage
		}
	case "FHS", "BHS", "BTS", "FTS":
		return lineBatch
	}
	return lineOther
}

// nextLine returns where the line after the one at an offset begins, whichever terminator is used.
func nextLine(b []byte, at int) int {
	i := bytes.IndexAny(b[at:], "\r\n")
	if i < 0 {
		return len(b)
	}
	i += at + 1
	if b[i-1] == '\r' && i < len(b) && b[i] == '\n' {
		i++
	}
	return i
}

// trimFraming takes MLLP framing off the end of an item.
func trimFraming(b []byte) []byte {
	end := len(b)
	for end > 0 && (b[end-1] == 0x1c || b[end-1] == 0x0b || b[end-1] == '\r' || b[end-1] == '\n') {
		end--
	}
	if end < len(b) && (b[end] == '\r' || b[end] == '\n') {
		end = nextLine(b, end)
	}
	return b[:end]
}
