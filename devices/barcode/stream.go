package barcode

import "time"

// Splitter cuts a scanner's bytes into scans: a scan ends at CR, LF, TAB or ETX; STX and NUL are not part of
// one, and an empty scan is none. The zero value is ready.
type Splitter struct {
	buf     []byte
	long    bool
	Dropped uint64 // Scans longer than any label, in number; their bytes are not kept.
}

// Push takes bytes as they were read and returns the scans that ended in them.
func (s *Splitter) Push(b []byte) [][]byte {
	var out [][]byte
	for _, c := range b {
		switch c {
		case '\r', '\n', '\t', 0x03:
			if scan := s.Flush(); scan != nil {
				out = append(out, scan)
			}
		case 0x02, 0x00:
		default:
			if len(s.buf) >= maxScan {
				s.long = true
				continue
			}
			s.buf = append(s.buf, c)
		}
	}
	return out
}

// Pending reports whether a scan has begun and not ended. A scanner without a line end is quiet for 100 ms
// after a scan; then [Splitter.Flush] ends it.
func (s *Splitter) Pending() bool { return len(s.buf) > 0 }

// Flush ends the scan that has begun; nil when there is none, or when it was too long.
func (s *Splitter) Flush() []byte {
	scan, long := s.buf, s.long
	s.buf, s.long = nil, false
	if long {
		s.Dropped++
		return nil
	}
	if len(scan) == 0 {
		return nil
	}
	return scan
}

// Window is how long the same text counts as the same scan.
const Window = 2 * time.Second

// Debounce makes one scan of a label that the scanner reads again and again. The zero value is ready.
type Debounce struct {
	text string
	at   time.Time
}

// Repeat reports whether text is the one that was seen less than [Window] ago, and remembers it.
func (d *Debounce) Repeat(text string, now time.Time) bool {
	since := now.Sub(d.at)
	repeat := text == d.text && !d.at.IsZero() && since >= 0 && since < Window
	d.text, d.at = text, now
	return repeat
}
