package central

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rorpost/gateway/lab"
)

// P9: every search is one line of the trail, whether it found somebody or not, and says whom only by a hash.
func TestP9_EverySearchIsOneRecord(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	before := len(b.trail())
	searches := []struct {
		unit, person string
		object       string
	}{{unitA, anna, "1 orders"}, {unitB, anna, "1 orders"}, {unitA, "195001182046", "0 orders"}, {"", anna, "1 orders"}}
	for _, s := range searches {
		b.must(http.StatusOK, s.unit, "/v1/orders/search", bodyFor(s.person))
	}
	got := b.trail()
	if len(got)-before != len(searches) {
		t.Fatalf("got %d records, want %d", len(got)-before, len(searches))
	}
	for i, s := range searches {
		e := got[len(searches)-1-i]
		id, err := lab.PersonIDFromWire("", s.person, e.Time)
		if err != nil {
			t.Fatal(err)
		}
		who := s.unit
		if who == "" {
			who = "loopback"
		}
		if e.Action != "search orders" || e.Who != who || e.Whom != blind(b.c.secret.person(id)) || e.Object != s.object {
			t.Errorf("search %d: got %+v", i, e)
		}
	}
}

// P9: without a trail nothing is shown.
func TestP9_NothingIsShownUnrecorded(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	b.deliver("K1", resultFor(anna, "O1", "41"))
	if err := b.c.trail.Close(); err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string]any{
		"/v1/orders/search": bodyFor(anna), "/v1/orders/O1/claim": claimOf(unitA, "C1"), "/v1/patient-results/lease": `{"consumer":"1177"}`,
	} {
		s := b.must(http.StatusServiceUnavailable, unitA, path, body)
		if strings.Contains(s.Body, "2382") || strings.Contains(s.Body, "Testsson") {
			t.Errorf("%s: got %s", path, s.Body)
		}
	}
}

// P9: after a whole life with mistakes in it, no number and no name is in a log, a metric, a page or an error.
func TestP9_NoPersonOutsideTheBodies(t *testing.T) {
	b := newBench(t)
	var seen strings.Builder
	ask := func(unit, path string, body any) {
		t.Helper()
		if s := b.ask(unit, path, "K"+path, body); s.Status >= 400 {
			seen.WriteString(s.Body)
		}
	}
	o := b.place("O1", anna)
	twisted := o
	twisted.Person.Value = "198501012383"
	ask("", "/v1/orders", twisted)
	ask("", "/v1/orders", `{"198501012382":1}`)
	ask("", "/v1/orders", `{"id":198501012382}`)
	ask("", "/v1/orders", `{"id":"O7","created":"198501012382"}`)
	ask("", "/v1/orders", `{"id":"O7","status":"198501012382"}`)
	ask("", "/v1/orders", `{"person":{"value":"198501012382"`)
	ask(unitA, "/v1/orders/search", bodyFor(anna))
	ask(unitA, "/v1/orders/search", `{"person":{"oid":"`+lab.OIDPersonnummer+`","value":"19850101-2383"}}`)
	ask(unitA, "/v1/orders/198501012382/claim", claimOf(unitA, "C1"))
	ask(unitA, "/v1/orders/O1/claim", claimOf(unitA, "C1"))
	ask(unitB, "/v1/orders/O1/claim", claimOf(unitB, "C1"))
	ask("198501012382 Testsson", "/v1/orders/O1/claim", claimOf(unitB, "C1"))
	ask(unitA, "/v1/orders/O1/collected", collection(unitA, "C1", "T1"))
	ask(unitA, "/v1/patient-results", resultFor(anna, "O1", "41"))
	ask(unitA, "/v1/patient-results", resultFor(bo, "O1", "41"))
	ask(unitA, "/v1/patient-results/lease", `{"consumer":"1177"}`)
	ask(unitA, "/v1/198501012382", `{}`)
	ask(unitA, "/v1/units/"+unitA+"/status", UnitReport{Name: "Liljeholmen", Version: "1.0"})
	for _, path := range []string{"/", "/v1/units", "/v1/stats", "/metrics", "/healthz", "/readyz", "/198501012382"} {
		seen.WriteString(b.get(path).Body)
	}
	trail, err := os.ReadFile(filepath.Join(b.dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the log": b.log.String(), "an answer that is not a person's": seen.String(), "the trail": string(trail)} {
		if len(text) < 500 {
			t.Errorf("%s: nothing is there to look at: %q", where, text)
		}
		for _, tell := range []string{"0101238", "850101-238", "Testsson", "Åsa"} {
			if i := strings.Index(text, tell); i >= 0 {
				t.Errorf("%s tells %q: …%s…", where, tell, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}

// In the files a number is only inside the bodies that are kept: its columns hold keyed hashes, and another key gives
// other hashes.
func TestP9_PersonsAreHashedWithAKey(t *testing.T) {
	b, other := newBench(t), newBench(t)
	b.place("O1", anna)
	other.place("O1", anna)
	x, err := b.c.store.Order(t.Context(), "O1")
	if err != nil {
		t.Fatal(err)
	}
	y, err := other.c.store.Order(t.Context(), "O1")
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Person) != 16 || bytes.Equal(x.Person, y.Person) || !bytes.Equal(x.Content, y.Content) {
		t.Errorf("got hashes %x and %x", x.Person, y.Person)
	}
	info, err := os.Stat(filepath.Join(b.dir, keyFile))
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("the key file: got %v, %v, want it for its owner only", info.Mode(), err)
	}
	err = filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), databaseFile) {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(anna)) {
			t.Errorf("%s holds a number", d.Name())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
