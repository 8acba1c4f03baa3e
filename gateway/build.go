package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	"rorpost/config"
	"rorpost/devices"
	"rorpost/devices/barcode"
	"rorpost/devices/port"
	"rorpost/gateway/audit"
	"rorpost/gateway/flow"
	"rorpost/gateway/intake"
	"rorpost/gateway/orders"
	"rorpost/gateway/outbox"
	"rorpost/gateway/results"
	"rorpost/gateway/router"
)

// source is a listener, a station or a scanner.
type source interface {
	Run(ctx context.Context) error
	Status() intake.Status
}

// build makes flow, outbox and intake from the configuration.
func (g *Gateway) build() (err error) {
	lanes, err := g.lanes()
	if err != nil {
		return err
	}
	if g.outbox, err = outbox.New(g.store, lanes, outbox.Options{Log: g.log, OnDelivered: g.delivered}); err != nil {
		return err
	}
	table, err := router.New(g.routes(), g.destinationNames())
	if err != nil {
		return err
	}
	book, err := g.book()
	if err != nil {
		return err
	}
	instruments, err := g.instruments()
	if err != nil {
		return err
	}
	rules, err := labelRules(g.cfg.Desk)
	if err != nil {
		return err
	}
	g.flow = flow.New(flow.Options{
		Store: g.store, Book: book, Table: table, Unit: g.unit(), Destinations: g.addresses(), Peers: g.peers(), Instruments: instruments,
		Desk:  flow.Desk{Rules: rules, Auto: g.cfg.Desk.Confirm == "auto", Lifetime: g.cfg.Desk.Lifetime.Duration},
		Audit: g.auditFlow, Wake: g.outbox.Wake, Log: g.log,
	})
	return g.sources(instruments)
}

func (g *Gateway) auditFlow(ctx context.Context, action, whom, object string) error {
	return g.trail.Record(ctx, audit.Event{Who: "desk", Role: "staff", Unit: g.cfg.Unit.ID, Action: action, Whom: whom, Object: object})
}

// book is the way to the centre's order store; nil where the configuration names none.
func (g *Gateway) book() (*orders.Book, error) {
	c := g.cfg.Orders
	if c.Source != "central" {
		return nil, nil
	}
	t, err := c.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("the order store's TLS: %w", err)
	}
	return orders.NewBook(orders.Options{URL: c.URL, Unit: g.cfg.Unit.ID, TLS: t, Timeout: c.Timeout.Duration, Store: g.store}), nil
}

// lanes are the configured destinations and, with a centre, the built-in one for reports about orders.
func (g *Gateway) lanes() ([]outbox.Config, error) {
	var out []outbox.Config
	for _, d := range g.cfg.Destinations {
		t, err := d.TLS.Config()
		if err != nil {
			return nil, fmt.Errorf("destination %s: %w", d.Name, err)
		}
		out = append(out, outbox.Config{
			Name: d.Name, Kind: d.Kind, Serves: d.Serves, Address: d.Address, TLS: t, OrderBy: d.OrderBy, Lanes: d.Lanes,
			Timeout: d.Timeout.Duration, Application: d.ApplicationAck, Header: g.header(), Retry: retry(d.Retry),
		})
	}
	if c := g.cfg.Orders; c.Source == "central" {
		t, err := c.TLS.Config()
		if err != nil {
			return nil, fmt.Errorf("the order store's TLS: %w", err)
		}
		out = append(out, outbox.Config{
			Name: flow.OrderStore, Kind: outbox.KindHTTP, Serves: "orders", Address: strings.TrimRight(c.URL, "/"), TLS: t,
			OrderBy: "order", Timeout: c.Timeout.Duration, Header: g.header(),
		})
	}
	return out, nil
}

// header names the unit; the centre believes it on loopback only, elsewhere it believes the certificate.
func (g *Gateway) header() map[string]string {
	if g.cfg.Unit.ID == "" {
		return nil
	}
	return map[string]string{"X-Rorpost-Unit": g.cfg.Unit.ID}
}

func retry(r config.Retry) outbox.Policy {
	return outbox.Policy{First: r.First.Duration, Max: r.Max.Duration, OnAE: r.AE, AEAttempts: r.AEAttempts, OnAR: r.AR}
}

