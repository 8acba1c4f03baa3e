package config

import (
	"encoding"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var known = Options{Profiles: []string{"generic-astm", "siemens-dca-vantage", "sysmex-xp100"}}

// commented is the example with its examples switched on: lines that begin with "#" and no space.
func commented() string {
	return regexp.MustCompile(`(?m)^#([^ \n])`).ReplaceAllString(Example, "$1")
}

func TestExampleEqualsDefaults(t *testing.T) {
	got, err := Parse("example.toml", []byte(Example), known)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Web.Hosts, want.Central.Sources, want.Central.Consumers = []string{}, []string{}, []string{} // Written, and empty.
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	empty, err := Parse("empty", nil, known)
	if err != nil || !reflect.DeepEqual(empty, Default()) {
		t.Errorf("an empty file: got %+v, %v, want the defaults", empty, err)
	}
}

func TestExampleOfListsEqualsDefaults(t *testing.T) {
	c, err := Parse("example.toml", []byte(commented()), known)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings()) > 0 {
		t.Errorf("the example warns: %q", c.Warnings())
	}
	compare := func(what string, got, defaults any) {
		equalWhereDefault(t, what, reflect.ValueOf(got), reflect.ValueOf(defaults))
	}
	compare("listener", c.Listeners[0], DefaultListener())
	compare("device", c.Devices[0], DefaultDevice())
	compare("destination", c.Destinations[0], DefaultDestination())
}

// equalWhereDefault checks that the example gives every key that has a default with that default.
func equalWhereDefault(t *testing.T, path string, got, defaults reflect.Value) {
	t.Helper()
	for i := range defaults.NumField() {
		f, d, g := defaults.Type().Field(i), defaults.Field(i), got.Field(i)
		_, text := reflect.New(f.Type).Interface().(encoding.TextUnmarshaler)
		if f.Type.Kind() == reflect.Struct && !text {
			equalWhereDefault(t, path+"."+f.Tag.Get("toml"), g, d)
			continue
		}
		if !d.IsZero() && !reflect.DeepEqual(d.Interface(), g.Interface()) {
			t.Errorf("%s.%s: the example says %v, the default is %v", path, f.Tag.Get("toml"), g, d)
		}
	}
}

func TestExampleMentionsEveryKey(t *testing.T) {
	where := locate([]byte(commented()))
	described := strings.Split(commented(), "\n")
	seen := map[string]place{}
	for path, p := range where {
		if first, ok := seen[key(path)]; !ok || p.line < first.line {
			seen[key(path)] = p
		}
	}
	every(reflect.TypeFor[Config](), "", func(path string, table bool) {
		p, ok := seen[path]
		if !ok {
			t.Errorf("%s is not in the example", path)
			return
		}
		if !table && !regexp.MustCompile(`# .+\.$`).MatchString(described[p.line-1]) {
			t.Errorf("%s has no sentence: %s", path, described[p.line-1])
		}
	})
}

// every visits each key of the types.
func every(t reflect.Type, path string, visit func(path string, table bool)) {
	for f := range t.Fields() {
		name := f.Tag.Get("toml")
		if name == "" {
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		_, text := reflect.New(inner).Interface().(encoding.TextUnmarshaler)
		table := inner.Kind() == reflect.Struct && !text
		visit(join(path, name), table)
		if table {
			every(inner, join(path, name), visit)
		}
	}
}

// Every file in testdata/bad is one mistake; its first line is the message, a second line "# hint: …" the hint.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) {
			document, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(document), "\n")
			want := file + ":" + strings.TrimPrefix(lines[0], "# ")
			if strings.HasPrefix(lines[1], "# hint: ") {
				want += "\n  " + strings.TrimPrefix(lines[1], "# ")
			}
			_, err = Parse(file, document, known)
			if err == nil {
				t.Fatalf("accepted, want %s", want)
			}
			if err.Error() != want {
				t.Errorf("\ngot  %s\nwant %s", err, want)
			}
		})
	}
}

func TestEveryMistakeIsReportedInOrder(t *testing.T) {
	_, err := Parse("f", []byte("[log]\nlevel = 'loud'\nformat = 'xml'\n[desk]\nconfirm = 'maybe'\n"), known)
	list, ok := err.(Errors)
	if !ok || len(list) != 3 || list[0].Line != 2 || list[1].Line != 3 || list[2].Line != 5 {
		t.Errorf("got %v", err)
	}
}

