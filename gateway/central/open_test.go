package central

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rorpost/gateway/lab"
)

// P1: what was answered is there after a restart, with its leases and its claims.
func TestP1_RestartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	b := benchIn(t, Config{Dir: dir})
	b.place("O1", anna)
	b.place("O2", anna)
	b.claimed("O1", unitA, "C1")
	b.must(http.StatusOK, unitA, "/v1/orders/O1/collected", collection(unitA, "C1", "T1"))
	b.deliver("K1", resultFor(anna, "O1", "41"))
	b.deliver("K2", resultFor(bo, "O3", "42"))
	held := b.lease(1)
	b.stop()
	b = benchIn(t, Config{Dir: dir})
	if got := b.order("O1"); got.Status != lab.Collected || got.ClaimedBy != unitA || len(got.Specimens) != 1 || got.Specimens[0].ID != "T1" {
		t.Errorf("order: got %s by %s with %d tubes", got.Status, got.ClaimedBy, len(got.Specimens))
	}
	b.must(http.StatusOK, "", "/v1/orders", orderFor("O2", anna))
	if s := b.ask(unitA, "/v1/patient-results", "K1", resultFor(anna, "O1", "41")); s.Status != http.StatusOK {
		t.Errorf("the result again: got %d %s", s.Status, s.Body)
	}
	if got := b.lease(10); len(got.Items) != 1 || got.Items[0].ID == held.Items[0].ID {
		t.Errorf("got %v, want the one that nobody holds", got.ids())
	}
	b.must(http.StatusOK, "", "/v1/patient-results/ack", map[string]any{"lease": held.Lease, "ids": held.ids()})
	if n := len(b.trail()); n < 10 {
		t.Errorf("the trail has %d lines", n)
	}
}

func TestOneCentreOwnsAFolder(t *testing.T) {
	b := newBench(t)
	if _, err := New(Config{Dir: b.dir, Listen: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "another process uses this folder") {
		t.Errorf("got %v", err)
	}
	b.place("O1", anna) // The first one is unharmed.
}

func TestALostKeyIsNoNewKey(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	b.stop()
	path := filepath.Join(b.dir, keyFile)
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func() error{
		"lost":   func() error { return os.Remove(path) },
		"broken": func() error { return os.WriteFile(path, key[:20], 0o600) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Config{Dir: b.dir, Listen: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), keyFile) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := benchIn(t, Config{Dir: b.dir}).order("O1"); got.ID != "O1" {
		t.Error("the order is not found with the key put back")
	}
}

// P1: the commit that a claim is answered by reaches the disk.
func TestP1_CommitsReachTheDisk(t *testing.T) {
	s, err := openEmbedded(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := checkDurable(t.Context(), s.w); err != nil {
		t.Error(err)
	}
	if _, err := s.w.ExecContext(t.Context(), "PRAGMA synchronous = NORMAL"); err != nil {
		t.Fatal(err)
	}
	if checkDurable(t.Context(), s.w) == nil {
		t.Error("a store that loses what it answered was taken")
	}
}

func TestHealth(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if s := b.get(path); s.Status != http.StatusOK {
			t.Errorf("%s: got %d %s", path, s.Status, s.Body)
		}
	}
	if err := b.c.store.Close(); err != nil {
		t.Fatal(err)
	}
	if s := b.get("/healthz"); s.Status != http.StatusOK {
		t.Errorf("alive: got %d", s.Status)
	}
	if s := b.get("/readyz"); s.Status != http.StatusServiceUnavailable {
		t.Errorf("ready without a store: got %d, want 503", s.Status)
	}
	if s := b.post(unitA, "/v1/orders/search", bodyFor(anna)); s.Status != http.StatusServiceUnavailable || strings.Contains(s.Body, "sql") {
		t.Errorf("without a store: got %d %s, want 503 and no word of its inside", s.Status, s.Body)
	}
	if !strings.Contains(b.log.String(), "a request failed") {
		t.Error("the log does not say why")
	}
}

func TestMetrics(t *testing.T) {
	b := newBench(t)
	b.place("O1", anna)
	b.deliver("K1", resultFor(anna, "O1", "41"))
	b.post(unitA, "/v1/orders/O9/claim", claimOf(unitA, "C1"))
	got := b.get("/metrics").Body
	for _, want := range []string{
		`rorpost_central_orders{status="ordered"} 1`, "rorpost_central_queue_depth 1", "rorpost_central_queue_oldest_seconds",
		`rorpost_central_requests_total{code="201",route="/v1/orders"} 1`, `rorpost_central_requests_total{code="404",route="/v1/orders/{id}/claim"} 1`,
		`rorpost_central_unit_silent_seconds{unit="` + unitA + `"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestPage(t *testing.T) {
	b := newBench(t)
	if got := b.get("/").Body; !strings.Contains(got, "No unit has called yet") || !strings.Contains(got, "0 orders, 0 results on the way") {
		t.Errorf("an empty centre: got %s", got)
	}
	b.place("O1", anna)
	b.deliver("K1", resultFor(anna, "O1", "41"))
	b.must(http.StatusOK, unitA, "/v1/units/"+unitA+"/status", UnitReport{Name: "<Liljeholmen>", Waiting: 2, Parked: 1})
	s := b.get("/")
	for _, want := range []string{"What has the centre received?", "1 order, 1 result on the way", "&lt;Liljeholmen&gt;", "2 waiting, 1 parked", `href="/style.css"`} {
		if !strings.Contains(s.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, no := range []string{"http://", "https://", "<script", anna, "Testsson"} {
		if strings.Contains(s.Body, no) {
			t.Errorf("the page has %q", no)
		}
	}
	if got := b.get("/style.css"); got.Status != http.StatusOK || strings.Contains(got.Body, "url(") {
		t.Errorf("style: got %d", got.Status)
	}
	stats := into[overview](b, b.get("/v1/stats"))
	if stats.Waiting != 1 || stats.Orders[lab.Ordered] != 1 || len(stats.Units) != 1 || stats.Oldest.IsZero() {
		t.Errorf("stats: got %+v", stats)
	}
}

// P12: the page says what is silent and what waits too long.
func TestP12_ThePageSaysWhatIsSilent(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	o := overview{Stats: Stats{Waiting: 1, Oldest: now.Add(-11 * time.Minute)}, Units: []unitView{{ID: unitA, Seen: now.Add(-time.Minute)}, {ID: unitB, Seen: now.Add(-50 * time.Hour)}}}
	s := show(o, now)
	if s.Tone != "warn" || len(s.Reasons) != 2 || !s.OldestBad || s.Units[0].Tone != "good" || s.Units[1].Tone != "warn" || s.Units[1].Seen != "2 days ago" {
		t.Errorf("got %+v", s)
	}
	o.Oldest, o.Units = now.Add(-9*time.Minute), o.Units[:1]
	if s := show(o, now); s.Tone != "good" || s.Oldest != "9 min" {
		t.Errorf("got %+v", s)
	}
}
