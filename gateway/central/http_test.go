package central

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEveryAddressRefusesOtherMethods(t *testing.T) {
	b := newBench(t)
	for _, r := range b.c.table() {
		path := strings.NewReplacer("{id}", "O1", "{$}", "").Replace(r.path)
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			if method == r.method {
				continue
			}
			req, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if s := b.do(req); s.Status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: got %d, want 405", method, path, s.Status)
			}
		}
	}
	if s := b.get("/v1/nothing"); s.Status != http.StatusNotFound {
		t.Errorf("an unknown address: got %d, want 404", s.Status)
	}
}

func TestBadBodies(t *testing.T) {
	b := benchIn(t, Config{Dir: t.TempDir(), MaxBody: 4096})
	for name, c := range map[string]struct {
		body, want string
		status     int
	}{
		"nothing":          {"", "not JSON", 400},
		"half":             {`{"id":"O1"`, "not JSON", 400},
		"no JSON":          {"id=O1", "not JSON", 400},
		"a list":           {"[]", "not a JSON object", 400},
		"null":             {"null", "not a JSON object", 400},
		"two objects":      {"{} {}", "something follows", 400},
		"unknown member":   {`{"idd":"O1"}`, "unknown member idd", 400},
		"other case":       {`{"ID":"O1"}`, "unknown member ID", 400},
		"unknown within":   {`{"tests":[{"code":{"kode":"x"}}]}`, "unknown member tests[].code.kode", 400},
		"a strange name":   {`{"850101-2382":1}`, "unknown member (a name", 400},
		"a number":         {`{"id":1}`, "member id has the wrong type", 400},
		"a list of text":   {`{"tests":["x"]}`, "member tests[] has the wrong type", 400},
		"an object":        {`{"tests":{}}`, "member tests has the wrong type", 400},
		"no time":          {`{"created":"yesterday"}`, "member created has the wrong type", 400},
		"no boolean":       {`{"person":{"protected":"yes"}}`, "member person.protected has the wrong type", 400},
		"larger than that": {`{"id":"` + strings.Repeat("x", 5000) + `"}`, "larger than 4096 bytes", 413},
	} {
		if s := b.post("", "/v1/orders", c.body); s.Status != c.status || !strings.Contains(s.Error, c.want) {
			t.Errorf("%s: got %d %s, want %d %q", name, s.Status, s.Body, c.status, c.want)
		}
	}
	s := b.post("", "/v1/orders/search", `{"persn":{}}`)
	if s.Hint != "allowed are: person, specimen" {
		t.Errorf("the hint: got %q", s.Hint)
	}
}

// A body without end is cut off, and the connection with it.
func TestEndlessBodyIsCutOff(t *testing.T) {
	b := benchIn(t, Config{Dir: t.TempDir(), MaxBody: 1 << 16})
	body := io.MultiReader(strings.NewReader(`{"id":"`), endless{})
	res, err := http.Post(b.url+"/v1/orders", "application/json", io.LimitReader(body, 1<<30))
	if err != nil {
		return // Cut off while sending.
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", res.StatusCode)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestNewRefuses(t *testing.T) {
	withoutClients := &tls.Config{}
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"no folder":      {Config{Listen: "127.0.0.1:0"}, "central.dir"},
		"no address":     {Config{Dir: "x", Listen: "8090"}, "is no address"},
		"every address":  {Config{Dir: "x", Listen: ":8090"}, "can be reached from the network"},
		"zero address":   {Config{Dir: "x", Listen: "0.0.0.0:8090"}, "can be reached from the network"},
		"six zeros":      {Config{Dir: "x", Listen: "[::]:8090"}, "can be reached from the network"},
		"a name":         {Config{Dir: "x", Listen: "central.example:8090"}, "can be reached from the network"},
		"no client cert": {Config{Dir: "x", Listen: "0.0.0.0:8090", TLS: withoutClients}, "client_ca"},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	for _, listen := range []string{"127.0.0.1:0", "127.8.0.1:0", "[::1]:0", "localhost:0"} {
		if err := checkListen(Config{Listen: listen}); err != nil {
			t.Errorf("%s: got %v", listen, err)
		}
	}
}

// A stop finishes the request in hand and closes the data.
func TestRunStops(t *testing.T) {
	log := &journal{}
	c, err := New(Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.serve(ctx, l) }()
	body, w := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		req, err := http.NewRequest("POST", "http://"+l.Addr().String()+"/v1/orders/search", body)
		if err != nil {
			t.Error(err)
			return
		}
		// The body is asked for by the handler: when its first bytes are taken, the request is in hand.
		req.Header.Set("Expect", "100-continue")
		client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
		res, err := client.Do(req)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		res.Body.Close()
		answered <- res.StatusCode
	}()
	if _, err := io.WriteString(w, `{"specimen":`); err != nil {
		t.Fatal(err)
	}
	stop()
	waitClosed(t, l.Addr().String())
	if _, err := io.WriteString(w, `"T1"}`); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got := <-answered; got != http.StatusOK {
		t.Errorf("the request in hand: got %d, want 200", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if c.Close() == nil && c.store.Ready(t.Context()) == nil {
		t.Error("a closed store is ready")
	}
}

// waitClosed waits until nobody listens any more.
func waitClosed(t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		c.Close()
		<-tick.C
	}
	t.Fatal("the port stays open")
}

func TestRunSaysWhyItCannotListen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := New(Config{Dir: t.TempDir(), Listen: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listen for units") {
		t.Errorf("got %v", err)
	}
	again, err := New(c.cfg) // The folder is free again.
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestUnits(t *testing.T) {
	b := newBench(t)
	b.must(http.StatusOK, unitB, "/v1/units/"+unitB+"/status", UnitReport{Name: "Liljeholmen", Version: "1.0", Waiting: 3, Devices: []UnitPart{{Name: "hba1c", Kind: "analyzer", State: "open"}}})
	b.must(http.StatusOK, unitA, "/v1/orders/search", `{"specimen":"T1"}`)
	b.must(http.StatusBadRequest, unitA, "/v1/units/"+unitA+"/status", `{"patient":"x"}`)
	got := into[struct{ Units []unitView }](b, b.get("/v1/units"))
	ids := slices.Collect(func(yield func(string) bool) {
		for _, u := range got.Units {
			yield(u.ID)
		}
	})
	if !slices.Equal(ids, []string{unitA, unitB}) || !got.Units[0].Reported.IsZero() || !strings.Contains(string(got.Units[1].Report), "hba1c") {
		t.Errorf("got %+v", got)
	}
}
