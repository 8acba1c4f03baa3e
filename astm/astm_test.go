package astm

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = "H|\\^&|||Maker^Model|||||||P|LIS2-A2|20260101\rP|1\rO|1|4711^2^5||^^^CRP\\^^^HB\rR|1|^^^CRP^x|8.1|mg/L||H\\N||F\rC|1|I|a&F&b&S&c&R&d&E&e&X41&&Z1&|G\rL|1|N\r"

func parseOne(t *testing.T, text string) *Message {
	t.Helper()
	messages, err := Parse([]byte(text))
	if err != nil || len(messages) != 1 {
		t.Fatalf("got %d messages, %v; want one", len(messages), err)
	}
	return messages[0]
}

func TestGet(t *testing.T) {
	m := parseOne(t, sample)
	for _, c := range []struct {
		record     int
		path, want string
	}{
		{0, "1", "H"}, {0, "2", `\^&`}, {0, "2.1", `\^&`}, {0, "2.2", ""}, {0, "5", "Maker^Model"}, {0, "5.2", "Model"}, {0, "13", "LIS2-A2"},
		{1, "2", "1"}, {1, "3", ""}, {1, "3.1", ""}, {1, "40", ""},
		{2, "3", "4711^2^5"}, {2, "3.1", "4711"}, {2, "3.3", "5"}, {2, "3.4", ""}, {2, "5", `^^^CRP\^^^HB`}, {2, "5.4", "CRP"},
		{2, "5[2].4", "HB"}, {2, "5[3].4", ""}, {2, "5[2]", "^^^HB"},
		{3, "4", "8.1"}, {3, "7[1]", "H"}, {3, "7[2]", "N"},
		{4, "4", `a|b^c\d&eA&Z1&`}, {4, "4.1", `a|b^c\d&eA&Z1&`},
		{4, "", ""}, {4, "0", ""}, {4, "x", ""}, {4, "4[0]", ""}, {4, "4.0", ""}, {4, "4[1", ""}, {4, "+4", ""},
	} {
		if got := m.Records[c.record].Get(c.path); got != c.want {
			t.Errorf("record %d, path %q: got %q, want %q", c.record+1, c.path, got, c.want)
		}
	}
	r := m.Records[2]
	if r.Type() != 'O' || r.Reps(5) != 2 || r.Reps(4) != 0 || r.Reps(3) != 1 || r.Fields() != 5 || m.Records[0].Reps(2) != 1 {
		t.Errorf("got %c, %d, %d, %d, %d", r.Type(), r.Reps(5), r.Reps(4), r.Reps(3), r.Fields())
	}
	if len(m.Problems) > 0 || !m.Terminated {
		t.Errorf("got %v, terminated %v", m.Problems, m.Terminated)
	}
	if none := (Record{}); none.Type() != 0 || none.Get("1") != "" || none.Reps(1) != 0 || none.Fields() != 0 {
		t.Error("the zero record holds something")
	}
}

// Delimiters are the header's, for its message only [LIS02 5.4.7].
func TestDelimitersOfTheHeader(t *testing.T) {
	messages, err := Parse([]byte("H|`^&\rQ|1|^a`^b\rL|1\rH|@^\\\rR|1|a@b|x\\F\\y\rL|1\rH|\\^|\rR|1|a&F&b\rL|1\rP|1\rO|1|a\\b\rL|1\r"))
	if err != nil || len(messages) != 4 {
		t.Fatalf("got %d messages, %v", len(messages), err)
	}
	for i, c := range [][2]string{{"3[2].2", "b"}, {"4", "x|y"}, {"3", "a&F&b"}, {"3[2]", "b"}} {
		if got := messages[i].Records[1].Get(c[0]); got != c[1] {
			t.Errorf("message %d: got %q, want %q", i+1, got, c[1])
		}
	}
	if len(messages[3].Problems) != 1 {
		t.Errorf("a message without a header: got %v", messages[3].Problems)
	}
}

func TestTolerance(t *testing.T) {
	for _, c := range []struct {
		name, text, types string
		problems          []string
		terminated        bool
	}{
		{"line feeds", "H|\\^&\nR|1\nL|1\n", "HRL", nil, true},
		{"both, doubled", "\r\nH|\\^&\r\n\r\nR|1\r\nL|1", "HRL", nil, true},
		{"small letters", "h|\\^&\rr|1\rl|1\r", "HRL", nil, true},
		{"digits of frames", "1H|\\^&\r2R|1\r3L|1\r", "HRL", []string{"number", "number", "number"}, true},
		{"no terminator", "H|\\^&\rR|1\r", "HR", []string{"no terminator"}, false},
		{"unknown type", "H|\\^&\rX|1\rL|1\r", "HXL", []string{"no record type"}, true},
		{"no letter", "H|\\^&\r|1\rL|1\r", "H\x00L", []string{"does not begin"}, true},
		{"remarks first", "# remark\n\nH|\\^&\nR|1\nL|1\n", "\x00HRL", []string{"does not begin"}, true},
		{"no definition", "H\rR|1\rL|1\r", "HRL", []string{"defines no delimiters"}, true},
		{"letters as delimiters", "HELLO\rR|1\rL|1\r", "HRL", []string{"defines no delimiters"}, true},
		{"control character", "H|\\^&\rR|\x00\rL|1\r", "HRL", []string{"control character"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := parseOne(t, c.text)
			types := ""
			for _, r := range m.Records {
				types += string(rune(r.Type()))
			}
			if types != c.types || m.Terminated != c.terminated || len(m.Problems) != len(c.problems) {
				t.Fatalf("got %q, %v, %v", types, m.Terminated, m.Problems)
			}
			for i, p := range m.Problems {
				if !strings.Contains(p.String(), c.problems[i]) {
					t.Errorf("got %q, want %q", p, c.problems[i])
				}
			}
			if got := string(m.Bytes()); got != c.text {
				t.Errorf("written: got %q, want %q", got, c.text)
			}
		})
	}
	for _, text := range []string{"", "\r\n", "hello", "\x00\xff"} {
		var syntax *SyntaxError
		if m, err := Parse([]byte(text)); !errors.As(err, &syntax) {
			t.Errorf("%q: got %v, %v", text, m, err)
		}
	}
}

