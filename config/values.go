package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is written as "500ms", "30s", "2h" or "90d"; a day is 24 hours.
type Duration struct{ time.Duration }

var dayPart = regexp.MustCompile(`^([0-9]+)d(.*)$`)

// UnmarshalText reads a duration with its unit; a bare number has none and is refused, and so is a negative one.
func (d *Duration) UnmarshalText(text []byte) error {
	s, whole := string(text), time.Duration(0)
	if m := dayPart.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 36500 {
			return fmt.Errorf("%q is not a duration; want at most 36500d", s)
		}
		whole, s = time.Duration(n)*24*time.Hour, m[2]
		if s == "" {
			d.Duration = whole
			return nil
		}
	}
	rest, err := time.ParseDuration(s)
	if err != nil || rest < 0 {
		return fmt.Errorf("%q is not a duration; want a number with its unit, as in 500ms, 30s, 15m, 2h or 90d", text)
	}
	d.Duration = whole + rest
	return nil
}

// MarshalText writes whole days as days.
func (d Duration) MarshalText() ([]byte, error) {
	const day = 24 * time.Hour
	if d.Duration >= day && d.Duration%day == 0 {
		return []byte(strconv.Itoa(int(d.Duration/day)) + "d"), nil
	}
	return []byte(d.Duration.String()), nil
}

// Bytes is a size, written as a number of bytes or as "64KiB", "4MiB".
type Bytes int64

// UnmarshalText reads a size with its unit.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	factor := int64(1)
	for unit, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if t, ok := strings.CutSuffix(s, unit); ok {
			s, factor = strings.TrimSpace(t), n
		}
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a size; want a number of bytes, KiB, MiB or GiB, as in 4MiB", text)
	}
	*b = Bytes(n * factor)
	return nil
}

// Network is an address or a network, "10.1.2.3" or "10.1.0.0/16".
type Network struct{ netip.Prefix }

// UnmarshalText reads an address or a network.
func (n *Network) UnmarshalText(text []byte) error {
	if a, err := netip.ParseAddr(string(text)); err == nil {
		n.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a network; want an address or a network, as in 10.1.2.3 or 10.1.0.0/16", text)
	}
	n.Prefix = p.Masked()
	return nil
}

// Prefixes returns the networks that may connect; none given means all.
func (l Listener) Prefixes() []netip.Prefix {
	var list []netip.Prefix
	for _, n := range l.Allow {
		list = append(list, n.Prefix)
	}
	return list
}

// Secret cannot print itself. Its text stands in the file, or there as "env:NAME" or "file:PATH".
type Secret struct{ text string }

const masked = "(secret)"

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// UnmarshalText takes the text as it is; [Secret.Reveal] follows it.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

// Reveal is the one exit: the text itself, or what the named variable or file holds.
func (s Secret) Reveal() (string, error) {
	if name, ok := strings.CutPrefix(s.text, "env:"); ok {
		v, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		return v, nil
	}
	if path, ok := strings.CutPrefix(s.text, "file:"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read the secret: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	return s.text, nil
}

// Empty reports whether nothing was given.
func (s Secret) Empty() bool { return s.text == "" }

// String masks.
func (Secret) String() string { return masked }

// GoString masks.
func (Secret) GoString() string { return masked }

// Format masks under every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// MarshalText masks, and so does every encoder that goes through it.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue masks.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// ServerTLS names the files of a server's certificate. With ClientCA every client must show a certificate.
type ServerTLS struct {
	Cert     string `toml:"cert"`
	Key      string `toml:"key"`
	ClientCA string `toml:"client_ca"`
}

// On reports whether TLS is configured.
func (t ServerTLS) On() bool { return t != ServerTLS{} }

// Config reads the files; nil when TLS is not configured.
func (t ServerTLS) Config() (*tls.Config, error) {
	if !t.On() {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if t.ClientCA != "" {
		if c.ClientCAs, err = pool(t.ClientCA); err != nil {
			return nil, err
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// ClientTLS names the files that a client shows and trusts. Without CA the system's authorities are trusted.
type ClientTLS struct {
	Cert       string `toml:"cert"`
	Key        string `toml:"key"`
	CA         string `toml:"ca"`
	ServerName string `toml:"server_name"`
}

// On reports whether anything is configured.
func (t ClientTLS) On() bool { return t != ClientTLS{} }

// Config reads the files; nil when nothing is configured.
func (t ClientTLS) Config() (*tls.Config, error) {
	if !t.On() {
		return nil, nil
	}
	c := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.Cert != "" {
		cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read the certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	if t.CA != "" {
		var err error
		if c.RootCAs, err = pool(t.CA); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func pool(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authority: %w", err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the certificate authority %s: %w", path, errors.New("it holds no certificate"))
	}
	return p, nil
}
