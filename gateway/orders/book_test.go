package orders_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rorpost/gateway/central"
	"rorpost/gateway/lab"
	"rorpost/gateway/orders"
	"rorpost/gateway/store"
)

// Published test numbers of the Tax Agency.
const anna, bo = "198501012382", "201201012380"

const unitA, unitB = "SE2321000016-15CX", "SE2321000016-15CY"

// centre serves a real one.
func centre(t *testing.T) string {
	t.Helper()
	c, err := central.New(central.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(c.Handler())
	t.Cleanup(func() {
		s.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.URL
}

// post tells the centre something, as a unit.
func post(t *testing.T, url, unit string, body any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Rorpost-Unit", unit)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode >= 300 {
		t.Fatalf("POST %s: got %d", url, res.StatusCode)
	}
}

func orderFor(id, person string) lab.OrderWire {
	return lab.OrderWire{
		ID: id, Status: lab.Ordered, Person: lab.PersonWire{OID: lab.OIDPersonnummer, Value: person}, Created: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC),
		Tests: []lab.Test{{Placer: id + "-1", Code: lab.Code{Code: "NPU02613", System: "NPU"}, Material: "SER", Performer: lab.AtLaboratory}},
	}
}

func person(t *testing.T, number string) lab.PersonID {
	t.Helper()
	id, err := lab.ParsePersonID(number, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// fault wants a fault of a class with a hint that says something, and no number in any of its words.
func fault(t *testing.T, err error, class lab.Class, hint string) {
	t.Helper()
	var f *lab.Fault
	if !errors.As(err, &f) {
		t.Errorf("got %v, want a fault", err)
		return
	}
	if f.Class != class || !strings.Contains(f.Hint, hint) || f.Hint == "" {
		t.Errorf("got %v %q with hint %q, want %v with %q", f.Class, f, f.Hint, class, hint)
	}
	for _, tell := range []string{"2382", "850101", "http://"} {
		if strings.Contains(f.Error()+f.Hint, tell) {
			t.Errorf("it tells %q: %v; %s", tell, f, f.Hint)
		}
	}
}

func TestBookFindsAndClaims(t *testing.T) {
	url := centre(t)
	post(t, url+"/v1/orders", "", orderFor("O1", anna))
	post(t, url+"/v1/orders", "", orderFor("O2", anna))
	post(t, url+"/v1/orders", "", orderFor("O3", bo))
	a, b := orders.NewBook(orders.Options{URL: url + "/", Unit: unitA}), orders.NewBook(orders.Options{URL: url, Unit: unitB})
	found, err := a.Open(t.Context(), person(t, "850101-2382"))
	if err != nil || len(found) != 2 || !found[0].Person.ID.Same(person(t, anna)) {
		t.Fatalf("open: got %d orders, %v", len(found), err)
	}
	if found, err := a.Open(t.Context(), person(t, "195001182046")); err != nil || len(found) != 0 {
		t.Errorf("a stranger: got %d orders, %v", len(found), err)
	}
	for range 2 {
		o, err := a.Claim(t.Context(), "O1", "C1")
		if err != nil || o.ID != "O1" || o.Status != lab.Fetched || o.ClaimedBy != unitA {
			t.Fatalf("claim: got %v, %v", o, err)
		}
	}
	_, err = b.Claim(t.Context(), "O1", "C1")
	fault(t, err, lab.Park, "already fetched by another unit")
	_, err = a.Claim(t.Context(), "O9", "C1")
	fault(t, err, lab.Park, "check the order id")
	_, err = a.Open(t.Context(), lab.PersonID{})
	fault(t, err, lab.Park, "scan or type")
}

func TestForSpecimenAsksTheStoreFirst(t *testing.T) {
	url := centre(t)
	post(t, url+"/v1/orders", "", orderFor("O1", anna))
	post(t, url+"/v1/orders/O1/claim", unitB, map[string]string{"unit": unitB, "collection": "C1"})
	post(t, url+"/v1/orders/O1/collected", unitB, map[string]any{"unit": unitB, "collection": "C1", "specimens": []lab.Specimen{{ID: "T1", Material: "SER", Placers: []string{"O1-1"}}}})
	s := openStore(t)
	here := orderFor("O2", anna)
	here.Status, here.Specimens = lab.Collected, []lab.Specimen{{ID: "T2", Material: "SER", Placers: []string{"O2-1"}}}
	bind(t, s, "T2", here)
	book := orders.NewBook(orders.Options{URL: url, Unit: unitA, Store: s})
	for specimen, want := range map[string]string{"T1": "O1", "T2": "O2"} {
		o, ok, err := book.ForSpecimen(t.Context(), specimen)
		if err != nil || !ok || o.ID != want {
			t.Errorf("%s: got %v, %v, %v; want %s", specimen, o, ok, err, want)
		}
	}
	if _, ok, err := book.ForSpecimen(t.Context(), "T9"); ok || err != nil {
		t.Errorf("an unknown tube: got %v, %v", ok, err)
	}
	// P10: what was collected here is known without the centre.
	alone := orders.NewBook(orders.Options{URL: "http://" + nobody(t), Unit: unitA, Store: s, Timeout: time.Second})
	if o, ok, err := alone.ForSpecimen(t.Context(), "T2"); !ok || err != nil || o.ID != "O2" {
		t.Errorf("without the centre: got %v, %v, %v", o, ok, err)
	}
	_, _, err := alone.ForSpecimen(t.Context(), "T1")
	fault(t, err, lab.Retry, "waits here")
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func bind(t *testing.T, s *store.Store, specimen string, w lab.OrderWire) {
	t.Helper()
	body, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Accept(t.Context(), store.Arrival{Kind: store.KindScan, Source: "desk", Body: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Settle(t.Context(), store.Settlement{Arrival: r.Arrival.ID, Decision: "collected", Bindings: []store.Binding{{Specimen: specimen, Order: w.ID, Body: body}}})
	if err != nil {
		t.Fatal(err)
	}
}

// nobody is an address that nobody listens on.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestP10_ACentreThatIsAwayIsSaidAtOnce(t *testing.T) {
	silent := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	defer s.Close()
	defer close(silent)
	for name, url := range map[string]string{"nobody listens": "http://" + nobody(t), "nobody answers": s.URL} {
		began := time.Now()
		_, err := orders.NewBook(orders.Options{URL: url, Unit: unitA, Timeout: 100 * time.Millisecond}).Open(t.Context(), person(t, anna))
		fault(t, err, lab.Retry, "cannot be reached; scan again")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: said after %v", name, took)
		}
	}
}

// TestBookJudgesAnswers gives a book what a centre should never say.
func TestBookJudgesAnswers(t *testing.T) {
	wire := func(ws ...lab.OrderWire) string {
		b, err := json.Marshal(map[string]any{"orders": ws})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	wrong := orderFor("O1", "198501012383")
	for name, c := range map[string]struct {
		status int
		body   string
		class  lab.Class
		hint   string
	}{
		"another person (P7)": {200, wire(orderFor("O1", bo)), lab.Park, "collect nothing"},
		"a wrong check digit": {200, wire(wrong), lab.Park, "cannot be right"},
		"a page":              {200, "<html>198501012382</html>", lab.Park, "orders.url"},
		"nothing":             {200, "", lab.Park, "orders.url"},
		"too much":            {200, strings.Repeat(" ", 9<<20), lab.Park, "central operations"},
		"a redirect":          {302, "", lab.Park, "refused"},
		"its own hint":        {409, `{"error":"e","hint":"ask the other unit"}`, lab.Park, "ask the other unit"},
		"a conflict":          {409, "", lab.Park, "already fetched by another unit"},
		"not allowed":         {403, "", lab.Park, "does not accept this unit"},
		"not found":           {404, "", lab.Park, "does not know it"},
		"too many":            {429, "", lab.Retry, "scan again"},
		"ill":                 {503, `{"error":"e","hint":"h"}`, lab.Retry, "scan again"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer s.Close()
			_, err := orders.NewBook(orders.Options{URL: s.URL, Unit: unitA}).Open(t.Context(), person(t, anna))
			fault(t, err, c.class, c.hint)
		})
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := orderFor("O2", anna)
		if strings.HasSuffix(r.URL.Path, "/claim") {
			fmt.Fprint(w, strings.TrimSuffix(strings.TrimPrefix(wire(o), `{"orders":[`), "]}"))
			return
		}
		fmt.Fprint(w, wire(o))
	}))
	defer s.Close()
	book := orders.NewBook(orders.Options{URL: s.URL, Unit: unitA})
	_, err := book.Claim(t.Context(), "O1", "C1")
	fault(t, err, lab.Park, "do not collect")
	_, _, err = book.ForSpecimen(t.Context(), "T1")
	fault(t, err, lab.Park, "central operations")
}

// A certificate that is refused does not go away by scanning again.
func TestBookTellsACertificateFromACable(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	_, err := orders.NewBook(orders.Options{URL: s.URL, Unit: unitA, TLS: &tls.Config{}}).Open(t.Context(), person(t, anna))
	fault(t, err, lab.Retry, "certificate")
}
