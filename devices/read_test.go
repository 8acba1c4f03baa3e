package devices

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rorpost/astm"
	"rorpost/astm/lis1a"
)

var update = flag.Bool("update", false, "write what is read from the transcripts anew")

// A profile without a recorded session and what is to be read from it fails.
func TestEveryProfileReadsItsSession(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			script, err := os.ReadFile("testdata/" + name + ".txt")
			if err != nil {
				t.Fatalf("the profile has no session: %v", err)
			}
			got := summary(t, p, sent(string(script)))
			want, err := os.ReadFile("testdata/" + name + ".want")
			if *update {
				err = os.WriteFile("testdata/"+name+".want", []byte(got), 0o644)
				want = []byte(got)
			}
			if err != nil {
				t.Fatalf("the profile has no expected reading: %v", err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// sent is what the device sends in a transcript.
func sent(script string) []byte {
	bytes := strings.NewReplacer("<STX>", "\x02", "<ETX>", "\x03", "<EOT>", "\x04", "<ENQ>", "\x05", "<ETB>", "\x17",
		"<CR>", "\r", "<LF>", "\n")
	var out strings.Builder
	for line := range strings.Lines(script) {
		if text, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "> "); ok {
			out.WriteString(bytes.Replace(text))
		}
	}
	return []byte(out.String())
}

// summary tells everything that a profile reads from a session.
func summary(t *testing.T, p *Profile, raw []byte) string {
	t.Helper()
	frames, problems := lis1a.Decode(raw)
	if len(problems) > 0 {
		t.Errorf("on the line: %v", problems)
	}
	messages, err := astm.Parse(lis1a.Text(frames))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, m := range messages {
		var about []astm.Record
		out.WriteString("message\n")
		for _, r := range m.Records {
			switch r.Type() {
			case 'H', 'P':
				about = append(about, r)
			case 'O':
				about = append(about[:min(2, len(about))], r)
				fmt.Fprintf(&out, "  specimen %q, patient %q, control %v\n", p.SpecimenID(about...), p.PatientID(about...), p.IsControl(about...))
			case 'R':
				out.WriteString("    " + told(p, r))
			}
		}
	}
	return out.String()
}

func told(p *Profile, r astm.Record) string {
	c := p.CodeOf(r)
	at := p.Measured(r, time.FixedZone("site", 7200))
	return fmt.Sprintf("%s = %s %s (%s): %q %q flags %q status %s at %s\n",
		p.LocalCode(r), c.System, c.Code, c.Text, p.Value(r), p.Unit(r), p.Flags(r), p.Status(r), at.Format("2006-01-02T15:04:05Z07:00"))
}

// Sessions of real devices: every code, value, unit and flag is found.
func TestRecordedDevices(t *testing.T) {
	for _, c := range []struct {
		profile, specimen string
		results           []string // Code, value, unit, flag.
	}{
		{"siemens-dca-vantage", "BU24R554", []string{"Alb 63.7 mg/L ", "Crt 230.8 mg/dL ", "Ratio 27.6 mg/g "}},
		{"sysmex-xp100", "113", []string{
			"WBC 5.5 10*3/uL N", "RBC 2.87 10*6/uL N", "HGB 10.1 g/dL N", "HCT 24.2 % L", "MCV 84.3 fL L", "MCH 35.2 pg N",
			"MCHC 41.7 g/dL H", "PLT 170 10*3/uL N", "LYM% 26.4 % N", "MXD% 10.2 % N", "NEUT% 63.4 % N", "LYM# 1.5 10*3/uL N",
			"MXD# 0.6 10*3/uL N", "NEUT# 3.4 10*3/uL N", "RDW-SD 38.5 fL N", "RDW-CV 11.8 % N", "PDW 12.8 fL N", "MPV 10.2 fL N",
			"P-LCR 26.9 % N", "PCT 0.17 % N",
		}},
		{"abbott-afinion2", "3643", []string{"HbA1c 5.9 % "}},
		{"roche-cobas-c111", "T20 10134GA D28", []string{"413 40.13 g/L N"}},
	} {
		t.Run(c.profile, func(t *testing.T) {
			found, _ := filepath.Glob("../../shared/corpus/astm/astm-frames/" + c.profile + "/*")
			if len(found) == 0 {
				t.Skip("the recorded sessions are not here")
			}
			p, err := Load(c.profile)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(found[0])
			if err != nil {
				t.Fatal(err)
			}
			specimen, results := recorded(t, p, raw)
			if specimen != c.specimen {
				t.Errorf("specimen: got %q, want %q", specimen, c.specimen)
			}
			if diff := cmp.Diff(c.results, results); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func recorded(t *testing.T, p *Profile, raw []byte) (specimen string, results []string) {
	t.Helper()
	frames, _ := lis1a.Decode(raw)
	messages, err := astm.Parse(lis1a.Text(frames))
	if err != nil {
		t.Fatal(err)
	}
	var about []astm.Record
	for _, m := range messages {
		for _, r := range m.Records {
			if r.Type() == 'P' || r.Type() == 'O' {
				about = append(about, r)
				specimen = p.SpecimenID(about...)
			}
			if r.Type() == 'R' {
				results = append(results, fmt.Sprintf("%s %s %s %s", p.LocalCode(r), p.Value(r), p.Unit(r), strings.Join(p.Flags(r), ",")))
			}
		}
	}
	return specimen, results
}

// A running number of the device is not a specimen id: two devices, or two days, have the same one.
func TestP7_ARunningNumberIsNoSpecimen(t *testing.T) {
	for _, name := range []string{"siemens-dca-vantage", "abbott-afinion2"} {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		messages, err := astm.Parse([]byte("H|\\^&\rP|1\rO|1||011^0101\rL|1|N\r"))
		if err != nil {
			t.Fatal(err)
		}
		if id := p.SpecimenID(messages[0].Records...); id != "" {
			t.Errorf("%s: got %q", name, id)
		}
	}
}

// The alphabets differ: W at an analyzer must not withdraw a result as another patient's.
func TestP11_StatusesAreTranslated(t *testing.T) {
	p, err := Load("generic-astm")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"5", "F", "F"}, {"5", "", "F"}, {"5", "C", "C"}, {"5", "P", "P"}, {"5", "S", "P"}, {"5", "V", "F"}, {"5", "W", "R"},
		{"5", "?", "R"}, {"5", "x", "X"}, {"-----", "F", "X"}, {"", "F", "X"},
	} {
		messages, err := astm.Parse([]byte("H|\\^&\rR|1|^^^GLU|" + c[0] + "|||||" + c[1] + "\rL|1|N\r"))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Status(messages[0].Records[1]); got != c[2] {
			t.Errorf("value %q, R-9 %q: got %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestLocal(t *testing.T) {
	for _, c := range []struct {
		profile, code, want string
		ok                  bool
	}{
		{"siemens-dca-vantage", "NPU27300", "HbA1c", true},
		{"sysmex-xp100", "NPU28309", "HGB", true},
		{"sysmex-xp100", "MCV", "MCV", true},
		{"sysmex-xp100", "NPU27300", "", false},
		{"sysmex-xp100", "", "", false},
		{"generic-astm", "GLU", "GLU", true},
	} {
		p, err := Load(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.Local(c.code); got != c.want || ok != c.ok {
			t.Errorf("%s of %s: got %q %v, want %q %v", c.code, c.profile, got, ok, c.want, c.ok)
		}
	}
}

func TestZeroRecordsHoldNothing(t *testing.T) {
	p, err := Load("generic-astm")
	if err != nil {
		t.Fatal(err)
	}
	var none astm.Record
	if p.SpecimenID(none, none) != "" || p.PatientID(none) != "" || p.IsControl(none, none) {
		t.Error("something was read from nothing")
	}
}

func TestLink(t *testing.T) {
	all := Quirks{
		NoChecksum: true, LooseChecksum: true, SumWithoutEnd: true, LineEndOptional: true, LooseText: true, LooseReply: true,
		FrameNumbers: "ignored", NoENQ: true, GrantInterrupt: true, AnswerDelay: 200, MaxText: 1024, MaxReceive: 4096,
	}
	for _, c := range []struct {
		name   string
		quirks Quirks
		want   lis1a.Dialect
	}{
		{"the standard", Quirks{}, lis1a.Standard()},
		{"tolerant", Quirks{Tolerant: true}, lis1a.Tolerant()},
		{"every deviation", all, lis1a.Dialect{
			NoChecksum: true, LooseChecksum: true, SumWithoutEnd: true, LineEndOptional: true, LooseText: true, LooseReply: true,
			FrameNumbers: lis1a.NumbersIgnored, NoENQ: true, GrantInterrupt: true, AnswerDelay: 200 * time.Millisecond,
			MaxText: 1024, MaxReceive: 4096,
		}},
	} {
		if diff := cmp.Diff(c.want, (&Profile{Dialect: c.quirks}).Link()); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.name, diff)
		}
	}
}
