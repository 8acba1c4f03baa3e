package devices

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestEveryProfileLoads(t *testing.T) {
	names := Names()
	if len(names) < 5 {
		t.Fatalf("got %d profiles", len(names))
	}
	for _, name := range names {
		p, err := Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Name != name || p.About == "" {
			t.Errorf("%s: named %q, about %q", name, p.Name, p.About)
		}
	}
}

func TestLoadNamesWhatThereIs(t *testing.T) {
	_, err := Load("no-such-model")
	if err == nil || !strings.Contains(err.Error(), "sysmex-xp100") {
		t.Errorf("got %v, want the names of the profiles", err)
	}
}

// A mistake in a profile is told with its place.
func TestParseProfileRefuses(t *testing.T) {
	const good = "name = \"m\"\nmaker = \"a\"\nmodel = \"b\"\nspecimen = [\"O-3.1\"]\n"
	if _, err := ParseProfile("dir/m.toml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"no TOML", good + "x = [", "line 5"},
		{"unknown key", good + "speciment = []", "line 5: unknown key speciment"},
		{"another type", good + "trim = 4", "line 5"},
		{"another name", strings.Replace(good, `"m"`, `"n"`, 1), "not the file's"},
		{"a name with space", strings.Replace(good, `"m"`, `"M x"`, 1), "small letters"},
		{"no maker", strings.Replace(good, `"a"`, `""`, 1), "maker"},
		{"kind", good + `kind = "toaster"`, "kind"},
		{"protocol", good + `protocol = "carrier pigeon"`, "protocol"},
		{"no specimen", strings.Replace(good, `"O-3.1"`, ``, 1), "specimen"},
		{"path", good + `patient = ["P3"]`, "P3"},
		{"code elsewhere", good + `code = ["O-5.4"]`, "not in the result record"},
		{"status", good + `empty_status = "Z"`, "empty_status"},
		{"translated status", good + "[statuses]\nH = \"W\"", "statuses.H"},
		{"zone", good + `zone = "Mars/Olympus"`, "time zone"},
		{"baud", good + "[line]\nbaud = 1", "baud"},
		{"mode", good + "[line]\nmode = \"9X3\"", "9X3"},
		{"frame size", good + "[dialect]\nmax_text = 70000", "63993"},
		{"frame taken", good + "[dialect]\nmax_receive = -1", "max_receive"},
		{"delay", good + "[dialect]\nanswer_delay = 99999", "milliseconds"},
		{"frame numbers", good + "[dialect]\nframe_numbers = \"some\"", "strict, tolerant, ignored"},
		{"rule without a mark", good + "[[qc]]\npath = \"O-12\"", "qc rule 1"},
		{"rule with two", good + "[[qc]]\npath = \"O-12\"\nequals = \"Q\"\nprefix = \"Q\"", "qc rule 1"},
		{"code without system", good + "[codes]\nX = { code = \"NPU1\" }", "codes.X"},
	} {
		_, err := ParseProfile("m.toml", []byte(c.text))
		var at *ProfileError
		if !errors.As(err, &at) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.want)
		}
	}
}

func FuzzParseProfile(f *testing.F) {
	for _, name := range Names() {
		b, err := os.ReadFile("profiles/" + name + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProfile("fuzz.toml", b)
		if err != nil {
			var at *ProfileError
			if !errors.As(err, &at) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if p.Name != "fuzz" || len(p.Specimen) == 0 {
			t.Fatal("a profile without a name or a specimen id")
		}
	})
}
