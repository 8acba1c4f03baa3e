package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rorpost/gateway/audit"
	"rorpost/gateway/collect"
	"rorpost/gateway/intake"
	"rorpost/gateway/lab"
	"rorpost/gateway/outbox"
	"rorpost/gateway/store"
)

// A published test number of the Tax Agency, and a name that nobody has.
const (
	testNumber  = "198501012382"
	testWritten = "19850101-2382"
	testFamily  = "Provperson"
	testGiven   = "Siri"
)

// testORU is a result with its person in PID and NK1.
const testORU = "MSH|^~\\&|LAB|KUL|RP|UNIT|20261123081500+0100||ORU^R01^ORU_R01|MSG0001|P|2.5.1|||AL|NE||8859/1\r" +
	"PID|1||198501012382^^^&1.2.752.129.2.1.3.1&ISO||Provperson^Siri||19850101|F|||Storgatan 1^^Liljeholmen\r" +
	"NK1|1|Anhorig^Bo\r" +
	"ORC|RE|P100|F900||CM\r" +
	"OBR|1|P100|F900|NPU27300^HbA1c^NPU|||20261123080000\r" +
	"OBX|1|NM|NPU27300^HbA1c^NPU||42|mmol/mol|27-42|N|||F\r" +
	"NTE|1||ring 19850101-2382 vid svar\r"

// site is one gateway's web server on a real store, a real trail and a real socket.
type site struct {
	t       *testing.T
	store   *store.Store
	trail   string
	key     []byte
	web     *Server
	http    *httptest.Server
	desk    *testDesk
	log     *lockedBuffer
	mu      sync.Mutex
	devices []intake.Status
	links   []outbox.Status
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testDesk is a desk in memory: a number opens a collection, a barcode labels its next tube.
type testDesk struct {
	mu     sync.Mutex
	state  collect.State
	active bool
	got    []string
	fail   error
}

func (d *testDesk) Current(context.Context) (collect.State, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state, d.active, d.fail
}

func (d *testDesk) Submit(_ context.Context, text string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, text)
	if id, err := lab.ParsePersonID(text, time.Now()); err == nil {
		d.state, d.active = collect.Start("C7", testOrders(id), "SE2321000016-15CX", time.Now()), true
		return nil
	}
	next, err := d.state.Specimen(text, "", time.Now())
	d.state = next
	return err
}

func (d *testDesk) Confirm(context.Context) error { return d.end() }
func (d *testDesk) Cancel(context.Context) error  { return d.end() }

func (d *testDesk) end() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state, d.active = collect.State{}, false
	return nil
}

func testOrders(id lab.PersonID) []lab.Order {
	npu := func(code, text string) lab.Code { return lab.Code{Code: code, Text: text, System: "NPU"} }
	return []lab.Order{{ID: "R2026-4711", Status: lab.Fetched, ClaimedBy: "SE2321000016-15CX",
		Person:    lab.Person{ID: id, Family: testFamily, Given: testGiven, Sex: "F"},
		Requester: lab.Party{HSA: "SE2321000016-1001", Name: "Liljeholmens vårdcentral"}, Created: time.Now().Add(-3 * time.Hour),
		Tests: []lab.Test{
			{Placer: "P1", Code: npu("NPU27300", "HbA1c"), Material: "BLD", Performer: lab.AtUnit},
			{Placer: "P2", Code: npu("NPU01944", "Erythrocytes"), Material: "BLD", Performer: lab.AtLaboratory},
			{Placer: "P3", Code: npu("NPU01807", "Creatininium"), Material: "SER", Performer: lab.AtLaboratory},
			{Placer: "P4", Code: npu("NPU19748", "CRP"), Material: "SER", Performer: lab.AtLaboratory}}}}
}

