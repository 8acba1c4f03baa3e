package central

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

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
