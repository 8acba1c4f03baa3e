package central

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
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

func TestOnlyLoopbackNamesItself(t *testing.T) {
	b := newBench(t)
	ask := func(remote, host, unit string) int {
		r := httptest.NewRequest("POST", "/v1/orders/search", strings.NewReader(`{"specimen":"T1"}`))
		r.RemoteAddr, r.Host = remote, host
		r.Header.Set(unitHeader, unit)
		w := httptest.NewRecorder()
		b.c.Handler().ServeHTTP(w, r)
		return w.Code
	}
	for name, c := range map[string]struct {
		remote, host, unit string
		want               int
	}{
		"loopback":           {"127.0.0.1:999", "127.0.0.1:8090", unitA, 200},
		"loopback by name":   {"127.0.0.1:999", "localhost", unitA, 200},
		"loopback 6":         {"[::1]:999", "[::1]:8090", unitA, 200},
		"mapped loopback":    {"[::ffff:127.0.0.1]:999", "[::1]", "", 200},
		"the network":        {"192.0.2.1:999", "127.0.0.1:8090", unitA, 403},
		"no address":         {"@", "localhost", unitA, 403},
		"a name points here": {"127.0.0.1:999", "evil.example:8090", unitA, 421},
		"no unit's name":     {"127.0.0.1:999", "localhost", "a b", 400},
	} {
		if got := ask(c.remote, c.host, c.unit); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/v1/orders/search", strings.NewReader(`{"specimen":"T1"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a page from elsewhere: got %d, want 403", res.StatusCode)
	}
}

// authority issues certificates for a test.
type authority struct {
	*testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{T: t}
	c := a.issue("authority")
	a.cert, a.key = c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

func (a *authority) issue(name string) tls.Certificate {
	a.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{netip.MustParseAddr("127.0.0.1").AsSlice()}, BasicConstraintsValid: true, IsCA: a.cert == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		a.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func TestCertificateIsTheUnit(t *testing.T) {
	a := newAuthority(t)
	c, err := New(Config{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Consumers: []string{"1177"}, Sources: []string{"eph"},
		TLS: &tls.Config{Certificates: []tls.Certificate{a.issue("centre")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool()},
	})
	if err != nil {
		t.Fatal(err)
	}
	url := serveTLS(t, c)
	ask := func(certificate, header, path, body string) int {
		t.Helper()
		cfg := &tls.Config{RootCAs: a.pool()}
		if certificate != "" {
			cfg.Certificates = []tls.Certificate{a.issue(certificate)}
		}
		client := http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}}
		r, err := http.NewRequestWithContext(t.Context(), "POST", url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set(unitHeader, header)
		}
		res, err := client.Do(r)
		if err != nil {
			return 0
		}
		res.Body.Close()
		return res.StatusCode
	}
	const search, lease = "/v1/orders/search", "/v1/patient-results/lease"
	for name, got := range map[string][2]int{
		"its own name":             {ask(unitA, "", search, `{"specimen":"T1"}`), 200},
		"and the header":           {ask(unitA, unitA, search, `{"specimen":"T1"}`), 200},
		"another header":           {ask(unitA, unitB, search, `{"specimen":"T1"}`), 403},
		"no certificate":           {ask("", unitA, search, `{"specimen":"T1"}`), 0},
		"a name that is not one":   {ask("Åsa Testsson", "", search, `{"specimen":"T1"}`), 403},
		"another unit in the body": {ask(unitA, "", "/v1/orders/O1/sent", `{"unit":"`+unitB+`"}`), 403},
		"another unit's status":    {ask(unitA, "", "/v1/units/"+unitB+"/status", `{}`), 403},
		"its own status":           {ask(unitA, "", "/v1/units/"+unitA+"/status", `{}`), 200},
		"a unit leases":            {ask(unitA, "", lease, `{"consumer":"1177"}`), 403},
		"the consumer leases":      {ask("1177", "", lease, `{"consumer":"1177"}`), 200},
		"a unit orders":            {ask(unitA, "", "/v1/orders", `{}`), 403},
		"the source orders":        {ask("eph", "", "/v1/orders", `{}`), 422},
		"a unit cancels":           {ask(unitA, "", "/v1/orders/O1/cancel", `{"reason":"x"}`), 403},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: got %d, want %d", name, got[0], got[1])
		}
	}
	units, err := c.store.Units(t.Context())
	if err != nil || len(units) != 1 || units[0].ID != unitA {
		t.Errorf("units: got %v, %v, want the one with a certificate", units, err)
	}
}

// serveTLS runs the centre's own server, and stops it as a signal would.
func serveTLS(t *testing.T, c *Central) string {
	t.Helper()
	l, err := net.Listen("tcp", c.cfg.Listen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended badly: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return "https://" + l.Addr().String()
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
	var got struct{ Units []unitView }
	got = into[struct{ Units []unitView }](b, b.get("/v1/units"))
	ids := slices.Collect(func(yield func(string) bool) {
		for _, u := range got.Units {
			yield(u.ID)
		}
	})
	if !slices.Equal(ids, []string{unitA, unitB}) || !got.Units[0].Reported.IsZero() || !strings.Contains(string(got.Units[1].Report), "hba1c") {
		t.Errorf("got %+v", got)
	}
}
