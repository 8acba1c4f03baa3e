package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func begin(t *testing.T) (*Trail, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	return reopen(t, path), path
}

func reopen(t *testing.T, path string) *Trail {
	t.Helper()
	trail, err := Open(path, testKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trail.Close() })
	return trail
}

func record(t *testing.T, trail *Trail, e Event) {
	t.Helper()
	if err := trail.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// five writes five lines and returns the files.
func five(t *testing.T) (path string, trail, head []byte) {
	t.Helper()
	tr, path := begin(t)
	for i := range 5 {
		record(t, tr, Event{Who: "anna", Role: "staff", Action: "view", Whom: "ABCDEFGHIJ", Object: fmt.Sprintf("arrival %d", i), Why: `"hash":"x"`})
	}
	tr.Close()
	return path, read(t, path), read(t, headPath(path))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestP9_EveryChangedByteIsFound(t *testing.T) {
	path, trail, _ := five(t)
	if n, err := Verify(path, testKey); n != 5 || err != nil {
		t.Fatalf("untouched: got %d, %v", n, err)
	}
	lines := bytes.SplitAfter(trail, []byte("\n"))
	start := len(lines[0]) + len(lines[1])
	for at := start; at < start+len(lines[2]); at++ {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			changed := bytes.Clone(trail)
			changed[at] ^= flip
			write(t, path, changed)
			var broken *BrokenError
			if n, err := Verify(path, testKey); !errors.As(err, &broken) || broken.Line != 3 || n != 2 {
				t.Fatalf("byte %d of line 3, flip %#x: got %d, %v", at-start, flip, n, err)
			}
		}
	}
}

func TestP9_LinesCutMovedOrAddedAreFound(t *testing.T) {
	path, trail, head := five(t)
	lines := bytes.SplitAfter(trail, []byte("\n"))[:5]
	join := func(order ...int) (out []byte) {
		for _, i := range order {
			out = append(out, lines[i]...)
		}
		return out
	}
	for name, c := range map[string]struct {
		trail []byte
		line  int64
	}{
		"the last line cut":         {join(0, 1, 2, 3), 5},
		"all lines cut":             {nil, 1},
		"half of the last line":     {trail[:len(trail)-20], 5},
		"the newline cut":           {trail[:len(trail)-1], 5},
		"a line removed":            {join(0, 1, 3, 4), 3},
		"the first line removed":    {join(1, 2, 3, 4), 1},
		"two lines swapped":         {join(0, 2, 1, 3, 4), 2},
		"a line twice":              {join(0, 1, 1, 2, 3, 4), 3},
		"a line without a hash":     {append(join(0, 1, 2, 3, 4), "{}\n"...), 6},
		"a line with another's MAC": {append(join(0, 1, 2, 3, 4), lines[4]...), 6},
	} {
		write(t, path, c.trail)
		var broken *BrokenError
		if _, err := Verify(path, testKey); !errors.As(err, &broken) || broken.Line != c.line {
			t.Errorf("%s: got %v, want line %d", name, err, c.line)
		}
		if tr, err := Open(path, testKey); err == nil && len(c.trail) < len(trail) && c.line == 5 {
			tr.Close()
			t.Errorf("%s: a cut trail was opened", name)
		}
		write(t, headPath(path), head)
	}
	write(t, path, trail)
	if _, err := Verify(path, []byte("another key, another chain, sure")); err == nil {
		t.Error("another key verifies the trail")
	}
	for name, b := range map[string][]byte{"changed": bytes.Replace(head, []byte("5 "), []byte("4 "), 1), "empty": nil} {
		write(t, headPath(path), b)
		if _, err := Verify(path, testKey); err == nil {
			t.Errorf("head %s: not found", name)
		}
	}
	os.Remove(headPath(path))
	if _, err := Verify(path, testKey); err == nil {
		t.Error("head removed: not found")
	}
}

func TestTornLastLineIsSetAside(t *testing.T) {
	path, trail, _ := five(t)
	write(t, path, append(bytes.Clone(trail), `{"n":6,"time":"20`...))
	tr := reopen(t, path)
	record(t, tr, Event{Who: "anna", Action: "view"})
	if n, err := Verify(path, testKey); n != 7 || err != nil {
		t.Errorf("got %d, %v, want 7 lines", n, err)
	}
	got, err := List(path, Filter{Action: "repair"})
	if err != nil || len(got) != 1 || got[0].N != 6 || !strings.Contains(got[0].Why, "17 bytes") {
		t.Errorf("the repair: got %+v, %v", got, err)
	}
	if torn := string(read(t, path+".torn")); torn != "{\"n\":6,\"time\":\"20\n" {
		t.Errorf("set aside: got %q", torn)
	}
}

func TestHeadBehindAfterAPowerCutIsFine(t *testing.T) {
	tr, path := begin(t)
	record(t, tr, Event{Who: "anna", Action: "view"})
	old := read(t, headPath(path))
	record(t, tr, Event{Who: "anna", Action: "view"})
	tr.Close()
	write(t, headPath(path), old)
	if n, err := Verify(path, testKey); n != 2 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	record(t, reopen(t, path), Event{Who: "anna", Action: "view"})
	if n, err := Verify(path, testKey); n != 3 || err != nil {
		t.Errorf("after a line more: got %d, %v", n, err)
	}
}

func TestP9_NoPersonalNumberInTheTrail(t *testing.T) {
	tr, path := begin(t)
	numbers := []string{"198501012382", "19850101-2382", "850101-2382", "8501012382", "850101+2382", "196109732393"}
	for _, n := range numbers {
		record(t, tr, Event{Who: n, Action: "view", Whom: n, Object: "person " + n, Why: "typed " + n + " " + n + ", wrong"})
	}
	record(t, tr, Event{Who: "anna", Unit: "SE2321000016-15CX", Action: "view", Object: "order 20261123000171", Why: "2026-11-23 02:28"})
	b := string(read(t, path))
	for _, n := range numbers {
		if strings.Contains(b, n) {
			t.Errorf("the trail holds %s in clear", n)
		}
	}
	for _, text := range []string{"SE2321000016-15CX", "order 20261123000171", "2026-11-23 02:28", "typed (masked) (masked), wrong"} {
		if !strings.Contains(b, text) {
			t.Errorf("the trail lacks %q", text)
		}
	}
}

func TestListFilters(t *testing.T) {
	tr, path := begin(t)
	for i := range 10 {
		record(t, tr, Event{Who: []string{"anna", "bo"}[i%2], Action: []string{"view", "release"}[i/5], Whom: "W", Object: fmt.Sprint(i)})
	}
	all, err := List(path, Filter{})
	if err != nil || len(all) != 10 || all[0].N != 10 {
		t.Fatalf("all: got %d, %v", len(all), err)
	}
	for _, c := range []struct {
		name string
		f    Filter
		want []int64
	}{
		{"who", Filter{Who: "bo"}, []int64{10, 8, 6, 4, 2}},
		{"action and limit", Filter{Action: "view", Limit: 2}, []int64{5, 4}},
		{"limit", Filter{Limit: 3}, []int64{10, 9, 8}},
		{"before", Filter{Before: 3}, []int64{2, 1}},
		{"object", Filter{Object: "7"}, []int64{8}},
		{"whom", Filter{Whom: "nobody"}, nil},
		{"from", Filter{From: all[1].Time, Limit: 1, Before: 11, To: time.Now().Add(time.Hour)}, []int64{10}},
		{"to", Filter{To: all[9].Time}, nil},
	} {
		got, err := List(path, c.f)
		if err != nil {
			t.Fatal(err)
		}
		var ns []int64
		for _, e := range got {
			ns = append(ns, e.N)
		}
		if diff := cmp.Diff(c.want, ns); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if got, err := List(path+"x", Filter{}); err != nil || got != nil {
		t.Errorf("no trail yet: got %v, %v", got, err)
	}
}

func TestManyRecordersOneChain(t *testing.T) {
	tr, path := begin(t)
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			for i := range 10 {
				if err := tr.Record(t.Context(), Event{Who: fmt.Sprint("user", p), Action: "view", Object: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if _, err := Verify(path, testKey); err != nil {
		t.Errorf("while it is written: %v", err)
	}
	wg.Wait()
	if n, err := Verify(path, testKey); n != 80 || err != nil {
		t.Errorf("got %d, %v, want 80", n, err)
	}
	tr.Close()
	if err := tr.Record(t.Context(), Event{Who: "a", Action: "b"}); err == nil {
		t.Error("a closed trail has recorded")
	}
	if _, err := Open(path, nil); err == nil {
		t.Error("a trail was opened without a key")
	}
}