func TestCharset(t *testing.T) {
	latin := "H|\\^&\rR|1|\xe5\rL|1\r"
	utf := "H|\\^&\rR|1|å\rL|1\r"
	for _, c := range []struct {
		set        Charset
		text, want string
	}{{Detect, latin, "å"}, {Detect, utf, "å"}, {Latin1, utf, "Ã¥"}, {UTF8, utf, "å"}, {UTF8, latin, "å"}} {
		m, err := Options{Charset: c.set}.Parse([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := m[0].Records[1].Get("3"); got != c.want {
			t.Errorf("charset %d: got %q, want %q", c.set, got, c.want)
		}
	}
}

func TestBuild(t *testing.T) {
	m, err := NewMessage(DefaultDelimiters(),
		NewRecord('H').Set("5", "rorpost").Set("12", "P"),
		NewRecord('O').Set("2", "1").Set("3", "a|b^c\\d&e\rå").Set("5.4", "CRP").Set("5[2].4", "HB"),
		NewRecord('L').Set("2", "1"))
	if err != nil {
		t.Fatal(err)
	}
	want := "H|\\^&|||rorpost|||||||P\rO|1|a&F&b&S&c&R&d&E&e&X0D&\xe5||^^^CRP\\^^^HB\rL|1\r"
	if diff := cmp.Diff(want, string(m.Bytes())); diff != "" {
		t.Error(diff)
	}
	again := parseOne(t, want)
	if got := again.Records[1].Get("3"); got != "a|b^c\\d&e\rå" {
		t.Errorf("read again: got %q", got)
	}
	for _, b := range []*Builder{
		NewRecord('r'), NewRecord('R').Set("x", "1"), NewRecord('R').Set("1", "1"), NewRecord('H').Set("2", "1"), NewRecord('R').Set("3", "→"),
	} {
		var mistake *BuildError
		if m, err := NewMessage(DefaultDelimiters(), b); !errors.As(err, &mistake) {
			t.Errorf("got %v, %v", m, err)
		}
	}
	if _, err := NewMessage(Delimiters{'|', '|', '^', '&'}, NewRecord('H')); err == nil {
		t.Error("the same delimiter twice was taken")
	}
	if m, err := (Options{Charset: UTF8}).NewMessage(DefaultDelimiters(), NewRecord('R').Set("3", "→")); err != nil || m.Records[0].Get("3") != "→" {
		t.Errorf("got %v, %v", m, err)
	}
}

const corpus = "../../shared/corpus/astm"

// Every recorded file of records is read and written back byte for byte, and so is every beginning of it.
func TestRecordedRecords(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(corpus, "manifest.tsv"))
	if err != nil {
		t.Skipf("the recorded files are not here: %v", err)
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(line, "\t")
		if len(f) < 14 || f[3] != "astm-records" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(corpus, f[1]))
		if err != nil {
			t.Errorf("%s: %v", f[1], err)
			continue
		}
		messages, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", f[1], err)
		}
		if got := join(messages); !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes were written back as %d", f[1], len(text), len(got))
		}
		if got := tally(messages); strings.TrimSuffix(got, "L1") != strings.TrimSuffix(f[13], "L1") { // A bare L is not counted there.
			t.Errorf("%s: got %s, the list says %s", f[1], got, f[13])
		}
		for cut := 0; cut < len(text); cut += 1 + len(text)/97 {
			if part, err := Parse(text[:cut]); err == nil && !bytes.Equal(join(part), text[:cut]) {
				t.Errorf("%s: the first %d bytes were written back otherwise", f[1], cut)
			}
		}
	}
}

func join(messages []*Message) []byte {
	var out []byte
	for _, m := range messages {
		out = append(out, m.Bytes()...)
	}
	return out
}

// tally counts records as the list of the corpus does: H1P1O1R3L1.
func tally(messages []*Message) string {
	n := map[byte]int{}
	order := ""
	for _, m := range messages {
		for _, r := range m.Records {
			if c := r.Type(); c != 0 && strings.IndexByte(letters, c) >= 0 {
				if n[c]++; n[c] == 1 {
					order += string(rune(c))
				}
			}
		}
	}
	var out strings.Builder
	for _, c := range order {
		out.WriteString(string(c) + strconv.Itoa(n[byte(c)]))
	}
	return out.String()
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{sample, "1H|\\^|\n2Q|1\n", "H||||\r\r\rL", "R|1|\xe5&X&\r", "HH\r"} {
		f.Add([]byte(s), "3[2].4")
	}
	f.Fuzz(func(t *testing.T, text []byte, where string) {
		messages, err := Parse(text)
		if err != nil {
			return
		}
		if got := join(messages); !bytes.Equal(got, text) {
			t.Fatalf("%q was written back as %q", text, got)
		}
		for _, m := range messages {
			for _, r := range m.Records {
				for _, p := range []string{where, "1", "2", "3[2].4", "4.1"} {
					r.Get(p)
				}
				if r.Reps(3) > len(r.Raw()) || r.Fields() > len(r.Raw())+1 {
					t.Fatalf("%q has %d repeats, %d fields", r.Raw(), r.Reps(3), r.Fields())
				}
			}
		}
	})
}
