package lis1a

import "fmt"

// Problem is something in a capture that is not as it should be.
type Problem struct {
	Offset int // In the capture.
	Reason string
}

func (p Problem) String() string { return fmt.Sprintf("byte %d: %s", p.Offset, p.Reason) }

// Decode reads the frames out of a capture of a line, or out of frames alone: with or without ENQ and EOT, with the
// answers of the other side in it or not. A frame that was sent again is taken once. A frame with a wrong checksum is
// taken, and told, unless it was sent again in order: loggers change bytes.
func Decode(raw []byte) (frames []Frame, problems []Problem) {
	d := Tolerant()
	d.MaxReceive = max(len(raw), 1)
	dec := &decoder{scan: scanner{dialect: d}}
	for i := 0; i < len(raw); {
		if dec.push(i, raw[i]) {
			i++
		}
	}
	dec.close(len(raw))
	return dec.frames, dec.problems
}

type decoder struct {
	scan     scanner
	start    int // Where the current frame begins.
	frames   []Frame
	problems []Problem
	session  []Frame // Those of frames since the last ENQ or EOT.
	bad      bool    // The last frame has a wrong checksum.
	noise    int     // Bytes that are part of nothing, since noiseAt.
	noiseAt  int
}

func (d *decoder) problem(at int, format string, args ...any) {
	d.problems = append(d.problems, Problem{Offset: at, Reason: fmt.Sprintf(format, args...)})
}

// push tells whether it took the byte.
func (d *decoder) push(at int, b byte) bool {
	if d.scan.part == outside && b == STX {
		d.quiet()
		d.start = at
	}
	st := d.scan.push(b)
	switch {
	case st.done:
		d.frame()
		return st.took
	case st.broke:
		d.problem(d.start, "a frame broke off after %d bytes", at-d.start)
		d.scan.reset()
		return false
	case st.took:
		return true
	}
	d.between(at, b)
	return true
}

func (d *decoder) between(at int, b byte) {
	switch {
	case b == ENQ, b == EOT:
		d.quiet()
		d.session, d.bad = nil, false
	case b == ACK, b == NAK, blank(b):
	default:
		if d.noise == 0 {
			d.noiseAt = at
		}
		d.noise++
	}
}

// quiet tells of the noise that came before something that is none.
func (d *decoder) quiet() {
	if d.noise > 0 {
		d.problem(d.noiseAt, "%d bytes are no part of a frame", d.noise)
		d.noise = 0
	}
}

func (d *decoder) close(at int) {
	switch d.scan.part {
	case inText, digit1:
		d.problem(d.start, "a frame broke off after %d bytes", at-d.start)
	case digit2, lineEnd, lineFeed:
		if d.scan.part == digit2 {
			d.scan.pushDigit2(0)
		}
		d.scan.finish()
		d.frame()
	}
	d.quiet()
}

// frame adds a frame to those of its session.
func (d *decoder) frame() {
	f, err := d.scan.take()
	if err != nil && f.Number < 0 || f.Number > 7 {
		d.problem(d.start, "%v", err)
		return
	}
	f.First = len(d.session) == 0
	if !f.First && d.replaces(f, err) {
		return
	}
	if err != nil {
		d.problem(d.start, "frame %d: %v", f.Number, err)
	}
	d.frames, d.session, d.bad = append(d.frames, f), append(d.session, f), err != nil
}

// replaces deals with a frame that came again, or out of order.
func (d *decoder) replaces(f Frame, err error) bool {
	last := d.session[len(d.session)-1]
	switch {
	case f.Number == last.Number && d.bad && err == nil:
		f.First = last.First
		d.frames[len(d.frames)-1], d.session[len(d.session)-1], d.bad = f, f, false
		d.problem(d.start, "frame %d: sent again in order", f.Number)
		return true
	case f.Number == last.Number && sameFrame(f, last):
		d.problem(d.start, "frame %d: sent again, taken once", f.Number)
		return true
	case f.Number == last.Number && err != nil && len(f.Text) == len(last.Text): // A copy that was damaged on the line.
		d.problem(d.start, "frame %d: sent again, damaged: %v", f.Number, err)
		return true
	case f.Number == last.Number:
		d.problem(d.start, "frame %d: the number came again with other bytes", f.Number)
	case f.Number != (last.Number+1)%8:
		d.problem(d.start, "frame %d: frame %d was expected; something may be missing", f.Number, (last.Number+1)%8)
	}
	return false
}
