package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// keyPair writes a certificate and its key, and returns their files.
func keyPair(t *testing.T) (cert, key string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLSBothSides(t *testing.T) {
	cert, key := keyPair(t)
	server, err := ServerTLS{Cert: cert, Key: key, ClientCA: cert}.Config()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	s.TLS = server
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // It would tell of the clients that are refused.
	s.StartTLS()
	defer s.Close()
	if server.ClientAuth != tls.RequireAndVerifyClientCert {
		t.Error("with client_ca every client must show a certificate")
	}
	get := func(c ClientTLS) error {
		conf, err := c.Config()
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{Transport: &http.Transport{TLSClientConfig: conf}}
		defer client.CloseIdleConnections()
		res, err := client.Get(s.URL)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	if err := get(ClientTLS{CA: cert}); err == nil {
		t.Error("a client without a certificate got in")
	}
	if err := get(ClientTLS{Cert: cert, Key: key, CA: cert, ServerName: "other.invalid"}); err == nil {
		t.Error("a server of another name was trusted")
	}
}

func TestTLSFilesThatCannotBeRead(t *testing.T) {
	cert, key := keyPair(t)
	if c, err := (ServerTLS{}).Config(); c != nil || err != nil {
		t.Errorf("nothing configured: got %v, %v", c, err)
	}
	if c, err := (ClientTLS{}).Config(); c != nil || err != nil {
		t.Errorf("nothing configured: got %v, %v", c, err)
	}
	for name, load := range map[string]func() (*tls.Config, error){
		"absent certificate":        ServerTLS{Cert: "absent.pem", Key: key}.Config,
		"key for certificate":       ServerTLS{Cert: key, Key: key}.Config,
		"absent authority":          ServerTLS{Cert: cert, Key: key, ClientCA: "absent.pem"}.Config,
		"authority without any":     ClientTLS{CA: key}.Config,
		"absent client certificate": ClientTLS{Cert: "absent.pem", Key: key}.Config,
	} {
		if _, err := load(); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}
