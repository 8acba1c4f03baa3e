package hl7

import "bytes"

var bom = []byte{0xef, 0xbb, 0xbf}

// skipJunk returns where the first byte is that is neither framing, nor a byte order mark, nor white space.
func skipJunk(b []byte, i int) int {
	for i < len(b) {
		switch {
		case isJunk(b[i]) || b[i] == '\r' || b[i] == '\n':
			i++
		case bytes.HasPrefix(b[i:], bom):
			i += len(bom)
		default:
			return i
		}
	}
	return i
}

// isJunk reports bytes that may stand before or after a segment without belonging to it: blanks and MLLP framing.
func isJunk(c byte) bool { return c == ' ' || c == '\t' || c == 0x0b || c == 0x1c }

// scan finds the segments. CR is the terminator and a following LF is dropped; LF is the terminator when there is no
// CR, or when more segments begin after a lone LF than after a CR [HL7 2.5.1 2.5.2].
func (m *Message) scan(start int) ([]span, error) {
	b := m.raw[start:]
	lf := bytes.IndexByte(b, '\n') >= 0
	m.lineEnd = "\r"
	if !lf {
		return m.index(start, scanCR)
	}
	cr := bytes.Count(b, []byte{'\r'})
	switch lone := m.loneLF(b); {
	case cr == 0 || lone > cr:
		m.lineEnd = "\n"
		return m.index(start, scanLF)
	case bytes.Contains(b, []byte("\r\n")):
		m.lineEnd = "\r\n"
	}
	return m.index(start, scanCR)
}

// loneLF counts the line feeds that follow no carriage return and precede what looks like a segment.
func (m *Message) loneLF(b []byte) int {
	n := 0
	for i := bytes.IndexByte(b, '\n'); i >= 0; {
		if (i == 0 || b[i-1] != '\r') && m.looksLikeSegment(b[i+1:]) {
			n++
		}
		next := bytes.IndexByte(b[i+1:], '\n')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return n
}

func (m *Message) looksLikeSegment(b []byte) bool {
	return len(b) > 3 && isUpper(b[0]) && isIDByte(b[1]) && isIDByte(b[2]) && b[3] == m.delims.Field
}

// scanCR and scanLF return the end of the line that begins at b, and where the next begins.
func scanCR(b []byte) (end, next int) {
	i := bytes.IndexByte(b, '\r')
	if i < 0 {
		return len(b), len(b)
	}
	if i+1 < len(b) && b[i+1] == '\n' {
		return i, i + 2
	}
	return i, i + 1
}

func scanLF(b []byte) (end, next int) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return len(b), len(b)
	}
	return i, i + 1
}

// index makes the list of segments. A line that begins with a letter, as nearly all do, costs one comparison.
func (m *Message) index(start int, line func([]byte) (end, next int)) ([]span, error) {
	segs := make([]span, 0, 8+min(1<<10, (len(m.raw)-start)/96))
	for at := start; at < len(m.raw); {
		end, next := line(m.raw[at:])
		s := span{uint32(at), uint32(at + end)}
		if end > 0 && !(isUpper(m.raw[s.start]) && m.raw[s.end-1] > 0x1c) {
			s = m.trim(s)
		}
		if s.start < s.end {
			if len(segs) == m.options.MaxSegments {
				return nil, &SyntaxError{Offset: int(s.start), Reason: "more segments than the limit"}
			}
			segs = append(segs, s)
		}
		at += next
	}
	return segs, nil
}

// trim leaves out of a line what does not belong to its segment. Blanks at the end are data and stay.
func (m *Message) trim(s span) span {
	b := m.raw[s.start:s.end]
	lead := 0
	for lead < len(b) {
		if isJunk(b[lead]) || b[lead] == '\n' || b[lead] == '\r' {
			lead++
		} else if bytes.HasPrefix(b[lead:], bom) {
			lead += len(bom)
		} else {
			break
		}
	}
	end := len(b)
	for end > lead && (b[end-1] == '\r' || b[end-1] == '\n' || b[end-1] == 0x1c) {
		end--
	}
	return span{s.start + uint32(lead), s.start + uint32(end)}
}
