package lis1a

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Two links over a line that loses, doubles and damages what is written: nothing that was reported as sent is lost, and no
// frame is kept twice.
func TestPairOverABadLine(t *testing.T) {
	total := map[string]int{}
	for seed := range uint64(400) {
		w := newPairWorld(seed, float64(seed%5)/20)
		w.run(t)
		w.judge(t)
		for k, n := range w.events {
			total[k] += n
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, k := range []string{"lost", "doubled", "damaged", "contention", "repeated", "resent", "failed", "incomplete"} {
		if total[k] == 0 {
			t.Errorf("%s never happened: %v", k, total)
		}
	}
}

// side is one end of the line and its owner.
type side struct {
	link    *Link
	in      []byte // On the way to it.
	timer   time.Duration
	todo    [][]byte // Messages to send.
	sent    int      // Messages reported as sent.
	session []Frame
	open    bool
	got     []string // Texts of the sessions that ended, complete or not.
}

type pairWorld struct {
	r      *rand.Rand
	faults float64
	now    time.Duration
	sides  [2]*side
	events map[string]int
}

func newPairWorld(seed uint64, faults float64) *pairWorld {
	w := &pairWorld{r: rand.New(rand.NewPCG(seed, 1)), faults: faults, events: map[string]int{}}
	for i, role := range []Role{Host, Instrument} {
		d := Standard()
		if seed%2 == 1 {
			d = Tolerant()
		}
		s := &side{link: NewLink(d, role)}
		for m := range 4 {
			text := fmt.Sprintf("H|\\^&|%d-%d\r", i, m)
			for rec := range w.r.IntN(12) {
				text += fmt.Sprintf("R|%d|^^^DUB|%x\r", rec, w.r.Uint64())
			}
			s.todo = append(s.todo, []byte(text+"L|1|N\r"))
		}
		w.sides[i] = s
	}
	return w
}

// run lets both send all their messages, each again until it is reported as sent.
func (w *pairWorld) run(t *testing.T) {
	for i := range w.sides {
		w.send(t, i)
	}
	for step := 0; ; step++ {
		if step > 200_000 {
			t.Fatalf("no end: %d and %d sent after %v", w.sides[0].sent, w.sides[1].sent, w.now)
		}
		i := w.r.IntN(2)
		if len(w.sides[i].in) == 0 {
			i = 1 - i
		}
		switch s := w.sides[i]; {
		case len(s.in) > 0:
			b := s.in
			s.in = nil
			for len(b) > 0 {
				n, out := s.link.Receive(b)
				b = b[n:]
				w.act(t, i, out)
			}
		case !w.tick(t):
			return
		}
	}
}

// tick lets the next timer expire; false when there is none.
func (w *pairWorld) tick(t *testing.T) bool {
	next := -1
	for i, s := range w.sides {
		if s.timer > 0 && (next < 0 || s.timer < w.sides[next].timer) {
			next = i
		}
	}
	if next < 0 {
		return false
	}
	s := w.sides[next]
	w.now, s.timer = s.timer, 0
	w.act(t, next, s.link.Expire())
	return true
}

func (w *pairWorld) send(t *testing.T, i int) {
	s := w.sides[i]
	if s.sent == len(s.todo) {
		return
	}
	out, err := s.link.Send(Encode(s.todo[s.sent], 20))
	if err != nil {
		t.Fatal(err)
	}
	w.act(t, i, out)
}

func (w *pairWorld) act(t *testing.T, i int, o Output) {
	s := w.sides[i]
	for _, n := range o.Notes {
		w.events[map[Note]string{NoteContention: "contention", NoteRepeated: "repeated", NoteResent: "resent"}[n]]++
	}
	if o.End != nil {
		if !s.open || o.End.Frames != len(s.session) {
			t.Errorf("end of %d frames, %d were kept, open %v", o.End.Frames, len(s.session), s.open)
		}
		if !o.End.Complete {
			w.events["incomplete"]++
		}
		s.got, s.session, s.open = append(s.got, string(Text(s.session))), nil, false
	}
	if o.Begin || o.Keep != nil {
		if bytes.IndexByte(o.Write, ACK) >= 0 {
			t.Error("P1: acknowledged before it was kept")
		}
	}
	w.put(1-i, o.Write)
	switch {
	case o.Timer > 0:
		s.timer = w.now + o.Timer
	case o.Timer < 0:
		s.timer = 0
	}
	if o.Sent != nil {
		if o.Sent.Err == nil {
			s.sent++
		} else {
			w.events["failed"]++
		}
		w.send(t, i)
	}
	switch {
	case o.Begin:
		s.open = true
		w.act(t, i, s.link.Answer(Accept))
	case o.Keep != nil:
		s.session = append(s.session, *o.Keep)
		w.act(t, i, s.link.Answer(Accept))
	}
}

// put puts bytes on the line.
func (w *pairWorld) put(to int, b []byte) {
	if len(b) == 0 {
		return
	}
	b = bytes.Clone(b)
	if w.r.Float64() < w.faults {
		switch w.r.IntN(3) {
		case 0:
			w.events["lost"]++
			return
		case 1:
			w.events["doubled"]++
			b = append(b, b...)
		case 2:
			w.events["damaged"]++
			b[w.r.IntN(len(b))] ^= 1 << w.r.IntN(8)
		}
	}
	w.sides[to].in = append(w.sides[to].in, b...)
}

// judge compares what was reported as sent with what the other side kept.
func (w *pairWorld) judge(t *testing.T) {
	for i, s := range w.sides {
		peer := w.sides[1-i]
		if s.sent != len(s.todo) {
			t.Errorf("side %d sent %d of %d", i, s.sent, len(s.todo))
		}
		for _, m := range s.todo {
			whole := 0
			for _, got := range peer.got {
				if got == string(m) {
					whole++
				}
			}
			if whole == 0 {
				t.Errorf("side %d: %q was reported as sent, the other side has %q", i, m, peer.got)
			}
			if whole > 1 && w.faults == 0 {
				t.Errorf("side %d: %q came %d times over a good line", i, m, whole)
			}
		}
		for _, got := range peer.got {
			if !w.beginning(s, got) {
				t.Errorf("side %d never sent %q", i, got)
			}
		}
	}
}

// beginning tells whether a session is the beginning of a message: all of it, or what came before a failure.
func (w *pairWorld) beginning(s *side, got string) bool {
	for _, m := range s.todo {
		if got == string(m) || bytes.HasPrefix(m, bytes.TrimSuffix([]byte(got), []byte{CR})) {
			return true
		}
	}
	return false
}
