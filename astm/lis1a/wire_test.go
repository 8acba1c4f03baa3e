package lis1a

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the transcripts with what the link does now")

// Transcripts: ">" is the instrument, "<" the host, "!" the timer, "=" what the owner is told, "?" what the owner answers next,
// "+" a message to send. Lines that the link makes are compared with what it makes now.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// bench runs a link and writes down what happens.
type bench struct {
	t       *testing.T
	link    *Link
	role    Role
	timer   time.Duration
	answers []Answer
	out     strings.Builder
}

func replay(t *testing.T, script string) string {
	b := &bench{t: t}
	b.start("host standard")
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\n")
		verb, rest, _ := strings.Cut(line, " ")
		ours := verb == "<" && b.role == Host || verb == ">" && b.role == Instrument || verb == "="
		if ours {
			continue
		}
		fmt.Fprintln(&b.out, line)
		switch verb {
		case "link":
			b.start(rest)
		case ">", "<":
			b.receive(unprint(rest))
		case "!":
			b.expire(rest)
		case "?":
			b.answers = append(b.answers, map[string]Answer{"accept": Accept, "refuse": Refuse, "late": Late}[rest])
		case "+":
			b.send(rest)
		case "", "#":
		default:
			t.Fatalf("line %q", line)
		}
	}
	return b.out.String()
}

// start sets the link: role and dialect, and single quirks.
func (b *bench) start(how string) {
	d := Standard()
	words := strings.Fields(how)
	if words[0] == "instrument" {
		b.role = Instrument
	} else {
		b.role = Host
	}
	for _, w := range words[1:] {
		switch w {
		case "standard":
		case "tolerant":
			d = Tolerant()
		case "no-enq":
			d.NoENQ = true
		case "no-checksum":
			d.NoChecksum = true
		case "ignore-numbers":
			d.FrameNumbers = NumbersIgnored
		case "sum-without-end":
			d.SumWithoutEnd = true
		case "grant":
			d.GrantInterrupt = true
		default:
			b.t.Fatalf("dialect %q", w)
		}
	}
	b.link, b.timer = NewLink(d, b.role), 0
}

func (b *bench) receive(p []byte) {
	for len(p) > 0 {
		n, out := b.link.Receive(p)
		p = p[n:]
		b.act(out)
	}
}

func (b *bench) expire(rest string) {
	d, err := time.ParseDuration(rest)
	if err != nil || d != b.timer {
		b.t.Errorf("the timer is %v, the transcript has %q", b.timer, rest)
	}
	b.timer = 0
	b.act(b.link.Expire())
}

func (b *bench) send(rest string) {
	switch rest {
	case "cancel":
		b.act(b.link.Cancel())
		return
	case "interrupt":
		b.link.Interrupt()
		return
	case "drop":
		b.act(b.link.Drop("the line was lost"))
		return
	}
	out, err := b.link.Send(Encode(unprint(rest), 0))
	if err != nil {
		fmt.Fprintf(&b.out, "= %v\n", err)
	}
	b.act(out)
}

func (b *bench) act(o Output) {
	for _, n := range o.Notes {
		fmt.Fprintf(&b.out, "= note %v\n", n)
	}
	if o.End != nil {
		fmt.Fprintf(&b.out, "= end frames=%d complete=%v %s\n", o.End.Frames, o.End.Complete, o.End.Reason)
	}
	if o.Begin {
		fmt.Fprintln(&b.out, "= begin")
	}
	if o.Keep != nil {
		fmt.Fprintf(&b.out, "= keep %d %s\n", o.Keep.Number, print(o.Keep.Text))
	}
	if o.Write != nil {
		fmt.Fprintf(&b.out, "%c %s\n", map[Role]byte{Host: '<', Instrument: '>'}[b.role], print(o.Write))
	}
	if o.Timer != 0 {
		b.timer = max(0, o.Timer)
	}
	if o.Sent != nil {
		fmt.Fprintf(&b.out, "= sent %v\n", o.Sent.Err)
	}
	if !o.Begin && o.Keep == nil {
		return
	}
	if o.Write != nil {
		b.t.Errorf("P1: %q is written while a question is open", o.Write)
	}
	a := Accept
	if len(b.answers) > 0 {
		a, b.answers = b.answers[0], b.answers[1:]
	}
	b.act(b.link.Answer(a))
}

var names = []struct {
	name string
	b    byte
}{{"STX", STX}, {"ETX", ETX}, {"EOT", EOT}, {"ENQ", ENQ}, {"ACK", ACK}, {"NAK", NAK}, {"ETB", ETB}, {"CR", CR}, {"LF", LF}}

func print(p []byte) string {
	for _, n := range names {
		p = bytes.ReplaceAll(p, []byte{n.b}, []byte("<"+n.name+">"))
	}
	return string(p)
}

// unprint reads control characters by name; <SUM> is the right checksum of the frame before it.
func unprint(s string) []byte {
	p := []byte(s)
	for _, n := range names {
		p = bytes.ReplaceAll(p, []byte("<"+n.name+">"), []byte{n.b})
	}
	for {
		i := bytes.Index(p, []byte("<SUM>"))
		if i < 0 {
			return p
		}
		from := bytes.LastIndexByte(p[:i], STX) + 1
		p = append(p[:i:i], append(fmt.Appendf(nil, "%02X", Checksum(p[from:i])), p[i+5:]...)...)
	}
}
