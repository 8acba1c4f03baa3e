package outbox

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rorpost/gateway/store"
)

// post is one request as the peer saw it.
type post struct{ path, key, body, unit string }

// office is an HTTP peer.
type office struct {
	mu   sync.Mutex
	got  []post
	code func(n int, p post) int
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p := post{r.URL.Path, r.Header.Get("Idempotency-Key"), string(body), r.Header.Get("X-Rorpost-Unit")}
	o.mu.Lock()
	o.got = append(o.got, p)
	n := len(o.got)
	o.mu.Unlock()
	code := o.code(n, p)
	if code == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(code)
	io.WriteString(w, `{"error":"order 198501012382 is taken","hint":"ask unit B"}`)
}

func (o *office) posts() []post {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.got)
}

func text(s string) func(string) []byte { return func(string) []byte { return []byte(s) } }

func TestHTTPDelivers(t *testing.T) {
	b := newBench(t)
	peer := &office{code: func(int, post) int { return 201 }}
	srv := httptest.NewServer(peer)
	defer srv.Close()
	result := b.owe("queue", "", text(`{"a":1}`))
	report := b.oweKind("status", "queue", "", text(`{"path":"/v1/orders/7/sent","body":{"unit":"U"}}`))
	b.run(Options{}, Config{Name: "queue", Kind: KindHTTP, Address: srv.URL + "/v1/patient-results", Header: map[string]string{"X-Rorpost-Unit": "U"}, Retry: eager})
	until(t, "both are delivered", func() bool { st, _ := b.history(report); return st == store.StateDelivered })
	want := []post{
		{"/v1/patient-results", result, `{"a":1}`, "U"},
		{"/v1/patient-results/v1/orders/7/sent", report, `{"unit":"U"}`, "U"},
	}
	if got := peer.posts(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// P2: every attempt carries the same key and the same bytes.
func TestP2_HTTPRepeatsTheSameKey(t *testing.T) {
	b := newBench(t)
	peer := &office{code: func(n int, _ post) int { return []int{503, 0, 429, 200}[min(n-1, 3)] }}
	srv := httptest.NewServer(peer)
	defer srv.Close()
	key := b.owe("queue", "", text(`{"a":1}`))
	b.run(Options{}, Config{Name: "queue", Kind: KindHTTP, Address: srv.URL, Retry: eager})
	until(t, "it is delivered", func() bool { st, _ := b.history(key); return st == store.StateDelivered })
	_, classes := b.history(key)
	want := []string{store.ClassRetry, store.ClassUnconfirmed, store.ClassRetry, store.ClassDelivered}
	if !slices.Equal(classes, want) {
		t.Errorf("attempts: got %v, want %v", classes, want)
	}
	for _, p := range peer.posts() {
		if p.key != key || p.body != `{"a":1}` {
			t.Errorf("got %v, want key %s and the same body", p, key)
		}
	}
}

func TestP5_HTTPRefusalParksWithAHint(t *testing.T) {
	b := newBench(t)
	peer := &office{code: func(n int, _ post) int { return []int{409, 200}[min(n-1, 1)] }}
	srv := httptest.NewServer(peer)
	defer srv.Close()
	bad := b.owe("queue", "", text(`{}`))
	good := b.owe("queue", "", text(`{}`))
	b.run(Options{}, Config{Name: "queue", Kind: KindHTTP, Address: srv.URL, Retry: eager})
	until(t, "the next one is delivered", func() bool { st, _ := b.history(good); return st == store.StateDelivered })
	if st, _ := b.history(bad); st != store.Parked {
		t.Errorf("the refused one: got %s, want parked", st)
	}
	items, err := b.s.Parked(t.Context(), 10)
	if err != nil || len(items) != 1 {
		t.Fatalf("parked: got %v, %v; want one item", items, err)
	}
	if got := items[0]; got.Hint != "ask unit B" || !strings.Contains(got.Reason, "409") || strings.Contains(got.Reason, "2382") {
		t.Errorf("got reason %q, hint %q", got.Reason, got.Hint)
	}
}

func TestHTTPReportWithoutPathParks(t *testing.T) {
	b := newBench(t)
	key := b.oweKind("status", "queue", "", text(`{"body":{}}`))
	b.run(Options{}, Config{Name: "queue", Kind: KindHTTP, Address: "http://127.0.0.1:1", Retry: eager})
	until(t, "it is parked", func() bool { st, _ := b.history(key); return st == store.Parked })
}

func TestFileDelivers(t *testing.T) {
	b := newBench(t)
	dir := filepath.Join(t.TempDir(), "out")
	first := b.owe("archive", "", text("MSH|^~\\&|\r"))
	second := b.owe("archive", "", text(`{"a":1}`))
	o := b.run(Options{}, Config{Name: "archive", Kind: KindFile, Address: "file://" + dir, Retry: eager})
	until(t, "the missing folder is seen", func() bool { return o.Status()[0].State == StateDown })
	if st := o.Status()[0]; st.Why == "" || st.Hint == "" || st.Waiting != 2 {
		t.Errorf("got %+v, want why, hint and two waiting", st)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	until(t, "both are written", func() bool { st, _ := b.history(second); return st == store.StateDelivered })
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 2 || !strings.HasSuffix(names[0], first+".hl7") || !strings.HasSuffix(names[1], second+".json") {
		t.Errorf("got %v, %v; want the two keys in order", names, err)
	}
	body, err := os.ReadFile(names[1])
	if err != nil || string(body) != `{"a":1}` {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, cfgs := range map[string][]Config{
		"no name":       {{Kind: KindFile, Address: "/tmp"}},
		"same name":     {{Name: "a", Kind: KindFile, Address: "/tmp"}, {Name: "a", Kind: KindFile, Address: "/tmp"}},
		"unknown kind":  {{Name: "a", Kind: "fax"}},
		"no port":       {{Name: "a", Kind: KindMLLP, Address: "host"}},
		"wrong scheme":  {{Name: "a", Kind: KindMLLP, Address: "http://host:1"}},
		"no host":       {{Name: "a", Kind: KindHTTP, Address: "queue"}},
		"part of path":  {{Name: "a", Kind: KindFile, Address: "out"}},
		"not http":      {{Name: "a", Kind: KindHTTP, Address: "ftp://host/"}},
		"empty address": {{Name: "a", Kind: KindHTTP}},
	} {
		if _, err := New(nil, cfgs, Options{}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// A stop finishes the exchange in hand and records it; what was not begun stays owed.
func TestStopFinishesTheExchangeInHand(t *testing.T) {
	b := newBench(t)
	begun, answer := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-answer
	}))
	defer srv.Close()
	first, second := b.owe("queue", "", text(`1`)), b.owe("queue", "", text(`2`))
	r := b.run(Options{}, Config{Name: "queue", Kind: KindHTTP, Address: srv.URL, Retry: eager})
	<-begun
	r.cancel()
	close(answer)
	r.stop()
	if st, _ := b.history(first); st != store.StateDelivered {
		t.Errorf("the one in hand: got %s, want delivered", st)
	}
	if st, classes := b.history(second); st != store.StateOwed || len(classes) > 0 {
		t.Errorf("the other: got %s after %v, want owed and untouched", st, classes)
	}
}

// A peer that never answers cannot keep the program from stopping.
func TestStopIsBounded(t *testing.T) {
	b := newBench(t)
	begun, answer := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-answer
	}))
	defer srv.Close()
	defer close(answer)
	key := b.owe("queue", "", text(`1`))
	r := b.run(Options{Grace: 20 * time.Millisecond}, Config{Name: "queue", Kind: KindHTTP, Address: srv.URL, Retry: eager})
	<-begun
	r.stop()
	if st, classes := b.history(key); st != store.StateOwed || !slices.Equal(classes, []string{store.ClassUnconfirmed}) {
		t.Errorf("got %s after %v, want owed after one unconfirmed attempt", st, classes)
	}
}