func TestWarnings(t *testing.T) {
	c, err := Parse("f", []byte(`
[unit]
id = "LILJEHOLMEN"
[[listener]]
name = "in"
listen = "127.0.0.1:2575"
[[destination]]
name = "journal"
address = "journal.example:2575"
`), known)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`f:3:1: unit.id = "LILJEHOLMEN" does not look like an HSA-id, SE and ten digits, a dash, letters and digits`,
		`f:7:3: destination "journal" is reached by no route`,
		`f:9:1: destination "journal" gets personal data over the network without TLS`,
		`f: there is no route: every message will be parked`,
	}
	if !reflect.DeepEqual(c.Warnings(), want) {
		t.Errorf("got  %q\nwant %q", c.Warnings(), want)
	}
}

func TestGoodFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		c, err := Load(file, known)
		if err != nil {
			t.Errorf("%v", err)
		} else if len(c.Warnings()) > 0 {
			t.Errorf("%s warns: %q", file, c.Warnings())
		}
	}
}

func TestEnvironmentOverridesScalars(t *testing.T) {
	t.Setenv("RORPOST_STORE_DIR", "/srv/Rörpost")
	t.Setenv("RORPOST_STORE_KEEP", "7d")
	t.Setenv("RORPOST_DESK_SPECIMEN_CODABAR", "true")
	t.Setenv("RORPOST_ORDERS_TLS_SERVER_NAME", "central.example")
	c, err := Load("testdata/good/unit.toml", known)
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Dir != "/srv/Rörpost" || c.Store.Keep != days(7) || !c.Desk.Specimen.Codabar || c.Orders.TLS.ServerName != "central.example" {
		t.Errorf("got %+v, %+v, %+v", c.Store, c.Desk, c.Orders)
	}
	t.Setenv("RORPOST_STORE_KEEP", "soon")
	_, err = Load("testdata/good/unit.toml", known)
	want := `environment: RORPOST_STORE_KEEP: "soon" is not a duration; want a number with its unit, as in 500ms, 30s, 15m, 2h or 90d
  hint: it overrides store.keep of the file`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestSecretCannotPrint(t *testing.T) {
	s := NewSecret("hunter2")
	text, _ := s.MarshalText()
	for _, got := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), s.String(), s.GoString(),
		string(text), s.LogValue().String(), fmt.Sprintf("%+v", User{PasswordHash: s}), fmt.Sprintf("%#v", &Config{Users: []User{{PasswordHash: s}}})} {
		if strings.Contains(got, "hunter2") || strings.Contains(got, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("printed %s", got)
		}
	}
	if got, err := s.Reveal(); got != "hunter2" || err != nil {
		t.Errorf("revealed %q, %v", got, err)
	}
}

func TestSecretFromElsewhere(t *testing.T) {
	t.Setenv("SOME_SECRET", "from the environment")
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"env:SOME_SECRET": "from the environment", "file:" + file: "from a file"} {
		if got, err := NewSecret(text).Reveal(); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := NewSecret("env:NOT_SET_ANYWHERE").Reveal(); err == nil {
		t.Error("a variable that is not set: want an error")
	}
}

func TestValues(t *testing.T) {
	durations := map[string]string{"90d": "90d", "1d12h": "36h0m0s", "500ms": "500ms", "48h": "2d"}
	for in, want := range durations {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); err != nil || text(d) != want {
			t.Errorf("%s: got %s, %v, want %s", in, text(d), err, want)
		}
	}
	for in, want := range map[string]Bytes{"65536": 65536, "64KiB": 65536, "4 MiB": 4 << 20} {
		var b Bytes
		if err := b.UnmarshalText([]byte(in)); err != nil || b != want {
			t.Errorf("%s: got %d, %v, want %d", in, b, err, want)
		}
	}
	for in, want := range map[string]string{"10.1.2.3": "10.1.2.3/32", "10.1.2.3/16": "10.1.0.0/16", "::1": "::1/128"} {
		var n Network
		if err := n.UnmarshalText([]byte(in)); err != nil || n.String() != want {
			t.Errorf("%s: got %s, %v, want %s", in, n, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(commented())
	f.Add("[unit]\nid = 5\n[[route]]\nto = ['x']\n")
	f.Fuzz(func(t *testing.T, document string) {
		if _, err := Parse("f", []byte(document), known); err != nil {
			if _, ok := err.(Errors); !ok {
				t.Errorf("got a %T, want Errors", err)
			}
		}
	})
}
