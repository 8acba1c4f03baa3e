package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rorpost/astm"
	"rorpost/astm/lis1a"
	"rorpost/gateway/sim"
	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// corpus is the folder of recorded messages beside the project.
const corpus = "../../../shared/corpus"

// recorder is a journal that keeps what it takes, and a patient queue that does the same.
type recorder struct {
	mu       sync.Mutex
	messages []*hl7.Message
	queue    [][]byte
}

func (r *recorder) journal(_ context.Context, _ mllp.Peer, raw []byte) ([][]byte, error) {
	m, err := hl7.Parse(raw)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
	return [][]byte{hl7.Ack(m, hl7.Reply{Code: hl7.AA, ControlID: fmt.Sprint(len(r.messages)), Time: time.Now()})}, nil
}

func (r *recorder) patients(w http.ResponseWriter, req *http.Request) {
	b, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, b)
	w.WriteHeader(http.StatusCreated)
}

func (r *recorder) all() []*hl7.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*hl7.Message(nil), r.messages...)
}

// site is a gateway from a configuration file, with a recorder at its end.
type site struct {
	t                       *testing.T
	recorder                *recorder
	web, pass, park         string
	dca, xp, queue, journal string
	dcaLine, xpLine         *cable
	dir                     string
}

// cable is two pseudo-terminals joined: what is written at one end is read at the other.
type cable struct{ host, device *sim.Line }

func newCable(t *testing.T) *cable {
	t.Helper()
	c := &cable{}
	var err error
	if c.host, err = sim.OpenLine(0); err != nil {
		t.Skip("this system has no pseudo-terminals: ", err)
	}
	if c.device, err = sim.OpenLine(0); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(c.host, c.device) })
	wg.Go(func() { _, _ = io.Copy(c.device, c.host) })
	t.Cleanup(func() { c.host.Close(); c.device.Close(); wg.Wait() })
	return c
}

func needCorpus(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("the corpus of recorded messages is not beside the project: ", err)
	}
}