func (g *Gateway) destinationNames() []string {
	var names []string
	for _, d := range g.cfg.Destinations {
		names = append(names, d.Name)
	}
	return names
}

func (g *Gateway) routes() []router.Route {
	var out []router.Route
	for _, r := range g.cfg.Routes {
		out = append(out, router.Route{Name: r.Name, When: router.When(r.When), To: r.To, Filter: r.Filter, Park: r.Park})
	}
	return out
}

// addresses is what flow must know to write for each destination.
func (g *Gateway) addresses() map[string]flow.Destination {
	out := map[string]flow.Destination{}
	for _, d := range g.cfg.Destinations {
		a := results.Addressing{
			Application: d.Application, Facility: d.Facility, PeerApplication: d.PeerApplication, PeerFacility: d.PeerFacility,
			Processing: d.Processing, Version: d.Version, Charset: d.Charset,
		}
		if a.Facility == "" {
			a.Facility = g.cfg.Unit.ID
		}
		out[d.Name] = flow.Destination{Name: d.Name, Kind: d.Kind, Serves: d.Serves, OrderBy: d.OrderBy, Specimen: d.Specimen, Address: a}
	}
	return out
}

func (g *Gateway) peers() map[string]flow.Peer {
	out := map[string]flow.Peer{}
	for _, l := range g.cfg.Listeners {
		out[l.Name] = flow.Peer{
			Reading:   results.Reading{Source: l.Name, Specimen: l.Specimen, Component: l.Component, Zone: l.Location()},
			Unmatched: results.Unmatched(l.Unmatched), Processing: l.Processing,
		}
	}
	return out
}

func (g *Gateway) instruments() (map[string]flow.Instrument, error) {
	out := map[string]flow.Instrument{}
	for _, d := range g.cfg.Devices {
		if d.IsScanner() {
			continue
		}
		p, err := devices.Load(d.Profile)
		if err != nil {
			return nil, fmt.Errorf("device %s: %w", d.Name, err)
		}
		out[d.Name] = flow.Instrument{Profile: p, Unmatched: results.Unmatched(d.Unmatched)}
	}
	return out, nil
}

func labelRules(d config.Desk) (barcode.Rules, error) {
	r := barcode.Rules{Check: barcode.Check(d.Specimen.Check), Prefix: d.Scan.Prefix, Suffix: d.Scan.Suffix, Codabar: d.Specimen.Codabar}
	if d.Specimen.Pattern == "" {
		return r, nil
	}
	var err error
	if r.Specimen, err = regexp.Compile("^(?:" + d.Specimen.Pattern + ")$"); err != nil {
		return r, fmt.Errorf("desk.specimen.pattern: %w", err)
	}
	return r, nil
}

// sources makes the listeners, the stations and the scanners.
func (g *Gateway) sources(instruments map[string]flow.Instrument) error {
	for _, l := range g.cfg.Listeners {
		t, err := l.TLS.Config()
		if err != nil {
			return fmt.Errorf("listener %s: %w", l.Name, err)
		}
		g.intake = append(g.intake, g.listener(l, t))
	}
	for _, d := range g.cfg.Devices {
		spec, err := port.Parse(d.Port)
		if err != nil {
			return fmt.Errorf("device %s: %w", d.Name, err)
		}
		if d.IsScanner() {
			c := intake.ScannerConfig{Name: d.Name, Port: port.New(spec)}
			g.intake = append(g.intake, intake.NewScanner(c, g.store, g.flow.Scan, g.logOf(d.Name)))
			continue
		}
		c := intake.StationConfig{Name: d.Name, Port: port.New(spec), Profile: instruments[d.Name].Profile}
		g.intake = append(g.intake, intake.NewStation(c, g.store, g.flow.Instrument, g.logOf(d.Name)))
	}
	return nil
}

func (g *Gateway) listener(l config.Listener, t *tls.Config) source {
	return intake.NewListener(intake.ListenerConfig{
		Name: l.Name, Address: l.Listen, TLS: t, Allow: l.Prefixes(), Ack: l.Ack,
		MaxMessage: int(l.MaxMessage), MaxConns: l.MaxConnections,
	}, g.store, g.flow.Answer, g.logOf(l.Name))
}

func (g *Gateway) logOf(name string) *slog.Logger { return g.log.With("source", name) }
