package lis1a

import (
	"bytes"
	"testing"
)

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"<ENQ><STX>1H|\\^&<CR><ETX><SUM><CR><LF><EOT>", "<STX>1H|<ETB><SUM><STX>2a<ETX><SUM><CR>", "<STX><ETX>03", "<STX>9x<ETX>zz<STX>",
	} {
		f.Add(unprint(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		frames, _ := Decode(raw)
		n := 0
		for _, fr := range frames {
			if fr.Number < 0 || fr.Number > 7 || fr.End != ETB && fr.End != ETX || !bytes.Contains(raw, fr.Raw) {
				t.Fatalf("frame %+v", fr)
			}
			n += len(fr.Raw)
		}
		if n > len(raw) {
			t.Fatalf("%d bytes of frames from %d", n, len(raw))
		}
		text := Text(frames)
		if CheckText(text) != nil {
			return
		}
		again, problems := Decode(bytes.Join(Encode(text, 100), nil))
		if got, want := Text(again), endRecord(text); !bytes.Equal(got, want) {
			t.Fatalf("got %q, want %q: %v", got, want, problems)
		}
	})
}

// The machine never panics, never loses count, and never acknowledges what was not kept.
func FuzzLink(f *testing.F) {
	f.Add(unprint("<ENQ><STX>1H|\\^&<CR><ETX><SUM><CR><LF><EOT>"), uint16(0))
	f.Add(unprint("<ACK><ACK><ACK><NAK>x<EOT><ENQ>"), uint16(0x1234))
	f.Fuzz(func(t *testing.T, line []byte, how uint16) {
		d := Standard()
		if how&1 != 0 {
			d = Tolerant()
		}
		d.NoENQ, d.GrantInterrupt, d.NoChecksum = how&2 != 0, how&4 != 0, how&8 != 0
		w := &fuzzed{t: t, link: NewLink(d, Role(how>>4&1)), how: how}
		for len(line) > 0 {
			w.owner(int(line[0]))
			part := line[:min(len(line), 1+int(how>>5)%7)]
			line = line[len(part):]
			for len(part) > 0 {
				n, out := w.link.Receive(part)
				if n == 0 && !out.acts() {
					t.Fatal("the link neither takes bytes nor acts")
				}
				part = part[n:]
				w.act(out)
			}
		}
		w.act(w.link.Drop("the end"))
		if w.open || w.sending || w.link.State() != Idle {
			t.Fatalf("open %v, sending %v, %v", w.open, w.sending, w.link.State())
		}
	})
}

type fuzzed struct {
	t             *testing.T
	link          *Link
	how           uint16
	n             int
	open, sending bool
	kept          int
}

// owner does what an owner may do at any time.
func (w *fuzzed) owner(n int) {
	switch w.n++; (w.n + n) % 5 {
	case 0:
		out, err := w.link.Send(Encode([]byte("H|\\^&\rL|1\r"), 4))
		if (err != nil) != w.sending {
			w.t.Fatalf("Send: %v while sending is %v", err, w.sending)
		}
		w.sending = true
		w.act(out)
	case 1:
		w.act(w.link.Expire())
	case 2:
		w.act(w.link.Cancel())
	case 3:
		w.link.Interrupt()
	}
}

func (w *fuzzed) act(o Output) {
	if (o.Begin || o.Keep != nil) && o.Write != nil {
		w.t.Fatalf("%q is written while a question is open", o.Write)
	}
	if o.End != nil {
		if !w.open || o.End.Frames != w.kept {
			w.t.Fatalf("end %+v of a session that is open %v with %d frames", o.End, w.open, w.kept)
		}
		w.open, w.kept = false, 0
	}
	if o.Sent != nil {
		if !w.sending {
			w.t.Fatal("told twice that a message was sent")
		}
		w.sending = false
	}
	if !o.Begin && o.Keep == nil {
		return
	}
	w.n++
	a := Answer(w.n * int(w.how) % 3)
	switch {
	case o.Begin && a != Refuse:
		w.open = true
	case o.Keep != nil && a != Refuse:
		w.kept++
	}
	w.act(w.link.Answer(a))
}