func newSite(t *testing.T) *site {
	t.Helper()
	t.Setenv(runMain, "1")
	s := &site{t: t, recorder: &recorder{}, dir: t.TempDir(), dcaLine: newCable(t), xpLine: newCable(t)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- (&mllp.Server{Handler: s.recorder.journal}).Serve(ctx, l) }()
	queue := httptest.NewServer(http.HandlerFunc(s.recorder.patients))
	t.Cleanup(func() { cancel(); <-served; queue.Close() })
	s.journal, s.queue = l.Addr().String(), queue.URL
	for _, a := range []*string{&s.web, &s.pass, &s.park, &s.dca, &s.xp} {
		if *a, err = freeAddress("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	return s
}

// start writes the configuration and runs the gateway as a process.
func (s *site) start() {
	s.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "[unit]\nid = \"SE2321000016-TEST1\"\n[log]\nformat = \"json\"\n[web]\nlisten = %q\n[store]\ndir = %q\n", s.web, filepath.ToSlash(s.dir)+"/store")
	for name, listen := range map[string]string{"pass": s.pass, "park": s.park} {
		fmt.Fprintf(&b, "[[listener]]\nname = %q\nprotocol = \"mllp\"\nlisten = %q\nunmatched = %q\nprocessing = [\"P\", \"T\", \"D\"]\n", name, listen, name)
	}
	for _, d := range [][3]string{
		{"dca-tcp", "siemens-dca-vantage", "listen://" + s.dca}, {"xp-tcp", "sysmex-xp100", "listen://" + s.xp},
		{"dca-line", "siemens-dca-vantage", "serial:" + s.dcaLine.host.Name}, {"xp-line", "sysmex-xp100", "serial:" + s.xpLine.host.Name},
	} {
		fmt.Fprintf(&b, "[[device]]\nname = %q\nprofile = %q\nport = %q\nunmatched = \"pass\"\n", d[0], d[1], d[2])
	}
	fmt.Fprintf(&b, "[[destination]]\nname = \"journal\"\nkind = \"mllp\"\nserves = \"journal\"\naddress = %q\n", s.journal)
	fmt.Fprintf(&b, "[[destination]]\nname = \"patients\"\nkind = \"http\"\nserves = \"patient\"\naddress = %q\n", s.queue)
	b.WriteString("[[route]]\nname = \"both\"\nwhen = { kind = \"result\" }\nto = [\"journal\", \"patients\"]\n")
	file := filepath.Join(s.dir, "gateway.toml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		s.t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := startChild(program, "serve", file, s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := c.stop(15 * time.Second); err != nil {
			s.t.Error(err)
		}
		noIdentityInLogs(s.t, s.dir)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := c.ready(ctx, "http://"+s.web+"/readyz"); err != nil {
		s.t.Fatal(err)
	}
}

// run executes a command of ours and fails the test when it fails.
func (s *site) run(args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	if code := run(args, strings.NewReader(""), &out, &errs); code != 0 {
		s.t.Fatalf("rorpost %s: exit status %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return out.String()
}

// eventually waits for the journal to have n messages.
func (s *site) eventually(n int) []*hl7.Message {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got := s.recorder.all(); len(got) >= n {
			return got
		}
	}
	s.t.Fatalf("%d messages came to the journal, want %d", len(s.recorder.all()), n)
	return nil
}

// TestRealAnalyzers plays recorded sessions of two analyzers over TCP and over a serial line; every value, unit and flag
// of the recording arrives at the journal as ORU^R01.
func TestRealAnalyzers(t *testing.T) {
	needCorpus(t)
	s := newSite(t)
	dca := filepath.Join(corpus, "astm/astm-frames/siemens-dca-vantage/dca_vantage.txt")
	xp := filepath.Join(corpus, "astm/astm-frames/sysmex-xp100/sysmex_xp100.txt")
	for i, c := range []struct{ file, to string }{
		{dca, "tcp://" + s.dca}, {xp, "tcp://" + s.xp},
		{dca, "serial:" + s.dcaLine.device.Name}, {xp, "serial:" + s.xpLine.device.Name},
	} {
		s.run("astm", "send", "--to", c.to, c.file)
		messages := s.eventually(i + 1)
		m := messages[i]
		if h := m.Header(); h.Type != "ORU" || h.Event != "R01" || h.Version != "2.5.1" {
			t.Errorf("%s: the journal got %s^%s %s, want ORU^R01 2.5.1", c.to, h.Type, h.Event, h.Version)
		}
		compare(t, c.file, m)
	}
	if len(s.recorder.queue) != 0 {
		t.Errorf("%d results without an order reached the patient queue", len(s.recorder.queue))
	}
}

// compare holds the OBX segments of m against the R records of a recording.
func compare(t *testing.T, file string, m *hl7.Message) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	frames, _ := lis1a.Decode(raw)
	messages, err := astm.Parse(lis1a.Text(frames))
	if err != nil {
		t.Fatal(err)
	}
	obx, n := m.Find("OBX"), 0
	for _, r := range messages[0].Records {
		if r.Type() != 'R' {
			continue
		}
		if n >= len(obx) {
			t.Fatalf("%s: only %d OBX segments", filepath.Base(file), len(obx))
		}
		for _, f := range []struct{ what, want, got string }{
			{"value", r.Get("4"), obx[n].Get("5")}, {"unit", r.Get("5"), obx[n].Get("6.1")}, {"flag", r.Get("7"), obx[n].Get("8")},
		} {
			if strings.TrimSpace(f.want) != f.got {
				t.Errorf("%s result %d: %s %q, want %q", filepath.Base(file), n+1, f.what, f.got, f.want)
			}
		}
		n++
	}
	if n != len(obx) || n == 0 {
		t.Errorf("%s: %d results, %d OBX segments", filepath.Base(file), n, len(obx))
	}
}

// recordedResults picks recorded ORU^R01 messages of as many versions as there are, n in all.
func recordedResults(t *testing.T, n int) (files []string, versions map[string]int) {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(corpus, "hl7/manifest.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	versions = map[string]int{}
	for most := 1; len(files) < n && most <= n; most++ {
		for line := range strings.Lines(string(manifest)) {
			f := strings.Split(line, "\t")
			path := filepath.Join(corpus, "hl7", f[0])
			if len(files) == n || len(f) < 7 || !strings.HasPrefix(f[5], "ORU^R01") || versions[f[4]] >= most || !usable(path) || contains(files, path) {
				continue
			}
			versions[f[4]]++
			files = append(files, path)
		}
	}
	return files, versions
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// usable leaves out batches and messages without a control id: those are answered AR, which is tested elsewhere.
func usable(path string) bool {
	b, err := os.ReadFile(path)
	if err != nil || len(hl7.Split(b)) != 1 {
		return false
	}
	m, err := hl7.Parse(b)
	return err == nil && hl7.Correlatable(b) == nil && len(m.Find("OBX")) > 0 && m.Header().ProcessingID != ""
}

// TestRealAnswers sends ten recorded ORU^R01 of different versions: through one listener they reach the journal with
// every value, through the other they park with a reason and a hint.
func TestRealAnswers(t *testing.T) {
	needCorpus(t)
	s := newSite(t)
	files, versions := recordedResults(t, 10)
	if len(files) < 10 || len(versions) < 5 {
		t.Fatalf("%d recorded results of versions %v; want 10 of at least 5", len(files), versions)
	}
	s.run(append([]string{"hl7", "send", "--to", s.park}, files...)...)
	parked := s.parked()
	for deadline := time.Now().Add(10 * time.Second); len(parked) < 10 && time.Now().Before(deadline); parked = s.parked() {
		time.Sleep(20 * time.Millisecond) // One of them asks for no acknowledgement: its sender does not wait.
	}
	if len(parked) != 10 || len(s.recorder.all()) != 0 {
		t.Fatalf("%d parked, %d at the journal; want 10 and 0: nobody knows their orders", len(parked), len(s.recorder.all()))
	}
	for _, p := range parked {
		if p.Reason == "" || p.Hint == "" {
			t.Errorf("parked with reason %q, hint %q", p.Reason, p.Hint)
		}
	}
	s.run(append([]string{"hl7", "send", "--to", s.pass}, files...)...)
	delivered := s.eventually(10 - (len(s.parked()) - 10))
	t.Logf("versions %v: %d at the journal, %d parked by the passing listener", versions, len(delivered), len(s.parked())-10)
	if len(delivered) < 8 {
		t.Errorf("only %d of 10 reached the journal", len(delivered))
	}
	for _, file := range files {
		if !arrived(t, file, delivered) && len(s.parked()) == 10 {
			t.Errorf("%s: not every value of it reached the journal", filepath.Base(file))
		}
	}
}

func (s *site) parked() []parkedItem {
	s.t.Helper()
	var list parkedList
	web := &sim.Web{Base: "http://" + s.web}
	if err := web.Get(s.t.Context(), "/api/v1/parked?limit=1000", &list); err != nil {
		s.t.Fatal(err)
	}
	return list.Parked
}

// arrived tells whether some message has the OBX segments of the file, value by value.
func arrived(t *testing.T, file string, delivered []*hl7.Message) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := hl7.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := values(m)
	for _, d := range delivered {
		if values(d) == want {
			return true
		}
	}
	return false
}

func values(m *hl7.Message) string {
	var b strings.Builder
	for _, s := range m.Find("OBX") {
		line, _ := json.Marshal([]string{s.Get("2"), s.Get("3"), s.Get("5"), s.Get("6"), s.Get("8"), s.Get("11")})
		b.Write(line)
	}
	return b.String()
}
