package lis1a

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	const f1, f2 = "<STX>1H|\\^&<CR><ETX><SUM><CR><LF>", "<STX>2L|1<CR><ETX><SUM><CR><LF>"
	for _, c := range []struct {
		name, raw, text string
		problems        []string
	}{
		{"a session", "<ENQ>" + f1 + f2 + "<EOT>", "H|\\^&\rL|1\r", nil},
		{"frames alone", f1 + f2, "H|\\^&\rL|1\r", nil},
		{"both sides", "<ENQ><ACK>" + f1 + "<ACK>" + f2 + "<ACK><EOT>", "H|\\^&\rL|1\r", nil},
		{"no line ends", "<STX>1H|\\^&<CR><ETX><SUM><STX>2L|1<CR><ETX><SUM>", "H|\\^&\rL|1\r", nil},
		{"a record cut by ETB", "<STX>1H|\\<ETB><SUM><CR><LF><STX>2^&<ETX><SUM><CR><LF>", "H|\\^&\r", nil},
		{"sent again", f1 + f1 + f2, "H|\\^&\rL|1\r", []string{"sent again, taken once"}},
		{"damaged, sent again", "<STX>1H|\\^&<CR><ETX>00<CR><LF><NAK>" + f1, "H|\\^&\r", []string{"the checksum is 00", "sent again in order"}},
		{"damaged", "<STX>1H|\\^&<CR><ETX>00<CR><LF>", "H|\\^&\r", []string{"the checksum is 00"}},
		{"no checksum", "<STX>1H|\\^&<CR><ETX>", "", []string{"broke off"}},
		{"other bytes", f1 + "<STX>1M|1<CR><ETX><SUM><CR><LF>", "H|\\^&\rM|1\r", []string{"with other bytes"}},
		{"a jump", f1 + "<STX>4L|1<CR><ETX><SUM><CR><LF>", "H|\\^&\rL|1\r", []string{"frame 2 was expected"}},
		{"broken off", "<ENQ><STX>1H|\\^&<ETB><SUM><CR><LF><STX>2|a<EOT><ENQ>" + f1, "H|\\^&\rH|\\^&\r", []string{"broke off"}},
		{"noise", "abc" + f1 + "def", "H|\\^&\r", []string{"3 bytes are no part", "3 bytes are no part"}},
		{"nothing", "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			frames, problems := Decode(unprint(c.raw))
			if got := string(Text(frames)); got != c.text {
				t.Errorf("text %q, want %q", got, c.text)
			}
			if len(problems) != len(c.problems) {
				t.Fatalf("problems %v, want %v", problems, c.problems)
			}
			for i, p := range problems {
				if !strings.Contains(p.String(), c.problems[i]) {
					t.Errorf("problem %q, want %q", p, c.problems[i])
				}
			}
		})
	}
}

func TestEncode(t *testing.T) {
	frames := Encode([]byte("H|\\^&\rR|1|0123456789\rL|1"), 8)
	want := []string{"<STX>1H|\\^&<CR><ETX>E5", "<STX>2R|1|0123<ETB>", "<STX>3456789<CR><ETX>", "<STX>4L|1<ETX>"}
	if len(frames) != len(want) {
		t.Fatalf("got %q", frames)
	}
	for i, f := range frames {
		if !bytes.HasPrefix(f, unprint(want[i])) || !bytes.HasSuffix(f, []byte("\r\n")) {
			t.Errorf("frame %d: got %q, want %q", i, f, want[i])
		}
	}
	long := strings.Repeat("R|1|"+strings.Repeat("x", 500)+"\r", 9)
	decoded, problems := Decode(bytes.Join(Encode([]byte(long), 0), nil))
	if got := string(Text(decoded)); got != long || len(problems) != 0 || len(decoded) != 27 {
		t.Errorf("got %d frames, %v, %q", len(decoded), problems, got)
	}
}

