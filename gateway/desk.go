package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rorpost/devices/barcode"
	"rorpost/gateway/collect"
	"rorpost/gateway/intake"
	"rorpost/gateway/lab"
	"rorpost/gateway/outbox"
	"rorpost/gateway/store"
	"rorpost/gateway/web"
)

// desk is the page's way to the collection in hand. What is typed is kept and settled as if it had been scanned by the
// unit's first scanner, so that page and scanner see the same collection.
type desk struct{ g *Gateway }

func (d desk) name() string {
	for _, dev := range d.g.cfg.Devices {
		if dev.IsScanner() {
			return dev.Name
		}
	}
	return "desk"
}

// Current returns the collection in hand.
func (d desk) Current(ctx context.Context) (collect.State, bool, error) {
	return d.g.flow.Desk(ctx, d.name())
}

// Submit hands in a typed number or barcode. A refusal is a *lab.Fault with the hint that the page shows.
func (d desk) Submit(ctx context.Context, text string) error {
	r, err := d.g.store.Accept(ctx, store.Arrival{Kind: store.KindScan, Source: d.name(), Peer: "desk page", Body: []byte(text)})
	if err != nil {
		return err
	}
	if err := d.g.flow.Scan(ctx, r.Arrival); err != nil {
		return err
	}
	kept, err := d.g.store.Arrival(ctx, r.Arrival.ID)
	if err != nil {
		return err
	}
	return refusal(kept)
}

func refusal(a store.ArrivalDetail) error {
	for _, p := range a.Parked {
		if p.Resolved == "" {
			return &lab.Fault{Class: lab.Reject, Op: "take the scan", Hint: p.Hint, Err: errors.New(p.Reason)}
		}
	}
	for _, s := range a.Settlements {
		if s.Decision == "filtered" {
			return &lab.Fault{Class: lab.Reject, Op: "take the scan", Hint: "ask the patient when and where it was ordered", Err: errors.New(s.Rule)}
		}
	}
	return nil
}

// Confirm ends the collection.
func (d desk) Confirm(ctx context.Context) error { return d.Submit(ctx, barcode.Confirm) }

// Cancel gives the orders back.
func (d desk) Cancel(ctx context.Context) error { return d.Submit(ctx, barcode.Cancel) }

func (g *Gateway) webOptions(secure bool) web.Options {
	return web.Options{
		Store: g.store, Devices: g.devices, Links: g.links, Desk: desk{g}, Resolve: g.resolve, Audit: g.trail,
		Unit: g.cfg.Unit.ID, UnitName: g.cfg.Unit.Name, Users: g.users(), Hosts: g.cfg.Web.Hosts, Secure: secure,
		Log: g.log, Metrics: g.metrics(), Ready: g.ready, Found: g.flow.Found,
	}
}

func (g *Gateway) devices() []intake.Status {
	out := make([]intake.Status, 0, len(g.intake))
	for _, in := range g.intake {
		out = append(out, in.Status())
	}
	return out
}

func (g *Gateway) links() []outbox.Status { return g.outbox.Status() }

func (g *Gateway) users() []web.User {
	var out []web.User
	for _, u := range g.cfg.Users {
		hash, err := u.PasswordHash.Reveal()
		if err != nil {
			g.log.Error("a user cannot log in", "user", u.Name, "error", err)
			continue
		}
		out = append(out, web.User{Name: u.Name, Role: web.Role(u.Role), Hash: hash})
	}
	return out
}

// ready says why the gateway may not be relied on: the store has stopped acknowledging, an earlier run's arrivals are
// not settled yet, or a port that others connect to is not open. A device that is unplugged does not make it unready.
func (g *Gateway) ready() error {
	if err := g.store.Healthy(); err != nil {
		return err
	}
	if n := g.recover.Load(); n > 0 {
		return fmt.Errorf("%d arrivals of an earlier run are not settled yet", n)
	}
	for _, st := range g.devices() {
		ours := st.Kind == intake.KindListener || strings.HasPrefix(st.Port, "listen:")
		if ours && st.State == intake.StateDown {
			return fmt.Errorf("%s does not listen yet", st.Name)
		}
	}
	return nil
}

// delivered is what follows a delivery.
func (g *Gateway) delivered(d store.Delivery, answer []byte) []store.Owed {
	return g.flow.Delivered(d, answer)
}

// resolve does what a person decided about a parked item: an arrival that is released is judged again, a delivery goes
// back to its lane.
func (g *Gateway) resolve(ctx context.Context, r store.Resolution) error {
	released, err := g.store.Resolve(ctx, r)
	if err != nil {
		return err
	}
	if released.Delivery != nil {
		g.outbox.Release(*released.Delivery)
	}
	if released.Arrival == nil {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return g.flow.Again(bounded, *released.Arrival)
}
