package central

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rorpost/gateway/audit"
	"rorpost/gateway/lab"
)

// Published test numbers of the Tax Agency.
const (
	anna  = "198501012382"
	bo    = "201201012380"
	cilla = "196109732393" // A samordningsnummer.
)

const unitA, unitB = "SE2321000016-15CX", "SE2321000016-15CY"

// journal is a log that may be written and read at the same time.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// bench is a centre on a real loopback port.
type bench struct {
	*testing.T
	c    *Central
	dir  string
	url  string
	log  *journal
	stop func()
}

func newBench(t *testing.T) *bench { return benchIn(t, Config{Dir: t.TempDir()}) }

func benchIn(t *testing.T, cfg Config) *bench {
	t.Helper()
	log := &journal{}
	cfg.Listen = "127.0.0.1:0"
	cfg.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(c.Handler())
	b := &bench{T: t, c: c, dir: cfg.Dir, url: s.URL, log: log}
	b.stop = sync.OnceFunc(func() {
		s.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

// said is an answer of the centre.
type said struct {
	Status int
	Body   string
	Error  string
	Hint   string
}

// ask posts a body, which is sent as it is if it is a string, as a unit, with a key.
func (b *bench) ask(unit, path, key string, body any) said {
	b.Helper()
	text, ok := body.(string)
	if !ok {
		j, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		text = string(j)
	}
	req, err := http.NewRequestWithContext(b.Context(), "POST", b.url+path, strings.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	if unit != "" {
		req.Header.Set(unitHeader, unit)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return b.do(req)
}

func (b *bench) post(unit, path string, body any) said {
	b.Helper()
	return b.ask(unit, path, "", body)
}

func (b *bench) get(path string) said {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), "GET", b.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.do(req)
}

func (b *bench) do(req *http.Request) said {
	b.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Error(err)
		return said{}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Error(err)
	}
	out := said{Status: res.StatusCode, Body: string(body)}
	if res.StatusCode >= 400 {
		var words struct{ Error, Hint string }
		if err := json.Unmarshal(body, &words); err != nil || words.Error == "" || words.Hint == "" {
			b.Errorf("answer %d to %s: got %q, want error and hint as JSON", res.StatusCode, req.URL.Path, body)
		}
		out.Error, out.Hint = words.Error, words.Hint
	}
	return out
}

// must asks and wants a status.
func (b *bench) must(want int, unit, path string, body any) said {
	b.Helper()
	s := b.post(unit, path, body)
	if s.Status != want {
		b.Fatalf("POST %s as %q: got %d %s, want %d", path, unit, s.Status, s.Body, want)
	}
	return s
}

func into[T any](b *bench, s said) T {
	b.Helper()
	var v T
	if err := json.Unmarshal([]byte(s.Body), &v); err != nil {
		b.Fatalf("read %q: %v", s.Body, err)
	}
	return v
}

func orderFor(id, person string) lab.OrderWire {
	oid := lab.OIDPersonnummer
	if person == cilla {
		oid = lab.OIDSamordningsnummer
	}
	return lab.OrderWire{
		ID: id, Status: lab.Ordered, Person: lab.PersonWire{OID: oid, Value: person, Family: "Testsson", Given: "Åsa", Sex: "F"},
		Requester: lab.Party{HSA: "SE2321000016-TEST", Name: "Testmottagningen"}, Created: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC),
		Tests: []lab.Test{
			{Placer: id + "-1", Code: lab.Code{Code: "NPU02613", Text: "P-Litium", System: "NPU"}, Material: "SER", Performer: lab.AtLaboratory},
			{Placer: id + "-2", Code: lab.Code{Code: "NPU27300", Text: "B-HbA1c", System: "NPU"}, Material: "BLD", Performer: lab.AtUnit},
		},
	}
}

func (b *bench) place(id, person string) lab.OrderWire {
	b.Helper()
	o := orderFor(id, person)
	b.must(http.StatusCreated, "", "/v1/orders", o)
	return o
}

func (b *bench) claimed(id, unit, collection string) {
	b.Helper()
	b.must(http.StatusOK, unit, "/v1/orders/"+id+"/claim", claimOf(unit, collection))
}

func claimOf(unit, collection string) map[string]string {
	return map[string]string{"unit": unit, "collection": collection}
}

func collection(unit, collection string, tubes ...string) map[string]any {
	var s []lab.Specimen
	for _, id := range tubes {
		s = append(s, lab.Specimen{ID: id, Material: "SER", Collected: time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC), Placers: []string{}})
	}
	return map[string]any{"unit": unit, "collection": collection, "specimens": s}
}

// order returns an order of anna's as the centre has it now.
func (b *bench) order(id string) lab.OrderWire {
	b.Helper()
	found := into[found](b, b.must(http.StatusOK, unitA, "/v1/orders/search", bodyFor(anna)))
	for _, o := range found.Orders {
		if o.ID == id {
			return o
		}
	}
	b.Fatalf("order %s is not found", id)
	return lab.OrderWire{}
}

func bodyFor(person string) map[string]any {
	return map[string]any{"person": map[string]string{"oid": "", "value": person}}
}

func resultFor(person, order, value string) patientResult {
	return patientResult{
		Person: personQuery{lab.OIDPersonnummer, person}, Order: order, Specimen: "77010000018", Source: "hba1c",
		Observations: []lab.Observation{{Code: lab.Code{Code: "NPU27300", Text: "B-HbA1c", System: "NPU"}, Type: "NM", Value: value, Unit: "mmol/mol", Status: lab.Final}},
		Status:       lab.Final,
	}
}

func (b *bench) trail() []audit.Entry {
	b.Helper()
	path := filepath.Join(b.dir, "audit.jsonl")
	if _, err := audit.Verify(path, b.c.secret.trail()); err != nil {
		b.Error(err)
	}
	entries, err := audit.List(path, audit.Filter{Limit: 100000})
	if err != nil {
		b.Fatal(err)
	}
	return entries
}
