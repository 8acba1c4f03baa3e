package barcode

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestRead(t *testing.T) {
	twelve := Rules{Specimen: regexp.MustCompile(`^\d{12}$`)}
	for _, c := range []struct {
		name, raw string
		rules     Rules
		kind      Kind
		text, aim string
	}{
		{"a card", "198501012382", Rules{}, Person, "198501012382", ""},
		{"a card where labels have twelve digits", "]A0198501012382", twelve, Person, "198501012382", "]A0"},
		{"a wrong check digit is still for the desk to refuse", "198501012383", Rules{}, Person, "198501012383", ""},
		{"a label of twelve digits", "198501012383", twelve, Specimen, "198501012383", ""},
		{"typed with a minus sign", " 850101\u22122382 ", Rules{}, Person, "850101-2382", ""},
		{"reserve number", "19810829M071", Rules{}, Person, "19810829M071", ""},
		{"Stockholm's reserve number", "991981000010", Rules{}, Person, "991981000010", ""},
		{"coded", "1980-1234", Rules{}, Person, "1980-1234", ""},
		{"a label", "]C0LID000123", Rules{}, Specimen, "LID000123", "]C0"},
		{"a label, twelve digits that are no date", "731999000123", Rules{}, Specimen, "731999000123", ""},
		{"six characters", "AB1234", Rules{}, Specimen, "AB1234", ""},
		{"twenty-two characters", "A123456789012345678901", Rules{}, Specimen, "A123456789012345678901", ""},
		{"scanner's own prefix", "*LID000123#", Rules{Prefix: "*", Suffix: "#"}, Specimen, "LID000123", ""},
		{"framed", "\x02LID000123\x03", Rules{}, Specimen, "LID000123", ""},
		{"codabar", "]F0A40156B", Rules{Codabar: true, Specimen: regexp.MustCompile(`^\d{5}$`)}, Specimen, "40156", "]F0"},
		{"check digit", "4539578763621486", Rules{Check: Luhn}, Specimen, "4539578763621486", ""},
		{"command", "confirm", Rules{}, Control, Confirm, ""},
		{"command", "]C0CANCEL", Rules{}, Control, Cancel, "]C0"},
		{"the tube's own product code", "]C10107300000000017", Rules{}, Unknown, "0107300000000017", "]C1"},
		{"too short", "A1", Rules{}, Unknown, "A1", ""},
		{"a dash mangled by the keyboard layout", "LIDß000123", Rules{}, Unknown, "LIDß000123", ""},
		{"wrong check digit", "4539578763621487", Rules{Check: Luhn}, Unknown, "4539578763621487", ""},
		{"no text", "LID\xff00123", Rules{}, Unknown, "", ""},
		{"nothing", " \r\n", Rules{}, Unknown, "", ""},
		{"a page", strings.Repeat("A", 600), Rules{}, Unknown, "", ""},
	} {
		s := Read([]byte(c.raw), c.rules)
		if s.Kind != c.kind || s.Text != c.text || s.AIM != c.aim {
			t.Errorf("%s: got %v %q %q, want %v %q %q", c.name, s.Kind, s.Text, s.AIM, c.kind, c.text, c.aim)
		}
		if (s.Problem != "") != (s.Kind == Unknown) {
			t.Errorf("%s: problem %q of a scan that is %v", c.name, s.Problem, s.Kind)
		}
		if !bytes.Equal(s.Raw, []byte(c.raw)) {
			t.Errorf("%s: the bytes are not as they came", c.name)
		}
	}
}

func TestChecks(t *testing.T) {
	for _, c := range []struct {
		check Check
		text  string
		want  bool
	}{
		{None, "A1", true}, {"", "A1", true}, {None, "A", false},
		{Luhn, "79927398713", true}, {Luhn, "79927398714", false}, {Luhn, "7992739871A", false},
		{Mod10, "4006381333931", true}, {Mod10, "4006381333932", false},
		{Mod11, "1234560", true}, {Mod11, "1234562", false}, {Mod11, "123455X", false}, {Mod11, "0", false},
		{Mod43, "CODE39W", true}, {Mod43, "CODE39X", false}, {Mod43, "codeW", false},
		{"mod99", "12345", false},
	} {
		if got := c.check.Valid(c.text); got != c.want {
			t.Errorf("%s of %q: got %v, want %v", c.check, c.text, got, c.want)
		}
	}
	for _, c := range []Check{Luhn, Mod10, Mod11} {
		right := 0
		for _, last := range "0123456789X" {
			if c.Valid("1234567" + string(last)) {
				right++
			}
		}
		if right != 1 {
			t.Errorf("%s: %d check characters are right, want 1", c, right)
		}
	}
	if Check("mod99").Known() || !Mod43.Known() {
		t.Error("the names are not known")
	}
}

func TestSplitter(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"CR", "A1\rB2\r", "A1|B2"},
		{"CR LF", "A1\r\nB2\r\n", "A1|B2"},
		{"tab", "A1\tB2\n", "A1|B2"},
		{"STX ETX", "\x02A1\x03\x02B2\x03", "A1|B2"},
		{"no end", "A1\rB2", "A1|(B2)"},
		{"too long, then one that is not", strings.Repeat("x", 600) + "\rA1\r", "A1"},
	} {
		for _, step := range []int{1, 3, len(c.in)} {
			var s Splitter
			var got []string
			for b := []byte(c.in); len(b) > 0; {
				n := min(step, len(b))
				for _, scan := range s.Push(b[:n]) {
					got = append(got, string(scan))
				}
				b = b[n:]
			}
			if s.Pending() {
				got = append(got, "("+string(s.Flush())+")")
			}
			if strings.Join(got, "|") != c.want {
				t.Errorf("%s by %d: got %q, want %q", c.name, step, got, c.want)
			}
			if (s.Dropped == 1) != strings.HasPrefix(c.name, "too long") {
				t.Errorf("%s: dropped %d", c.name, s.Dropped)
			}
		}
	}
}

func TestDebounce(t *testing.T) {
	at := time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)
	var d Debounce
	for i, c := range []struct {
		text  string
		after time.Duration
		want  bool
	}{
		{"A", 0, false}, {"A", time.Second, true}, {"A", 1900 * time.Millisecond, true}, {"A", 2 * time.Second, false},
		{"B", 0, false}, {"A", time.Second, false}, {"A", -time.Hour, false},
	} {
		at = at.Add(c.after)
		if got := d.Repeat(c.text, at); got != c.want {
			t.Errorf("scan %d: got %v, want %v", i, got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"198501012382", "]C0LID000123", "]C1010730", "\x02A1\x03", "1980-1234", "A40156B", "\xff"} {
		f.Add([]byte(s), "luhn")
		f.Add([]byte(s), "mod11")
	}
	f.Fuzz(func(t *testing.T, raw []byte, check string) {
		s := Read(raw, Rules{Check: Check(check), Codabar: len(raw)%2 == 0})
		if !bytes.Equal(s.Raw, raw) || (s.Kind == Unknown) != (s.Problem != "") {
			t.Fatalf("%v %q", s.Kind, s.Problem)
		}
		var sp Splitter
		for _, scan := range sp.Push(raw) {
			if len(scan) == 0 || len(scan) > maxScan {
				t.Fatalf("a scan of %d bytes", len(scan))
			}
		}
	})
}
