package gateway_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "rorpost"

// room says what a package may import besides the standard library.
type room struct {
	rooms     string            // Ours, separated by blanks; "x..." is x and everything below it, "*" is all.
	libraries map[string]string // Third-party modules, each with why it is worth its weight here.
}

// table is the plan of the house. A package without a line fails, and so does a line without a package.
var table = map[string]room{
	"cmd/rorpost": {rooms: "*", libraries: map[string]string{
		"github.com/spf13/cobra": "commands, help and completion",
	}},
	"config": {libraries: map[string]string{
		"github.com/pelletier/go-toml/v2": "strict decoding with line and column",
		"github.com/spf13/viper":          "the environment over the file",
	}},

	"hl7":      {libraries: map[string]string{"golang.org/x/text": "character sets"}},
	"hl7/mllp": {rooms: "hl7"},

	"astm":       {},
	"astm/lis1a": {},

	"devices": {rooms: "astm astm/lis1a", libraries: map[string]string{
		"github.com/pelletier/go-toml/v2": "profiles are data files",
	}},
	"devices/port": {libraries: map[string]string{
		"go.bug.st/serial": "serial ports of three systems without cgo",
	}},
	"devices/barcode": {},

	"gateway/lab":    {},
	"gateway/audit":  {rooms: "gateway/lab"},
	"gateway/router": {rooms: "gateway/lab hl7"},
	"gateway/store": {rooms: "gateway/lab", libraries: map[string]string{
		"modernc.org/sqlite":          "the embedded engine, without cgo",
		"github.com/pressly/goose/v3": "migrations",
		"golang.org/x/sys":            "the lock on the folder under Windows",
	}},
	"gateway/collect": {rooms: "gateway/lab devices/barcode"},
	"gateway/orders":  {rooms: "gateway/lab hl7 gateway/store"},
	"gateway/results": {rooms: "gateway/lab hl7 astm devices"},
	"gateway/flow": {rooms: "gateway/lab gateway/store gateway/router gateway/orders gateway/results gateway/collect hl7 " +
		"astm astm/lis1a devices..."},
	"gateway/intake": {rooms: "gateway/lab gateway/store devices... astm/lis1a hl7 hl7/mllp"},
	"gateway/outbox": {rooms: "gateway/lab gateway/store hl7 hl7/mllp"},
	"gateway/central": {rooms: "gateway/lab gateway/audit hl7...", libraries: map[string]string{
		"modernc.org/sqlite":                  "the embedded order store",
		"github.com/pressly/goose/v3":         "migrations",
		"github.com/prometheus/client_golang": "its own metrics",
	}},
	"gateway/web": {rooms: "gateway/lab gateway/store gateway/intake gateway/outbox gateway/collect gateway/orders gateway/audit " +
		"gateway/central", libraries: map[string]string{
		"github.com/alexedwards/scs/v2": "sessions",
		"golang.org/x/crypto":           "argon2id",
	}},
	"gateway/sim": {rooms: "gateway/lab hl7... astm... devices...", libraries: map[string]string{
		"github.com/creack/pty": "the other end of a serial cable",
		"golang.org/x/sys":      "the pace of a serial line on a pseudo-terminal",
	}},
	"gateway": {rooms: "config devices... hl7... gateway/lab gateway/store gateway/intake gateway/flow gateway/collect gateway/orders " +
		"gateway/results gateway/router gateway/outbox gateway/audit gateway/web", libraries: map[string]string{
		"github.com/prometheus/client_golang": "the metrics that the pages serve",
	}},
}

// TestImports holds the house to its plan. It reads the files itself: a test that asks the go command would still pass
// from the test cache after a violation.
func TestImports(t *testing.T) {
	found, err := imports("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range crossings(found, table) {
		t.Error(wrong)
	}
}

// imports reads what each package imports, from every file that is not a test, whatever system it is for.
func imports(root string) (map[string][]string, error) {
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		name := filepath.ToSlash(dir)
		if _, seen := found[name]; !seen {
			found[name] = nil
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[name] = append(found[name], imported)
		}
		return nil
	})
	return found, err
}

// crossings compares what is imported with what may be.
func crossings(found map[string][]string, table map[string]room) []string {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		line, ok := table[name]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("package %s has no line in the table", name))
			continue
		}
		list := slices.Clone(found[name])
		slices.Sort(list)
		for _, imported := range slices.Compact(list) {
			if !line.may(imported) {
				wrong = append(wrong, fmt.Sprintf("package %s may not import %s", name, imported))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		list, ok := found[name]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("the table has a line for %s, and there is no such package", name))
			continue
		}
		for _, library := range slices.Sorted(maps.Keys(table[name].libraries)) {
			if !slices.ContainsFunc(list, func(imported string) bool { return within(imported, library) }) {
				wrong = append(wrong, fmt.Sprintf("the table gives %s the library %s, and it is not used", name, library))
			}
		}
	}
	return wrong
}

func (r room) may(imported string) bool {
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		return slices.ContainsFunc(strings.Fields(r.rooms), func(allowed string) bool {
			below, all := strings.CutSuffix(allowed, "...")
			return allowed == "*" || own == allowed || all && (own == below || strings.HasPrefix(own, below+"/"))
		})
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // The standard library.
	}
	for library := range r.libraries {
		if within(imported, library) {
			return true
		}
	}
	return false
}

func within(imported, module string) bool {
	return imported == module || strings.HasPrefix(imported, module+"/")
}

// TestImportsAreCaught shows that the checker catches what it is for.
func TestImportsAreCaught(t *testing.T) {
	root := t.TempDir()
	write := func(file, text string) {
		full := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("lib/lib.go", "package lib\nimport (\n\"fmt\"\n_ \"rorpost/shop\"\n_ \"example.org/x\"\n_ \"example.org/xy\"\n)\n")
	write("lib/lib_windows.go", "package lib\nimport _ \"rorpost/lib/inner/deep\"\n")
	write("lib/lib_test.go", "package lib\nimport _ \"rorpost/anything\"\n")
	write("lib/testdata/x.go", "package x\nimport _ \"rorpost/anything\"\n")
	write("lib/inner/inner.go", "package inner\nimport _ \"rorpost/lib\"\n")
	write("lib/inner/deep/deep.go", "package deep\n")
	write("shop/shop.go", "package shop\nimport _ \"rorpost/lib/inner/deep\"\n")
	write("new/new.go", "package new\n")
	found, err := imports(root)
	if err != nil {
		t.Fatal(err)
	}
	got := crossings(found, map[string]room{
		"lib":            {libraries: map[string]string{"example.org/x": "it is needed"}},
		"lib/inner":      {rooms: "shop"},
		"lib/inner/deep": {libraries: map[string]string{"example.org/x": "it was needed once"}},
		"shop":           {rooms: "lib..."},
		"gone":           {},
	})
	want := []string{
		"package lib may not import example.org/xy",
		"package lib may not import rorpost/lib/inner/deep",
		"package lib may not import rorpost/shop",
		"package lib/inner may not import rorpost/lib",
		"package new has no line in the table",
		"the table has a line for gone, and there is no such package",
		"the table gives lib/inner/deep the library example.org/x, and it is not used",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestEveryLibraryHasAReason keeps the table an explanation.
func TestEveryLibraryHasAReason(t *testing.T) {
	for name, r := range table {
		for library, why := range r.libraries {
			if why == "" {
				t.Errorf("%s: library %q has no reason", name, library)
			}
		}
	}
}
