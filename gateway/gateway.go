// Package gateway puts the rooms together and runs them: the store, the intake, the flow, the outbox and the pages.
// It is assembly only; what the product does stands in flow.
//
//	g, err := gateway.New(cfg, gateway.Options{Log: log})
//	err = g.Run(ctx)
//
// Stopping is in two phases: first nothing new is taken, then what is in hand is finished, in the reverse order of the
// start.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rorpost/config"
	"rorpost/gateway/audit"
	"rorpost/gateway/flow"
	"rorpost/gateway/lab"
	"rorpost/gateway/outbox"
	"rorpost/gateway/store"
	"rorpost/gateway/web"
)

// Options are what the program gives besides its configuration.
type Options struct {
	Log     *slog.Logger
	Version string
}

// Gateway is one running gateway.
type Gateway struct {
	cfg *config.Config
	log *slog.Logger
	o   Options

	store  *store.Store
	trail  *audit.Trail
	flow   *flow.Flow
	outbox *outbox.Outbox
	intake []source
	web    *web.Server
	pages  net.Listener

	hub     atomic.Pointer[web.Server] // Where events go, once the pages are there.
	recover atomic.Int64               // Arrivals of the time before the start that are not settled yet.
}

// New returns a gateway for a configuration that config has checked. It does no I/O.
func New(cfg *config.Config, o Options) (*Gateway, error) {
	if cfg.Store.Dir == "" {
		return nil, errors.New("store.dir is empty: say where the gateway may keep its data")
	}
	return &Gateway{cfg: cfg, log: o.Log, o: o}, nil
}

// Run opens everything, works until ctx ends, and closes everything. What was acknowledged before the end is on disk.
func (g *Gateway) Run(ctx context.Context) error {
	var steps steps
	err := g.start(ctx, &steps)
	if err == nil {
		g.log.Info("gateway started", "unit", g.cfg.Unit.ID, "pages", g.pages.Addr().String(), "version", g.o.Version)
		err = steps.wait(ctx)
		g.log.Info("stopping: nothing new is taken, what is in hand is finished")
	}
	return errors.Join(err, steps.stop(g.log))
}

// start brings the rooms up in the order in which they lean on each other.
func (g *Gateway) start(ctx context.Context, s *steps) (err error) {
	if g.store, err = store.Open(ctx, g.cfg.Store.Dir, store.Options{OnEvent: g.event}); err != nil {
		return fmt.Errorf("open the store in %s: %w", g.cfg.Store.Dir, err)
	}
	s.closing("store files", g.store.Close)
	s.running("store", g.store.Run)
	key := []byte(g.store.Blind("the key of the audit trail"))
	if g.trail, err = audit.Open(filepath.Join(g.cfg.Store.Dir, "audit.jsonl"), key); err != nil {
		return fmt.Errorf("open the audit trail: %w", err)
	}
	s.closing("audit trail", g.trail.Close)
	if err := g.build(); err != nil {
		return err
	}
	s.running("outbox", g.outbox.Run)
	if err := g.servePages(s); err != nil {
		return err
	}
	if err := g.recovery(ctx, s); err != nil {
		return err
	}
	s.running("intake", g.takeIn)
	s.running("retention", g.retain)
	s.running("sweep", g.sweep)
	return nil
}

// event is called by the store's writer after each commit.
func (g *Gateway) event(e store.Event) {
	if hub := g.hub.Load(); hub != nil {
		hub.Publish(e)
	}
}

// servePages opens the port of the pages; the pages are there before the devices are.
func (g *Gateway) servePages(s *steps) error {
	tls, err := g.cfg.Web.TLS.Config()
	if err != nil {
		return fmt.Errorf("the pages' TLS: %w", err)
	}
	if g.web, err = web.New(g.webOptions(tls != nil)); err != nil {
		return err
	}
	g.hub.Store(g.web)
	if g.pages, err = net.Listen("tcp", g.cfg.Web.Listen); err != nil {
		return fmt.Errorf("open the pages' port: %w", err)
	}
	server := &http.Server{
		Handler: g.web.Handler(), TLSConfig: tls, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelWarn),
	}
	s.running("pages", func(ctx context.Context) error { return serveHTTP(ctx, server, g.pages, g.web.Close) })
	return nil
}

func serveHTTP(ctx context.Context, server *http.Server, l net.Listener, hangUp func()) error {
	stop := context.AfterFunc(ctx, func() {
		hangUp()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_ = server.Shutdown(bounded)
		_ = server.Close()
	})
	defer stop()
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// recovery settles what an earlier run kept and did not settle. What the order store is needed for is tried again until
// it succeeds; devices and listeners do not wait for it.
func (g *Gateway) recovery(ctx context.Context, s *steps) error {
	start := time.Now()
	left, err := g.before(ctx, start)
	if err != nil {
		return fmt.Errorf("read what an earlier run left: %w", err)
	}
	g.recover.Store(int64(len(left)))
	if len(left) == 0 {
		return nil
	}
	g.log.Info("settling what an earlier run had kept", "arrivals", len(left))
	s.running("recovery", func(ctx context.Context) error {
		for len(left) > 0 && ctx.Err() == nil {
			if g.again(ctx, left) == 0 {
				rest(ctx, 2*time.Second)
			}
			// The store tells at most a thousand at a time.
			if left, err = g.before(ctx, start); err != nil && ctx.Err() == nil {
				return fmt.Errorf("read what an earlier run left: %w", err)
			}
			g.recover.Store(int64(len(left)))
		}
		return nil
	})
	return nil
}

// before returns arrivals that came before the start and are not settled.
func (g *Gateway) before(ctx context.Context, start time.Time) ([]store.Arrival, error) {
	left, err := g.store.Unsettled(ctx)
	return slices.DeleteFunc(left, func(a store.Arrival) bool { return !a.At.Before(start) }), err
}

// again settles arrivals and returns how many it could.
func (g *Gateway) again(ctx context.Context, arrivals []store.Arrival) (settled int) {
	for _, a := range arrivals {
		err := g.flow.Again(ctx, a)
		if err == nil {
			settled++
		} else if ctx.Err() == nil {
			g.log.Warn("an arrival of an earlier run is not settled yet", "arrival", a.ID, "kind", a.Kind, "error", err)
		}
	}
	return settled
}

// takeIn runs every listener, station and scanner; the failure of one ends all.
func (g *Gateway) takeIn(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(g.intake))
	for i, in := range g.intake {
		wg.Go(func() {
			if errs[i] = in.Run(ctx); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// retain removes old bodies in small portions; what is owed or parked stays.
func (g *Gateway) retain(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := g.store.Prune(ctx, time.Now().Add(-g.cfg.Store.Keep.Duration), 50)
		if err != nil && ctx.Err() == nil {
			g.log.Warn("old messages could not be removed", "error", err)
		}
		if n < 50 {
			rest(ctx, time.Minute)
		}
	}
	return nil
}

// sweep gives back, once a minute, the collections that nobody has finished.
func (g *Gateway) sweep(ctx context.Context) error {
	for ctx.Err() == nil {
		for _, d := range g.cfg.Devices {
			if !d.IsScanner() {
				continue
			}
			if err := g.flow.Sweep(ctx, d.Name); err != nil && ctx.Err() == nil {
				g.log.Warn("an open collection could not be given back", "desk", d.Name, "error", err)
			}
		}
		rest(ctx, time.Minute)
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Unit is who this gateway is.
func (g *Gateway) unit() lab.Party { return lab.Party{HSA: g.cfg.Unit.ID, Name: g.cfg.Unit.Name} }