// The checksum keeps its zero: published frames of a cobas c111 [LIS01 6.3.1.4].
func TestChecksum(t *testing.T) {
	for body, want := range map[string]byte{"5C|1|I||I\r\x17": 0x4F, "7L|1|N\r\x03": 0x0A, "2P|1||\r\x17": 0x4B} {
		if got := Checksum([]byte(body)); got != want {
			t.Errorf("%q: got %02X, want %02X", body, got, want)
		}
	}
}

const corpus = "../../../shared/corpus/astm"

// manifest reads the lines of the corpus for a format: file, frames, and how many of their checksums are right.
func manifest(t *testing.T, format string) map[string][2]int {
	raw, err := os.ReadFile(filepath.Join(corpus, "manifest.tsv"))
	if err != nil {
		t.Skipf("the recorded sessions are not here: %v", err)
	}
	out := map[string][2]int{}
	for line := range strings.Lines(string(raw)) {
		if f := strings.Split(line, "\t"); len(f) > 11 && f[3] == format {
			frames, _ := strconv.Atoi(f[10])
			right, _ := strconv.Atoi(f[11])
			out[f[1]] = [2]int{frames, right}
		}
	}
	return out
}

// Every recorded session is read, whole and cut anywhere, and its checksums are as its list says.
func TestRecordedSessions(t *testing.T) {
	for file, want := range manifest(t, "astm-frames") {
		raw, err := os.ReadFile(filepath.Join(corpus, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if frames, right := countFrames(raw); frames != want[0] || right != want[1] {
			t.Errorf("%s: %d frames, %d checksums right; want %d, %d", file, frames, right, want[0], want[1])
		}
		frames, _ := Decode(raw)
		text := Text(frames)
		if len(frames) == 0 {
			t.Errorf("%s: no frames", file)
		}
		again, problems := Decode(bytes.Join(Encode(text, 0), nil))
		text = endRecord(text) // The last session may have been broken off.
		if got := Text(again); !bytes.Equal(got, text) {
			t.Errorf("%s: written and read again, %d bytes became %d: %v", file, len(text), len(got), problems)
		}
		for cut := 0; cut < len(raw); cut += 1 + len(raw)/397 {
			Decode(raw[:cut])
			Decode(raw[cut:])
		}
	}
}

// countFrames counts all the frames of a capture, repetitions too.
func countFrames(raw []byte) (frames, right int) {
	d := Tolerant()
	s := scanner{dialect: d}
	count := func() {
		f, err := s.take()
		if f.End != 0 {
			frames++
		}
		if err == nil {
			right++
		}
	}
	for i := 0; i < len(raw); i++ {
		switch st := s.push(raw[i]); {
		case st.done:
			if count(); !st.took {
				i--
			}
		case st.broke:
			s.reset()
			i--
		}
	}
	if s.part >= digit2 {
		s.finish()
		count()
	}
	return frames, right
}

// A recorded session plays through the link as an instrument would send it: every frame is kept once.
func TestRecordedSessionsThroughTheLink(t *testing.T) {
	for file, want := range manifest(t, "astm-frames") {
		raw, err := os.ReadFile(filepath.Join(corpus, file))
		if err != nil || want[0] != want[1] || strings.Contains(file, "51fs") {
			continue // Logs that changed bytes, and sessions that were broken off.
		}
		frames, _ := Decode(raw)
		d := Tolerant()
		d.FrameNumbers = NumbersIgnored
		link, kept := NewLink(d, Host), []Frame{}
		act := func(out Output) {
			for out.Begin || out.Keep != nil {
				if out.Keep != nil {
					kept = append(kept, *out.Keep)
				}
				out = link.Answer(Accept)
			}
			if out.Write != nil && out.Write[0] != ACK {
				t.Errorf("%s: %q was answered", file, out.Write)
			}
		}
		feed := func(b []byte) {
			for len(b) > 0 {
				n, out := link.Receive(b)
				b = b[n:]
				act(out)
			}
		}
		feed([]byte{ENQ})
		for _, f := range frames {
			if feed(f.Raw); link.scan.waitsForLineEnd() {
				act(link.Expire())
			}
		}
		feed([]byte{EOT})
		if got, want := string(Text(kept)), string(Text(frames)); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}