// newSite starts everything; change adjusts the options.
func newSite(t *testing.T, change func(*Options)) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{t: t, desk: &testDesk{}, log: &lockedBuffer{}, trail: filepath.Join(dir, "audit.log"),
		key: []byte("0123456789abcdef0123456789abcdef")}
	st, err := store.Open(t.Context(), filepath.Join(dir, "store"), store.Options{OnEvent: func(e store.Event) { s.web.Publish(e) }})
	if err != nil {
		t.Fatal("open the store:", err)
	}
	s.store = st
	trail, err := audit.Open(s.trail, s.key)
	if err != nil {
		t.Fatal("open the trail:", err)
	}
	o := Options{Store: st, Audit: trail, Unit: "SE2321000016-15CX", UnitName: "Provtagning Liljeholmen", Desk: s.desk,
		Devices: s.allDevices, Links: s.allLinks, Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Resolve: func(ctx context.Context, r store.Resolution) error { _, err := st.Resolve(ctx, r); return err },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "rorpost_up 1\n") })}
	if change != nil {
		change(&o)
	}
	if s.web, err = New(o); err != nil {
		t.Fatal("new server:", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- st.Run(ctx) }()
	s.http = httptest.NewServer(s.web.Handler())
	t.Cleanup(func() {
		s.web.Close()
		s.http.Close()
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error("the store's writer:", err)
		}
		if err := errors.Join(st.Close(), trail.Close()); err != nil {
			t.Error("close:", err)
		}
	})
	return s
}

func (s *site) allDevices() []intake.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.devices
}

func (s *site) allLinks() []outbox.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links
}

// set puts devices and links in a state.
func (s *site) set(devices []intake.Status, links []outbox.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices, s.links = devices, links
}

// accept keeps a message.
func (s *site) accept(a store.Arrival) int64 {
	s.t.Helper()
	r, err := s.store.Accept(s.t.Context(), a)
	if err != nil {
		s.t.Fatal("accept:", err)
	}
	return r.Arrival.ID
}

// settle decides about one and returns what is owed.
func (s *site) settle(t store.Settlement) []store.Delivery {
	s.t.Helper()
	owed, err := s.store.Settle(s.t.Context(), t)
	if err != nil {
		s.t.Fatal("settle:", err)
	}
	return owed
}

// park keeps the test result and parks it; it returns the parked item.
func (s *site) park() store.ParkedItem {
	s.t.Helper()
	id := s.accept(store.Arrival{Kind: store.KindMLLP, Source: "answers", Control: "MSG0001", Body: []byte(testORU)})
	s.settle(store.Settlement{Arrival: id, Decision: "parked", Park: &store.Park{
		Reason: "no order is known for this specimen", Hint: "choose the order, or ask the laboratory"}})
	items, err := s.store.Parked(s.t.Context(), 10)
	if err != nil || len(items) == 0 {
		s.t.Fatalf("parked: got %d items, error %v; want 1", len(items), err)
	}
	return items[0]
}

// trailed returns the actions in the trail, oldest first, each with its object.
func (s *site) trailed() []audit.Entry {
	s.t.Helper()
	entries, err := audit.List(s.trail, audit.Filter{Limit: 1000})
	if err != nil {
		s.t.Fatal("list the trail:", err)
	}
	return entries
}

func (s *site) saw(action string) bool {
	for _, e := range s.trailed() {
		if e.Action == action {
			return true
		}
	}
	return false
}

// reply is an answer of the server with its body read.
type reply struct {
	*http.Response
	text string
}

// visitorClient is a browser without script: it keeps cookies and follows no redirect.
func (s *site) visitorClient() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *site) do(c *http.Client, r *http.Request) reply {
	s.t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{resp, string(b)}
}

func (s *site) get(c *http.Client, path string) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.http.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do(c, r)
}

func (s *site) post(c *http.Client, path string, form url.Values) reply {
	s.t.Helper()
	return s.send(c, path, "application/x-www-form-urlencoded", form.Encode())
}

func (s *site) send(c *http.Client, path, kind, body string) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.http.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(c, r)
}
