package central

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rorpost/gateway/audit"
)

// Config of a centre.
type Config struct {
	Dir     string      // Folder of its data; made if it is missing.
	Listen  string      // "127.0.0.1:8090". Anything but loopback needs TLS with client certificates.
	TLS     *tls.Config // nil: plain HTTP, on loopback only.
	Log     *slog.Logger
	MaxBody int64 // Bytes of a request; 0 means 1 MiB.

	// Names that may place and cancel orders, and names that may empty the patient queue, as in their certificates.
	// Empty: whoever may connect.
	Sources, Consumers []string
}

// Central is one centre. Its state is the store's; it keeps nothing else but counters.
type Central struct {
	cfg     Config
	log     *slog.Logger
	handler http.Handler
	meters  meters

	store  Store
	secret secret
	trail  *audit.Trail

	mu    sync.Mutex
	heard map[string]time.Time // When a unit was last written down as seen.
}

// New checks the configuration, and opens the store, the key and the audit trail in cfg.Dir; they are made if they are
// missing. It opens no port and starts no goroutine: see Run. Whoever serves Handler without Run calls Close.
func New(cfg Config) (*Central, error) {
	if cfg.Dir == "" {
		return nil, errors.New("central.dir is missing: name a folder that the program may write to")
	}
	if err := checkListen(cfg); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 1 << 20
	}
	c := &Central{cfg: cfg, log: cfg.Log, heard: map[string]time.Time{}}
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	defer cancel()
	if err := c.open(ctx); err != nil {
		return nil, fmt.Errorf("open the centre: %w", err)
	}
	c.meters = newMeters(c)
	c.handler = c.routes()
	return c, nil
}

// open takes the lock of the folder first, so that two centres never make two keys.
func (c *Central) open(ctx context.Context) error {
	if err := os.MkdirAll(c.cfg.Dir, 0o700); err != nil {
		return err
	}
	store, err := openEmbedded(ctx, c.cfg.Dir)
	if err != nil {
		return err
	}
	if err := c.openBeside(ctx, store); err != nil {
		return errors.Join(err, store.Close())
	}
	c.store = store
	return nil
}

func (c *Central) openBeside(ctx context.Context, store *embedded) error {
	fresh, err := store.empty(ctx)
	if err != nil {
		return err
	}
	if c.secret, err = loadSecret(c.cfg.Dir, fresh); err != nil {
		return fmt.Errorf("read the key of its hashes: %w", err)
	}
	c.trail, err = audit.Open(filepath.Join(c.cfg.Dir, "audit.jsonl"), c.secret.trail())
	return err
}

// Close frees what New has opened.
func (c *Central) Close() error { return errors.Join(c.trail.Close(), c.store.Close()) }

// checkListen refuses what would show patients' data to a network.
func checkListen(cfg Config) error {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return fmt.Errorf("central.listen %q is no address: want one such as 127.0.0.1:8090", cfg.Listen)
	}
	if loopbackHost(host) {
		return nil
	}
	if cfg.TLS == nil {
		return fmt.Errorf("central.listen %s can be reached from the network: give central.tls a cert, a key and a client_ca, or listen on 127.0.0.1", cfg.Listen)
	}
	if cfg.TLS.ClientAuth != tls.RequireAndVerifyClientCert {
		return fmt.Errorf("central.listen %s can be reached from the network without a client certificate: give central.tls a client_ca", cfg.Listen)
	}
	return nil
}

func loopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Handler serves the API and the page.
func (c *Central) Handler() http.Handler { return c.handler }

// The limits of a connection. A peer that is slower than these is cut off and comes again.
const (
	openTime    = 30 * time.Second // A store that was killed is put in order first.
	headerTime  = 5 * time.Second
	readTime    = 20 * time.Second
	requestTime = 20 * time.Second // From the header to the answer.
	writeTime   = 30 * time.Second
	idleTime    = 2 * time.Minute
	maxHeader   = 16 << 10 // Bytes.
	grace       = 10 * time.Second
)

// Run listens and serves until ctx ends; then it takes no new request, finishes those in hand within 10 seconds, and
// closes the data. It runs once.
func (c *Central) Run(ctx context.Context) error {
	l, err := net.Listen("tcp", c.cfg.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen for units: %w", err), c.Close())
	}
	c.log.Info("the centre listens", "address", l.Addr().String(), "tls", c.cfg.TLS != nil)
	return errors.Join(c.serve(ctx, l), c.Close())
}

func (c *Central) serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{
		Handler: c.handler, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(c.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		err := s.Shutdown(bounded)
		stopped <- errors.Join(err, s.Close())
	})
	err := s.Serve(c.wrap(l))
	if stop() { // It has ended by itself.
		return errors.Join(fmt.Errorf("serve units: %w", err), s.Close())
	}
	return <-stopped
}

func (c *Central) wrap(l net.Listener) net.Listener {
	if c.cfg.TLS == nil {
		return l
	}
	t := c.cfg.TLS.Clone()
	t.NextProtos = []string{"http/1.1"}
	return tls.NewListener(l, t)
}
