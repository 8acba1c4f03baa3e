package flow

import (
	"context"
	"errors"
	"time"

	"rorpost/devices/barcode"
	"rorpost/gateway/collect"
	"rorpost/gateway/lab"
	"rorpost/gateway/results"
	"rorpost/gateway/router"
	"rorpost/gateway/store"
)

// Scan settles what was scanned or typed at a desk: a person, a tube, or a command. The desk is the arrival's source.
func (f *Flow) Scan(ctx context.Context, a store.Arrival) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	s := store.Settlement{Arrival: a.ID}
	if now.Sub(a.At) > scanLifetime {
		return f.parkArrival(ctx, s, "the scan is too old to act on", "scan again")
	}
	scan := barcode.Read(a.Body, f.o.Desk.Rules)
	state, busy, err := f.desk(ctx, a.Source, now)
	if err != nil {
		return err
	}
	switch scan.Kind {
	case barcode.Person:
		return f.person(ctx, a, scan.Text, state, busy)
	case barcode.Specimen:
		return f.tube(ctx, a, scan.Text, state, busy)
	case barcode.Control:
		return f.command(ctx, a, scan.Text, state, busy)
	}
	return f.parkArrival(ctx, s, "the scan is neither a personal number nor a specimen id: "+scan.Problem,
		"look at the label and scan again; type the number if the label is damaged")
}

// Desk returns the collection that is open at a desk.
func (f *Flow) Desk(ctx context.Context, desk string) (collect.State, bool, error) {
	return f.desk(ctx, desk, time.Now())
}

func (f *Flow) desk(ctx context.Context, name string, now time.Time) (collect.State, bool, error) {
	body, err := f.o.Store.DeskState(ctx, name)
	if err != nil || len(body) == 0 {
		return collect.State{}, false, err
	}
	state, err := collect.Decode(body, now)
	if err != nil {
		return collect.State{}, false, err
	}
	return state, true, nil
}

// person looks the person's orders up, claims them for this unit, and opens a collection.
func (f *Flow) person(ctx context.Context, a store.Arrival, text string, state collect.State, busy bool) error {
	now := time.Now()
	s := store.Settlement{Arrival: a.ID}
	id, err := lab.ParsePersonID(text, now)
	if err != nil {
		return f.parkArrival(ctx, s, results.Reason(err), hintOr(err, "check the number and scan or type it again"))
	}
	fresh := busy && !state.Stale(now, f.o.Desk.Lifetime)
	if fresh && state.Person().ID.Same(id) {
		s.Decision = "the same person again: the collection goes on"
		return f.settle(ctx, s)
	}
	if fresh && state.Begun() {
		return f.parkArrival(ctx, s, "another collection is open at this desk and has tubes in it", "finish or cancel it, then scan this person again")
	}
	s.Keys = append(s.Keys, store.SearchKey{Kind: "person", Value: id.Wire()})
	if err := f.audit(ctx, "look up orders", id, ""); err != nil {
		return err
	}
	found, err := f.open(ctx, id)
	if err != nil {
		return f.parkArrival(ctx, s, results.Reason(err), hintOr(err, "scan again in a moment"))
	}
	mine, elsewhere := f.collectable(found)
	if len(mine) == 0 {
		s.Decision, s.Rule = "filtered", "no open order for this person"
		if elsewhere {
			return f.parkArrival(ctx, s, "the order has been fetched by another unit", "ask the patient; the other unit can give it back")
		}
		return f.settle(ctx, s)
	}
	return f.begin(ctx, a, s, mine, state, busy)
}

// begin claims the orders and saves the open collection; one that was open before with no tube in it is given back.
func (f *Flow) begin(ctx context.Context, a store.Arrival, s store.Settlement, mine []lab.Order, before collect.State, busy bool) error {
	collection := f.o.Store.Key(a.ID, "collection", a.Source, 0)
	var claimed []lab.Order
	for _, o := range mine {
		c, err := f.o.Book.Claim(ctx, o.ID, collection)
		if err != nil {
			return f.parkArrival(ctx, s, results.Reason(err), hintOr(err, "scan again in a moment"))
		}
		claimed = append(claimed, c)
		s.Keys = append(s.Keys, store.SearchKey{Kind: "order", Value: o.ID})
	}
	if busy {
		owed, err := f.giveBack(a, before, claimed)
		if err != nil {
			return err
		}
		s.Owed = owed
	}
	f.found.Add(int64(len(claimed)))
	next := collect.Start(collection, claimed, f.o.Unit.HSA, time.Now())
	s.Decision, s.Desk = "orders claimed", &store.Desk{Name: a.Source, State: next.Encode()}
	return f.settle(ctx, s)
}

func (f *Flow) open(ctx context.Context, id lab.PersonID) ([]lab.Order, error) {
	if f.o.Book == nil {
		return nil, &lab.Fault{Class: lab.Park, Op: "look up orders", Err: errors.New("this gateway has no order store"),
			Hint: "orders are fetched at another computer"}
	}
	return f.o.Book.Open(ctx, id)
}

// collectable sorts out the orders that this unit may collect.
func (f *Flow) collectable(found []lab.Order) (mine []lab.Order, elsewhere bool) {
	for _, o := range found {
		switch {
		case !o.Status.Open():
		case o.ClaimedBy == "" || o.ClaimedBy == f.o.Unit.HSA:
			mine = append(mine, o)
		default:
			elsewhere = true
		}
	}
	return mine, elsewhere
}

// tube binds a specimen id to what the open collection needs next.
func (f *Flow) tube(ctx context.Context, a store.Arrival, specimen string, state collect.State, busy bool) error {
	now := time.Now()
	s := store.Settlement{Arrival: a.ID, Keys: []store.SearchKey{{Kind: "specimen", Value: specimen}}}
	if !busy {
		return f.parkArrival(ctx, s, "a tube was scanned but no patient is chosen", "scan the personal number first, then the tube")
	}
	if state.Stale(now, f.o.Desk.Lifetime) {
		return f.abandon(ctx, a, s, state, "the collection was left open too long and has been given back; scan the personal number again")
	}
	if _, used, err := f.o.Store.Binding(ctx, specimen); err != nil {
		return err
	} else if used {
		return f.parkArrival(ctx, s, "specimen id "+specimen+" has been used before", "take a new label; a label is never used twice")
	}
	next, err := state.Specimen(specimen, "", now)
	if err != nil {
		return f.parkArrival(ctx, s, results.Reason(err), hintOr(err, "look at the desk page"))
	}
	if next.Done() && f.o.Desk.Auto {
		return f.collected(ctx, a, s, next)
	}
	s.Decision, s.Desk = "tube bound", &store.Desk{Name: a.Source, State: next.Encode()}
	return f.settle(ctx, s)
}

func (f *Flow) command(ctx context.Context, a store.Arrival, word string, state collect.State, busy bool) error {
	s := store.Settlement{Arrival: a.ID}
	switch {
	case !busy:
		return f.parkArrival(ctx, s, "no collection is open at this desk", "scan the personal number first")
	case word == "CANCEL":
		return f.abandon(ctx, a, s, state, "")
	case word == "CONFIRM":
		return f.collected(ctx, a, s, state)
	}
	return f.parkArrival(ctx, s, "the desk does not know this command", "the commands are CONFIRM and CANCEL")
}

// abandon gives the open orders back to the order store. With a hint it parks the scan that found it stale.
func (f *Flow) abandon(ctx context.Context, a store.Arrival, s store.Settlement, state collect.State, hint string) error {
	owed, err := f.giveBack(a, state, nil)
	if err != nil {
		return err
	}
	s.Owed, s.Desk = owed, &store.Desk{Name: a.Source}
	if hint != "" {
		return f.parkArrival(ctx, s, "the collection is too old", hint)
	}
	s.Decision = "collection cancelled"
	return f.settle(ctx, s)
}

// Sweep gives back the collections that nobody has finished within their lifetime, so that another unit can fetch the
// orders. The sweep is an arrival of its own, since every settlement belongs to one.
func (f *Flow) Sweep(ctx context.Context, desk string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	state, busy, err := f.desk(ctx, desk, time.Now())
	if err != nil || !busy || !state.Stale(time.Now(), f.o.Desk.Lifetime) {
		return err
	}
	r, err := f.o.Store.Accept(ctx, store.Arrival{Kind: store.KindAPI, Source: desk, Peer: "gateway", Body: []byte("collection " + state.ID() + " was left open")})
	if err != nil {
		return err
	}
	return f.abandon(ctx, r.Arrival, store.Settlement{Arrival: r.Arrival.ID}, state, "")
}

// giveBack owes a release for each order of a collection that is not among those kept.
func (f *Flow) giveBack(a store.Arrival, state collect.State, kept []lab.Order) ([]store.Owed, error) {
	keep := map[string]bool{}
	for _, o := range kept {
		keep[o.ID] = true
	}
	var owed []store.Owed
	for _, id := range state.OrderIDs() {
		if keep[id] {
			continue
		}
		one, err := f.status(a.ID, id, "release", map[string]string{"unit": f.o.Unit.HSA, "collection": state.ID()})
		if err != nil {
			return nil, err
		}
		owed = append(owed, one)
	}
	return owed, nil
}

// collected settles a finished collection: the specimens are bound, the laboratory and the order store are owed.
func (f *Flow) collected(ctx context.Context, a store.Arrival, s store.Settlement, state collect.State) error {
	_, finished, err := state.Confirm(time.Now())
	if err != nil {
		return f.parkArrival(ctx, s, results.Reason(err), hintOr(err, "scan the tubes that are still missing"))
	}
	for _, o := range finished {
		if err := f.collectOrder(a, &s, o, state.ID()); err != nil {
			return f.parkArrival(ctx, store.Settlement{Arrival: a.ID}, results.Reason(err), hintOr(err, "the order cannot be written for the laboratory; tell lab IT"))
		}
	}
	s.Decision, s.Desk = "collected", &store.Desk{Name: a.Source}
	return f.settle(ctx, s)
}

func (f *Flow) collectOrder(a store.Arrival, s *store.Settlement, o lab.Order, collection string) error {
	body, err := encodeOrder(o)
	if err != nil {
		return err
	}
	for _, sp := range o.Specimens {
		s.Bindings = append(s.Bindings, store.Binding{Specimen: sp.ID, Order: o.ID, Body: body})
		s.Keys = append(s.Keys, store.SearchKey{Kind: "specimen", Value: sp.ID})
	}
	s.Keys = append(s.Keys, store.SearchKey{Kind: "order", Value: o.ID})
	told, err := f.status(a.ID, o.ID, "collected", map[string]any{"unit": f.o.Unit.HSA, "collection": collection, "specimens": o.Specimens})
	if err != nil {
		return err
	}
	s.Owed = append(s.Owed, told)
	return f.sendOrder(a, s, o)
}

// sendOrder owes the laboratory's part of an order to whoever the routes say.
func (f *Flow) sendOrder(a store.Arrival, s *store.Settlement, o lab.Order) error {
	part := atLaboratory(o)
	if len(part.Tests) == 0 {
		return nil
	}
	d := f.o.Table.Route(router.Facts{Kind: "order", Source: a.Source, Unit: f.o.Unit.HSA, Codes: orderCodes(part), Type: "ORM", Event: "O01"})
	s.Rule = d.Rule
	if d.Filter != "" {
		s.Rule = d.Filter
		return nil
	}
	if d.Park != "" {
		return &lab.Fault{Class: lab.Park, Op: "route the order", Err: errors.New(d.Park), Hint: "add a route for orders to the configuration"}
	}
	for n, name := range d.To {
		owed, err := f.letter(a, part, f.o.Destinations[name], n)
		if err != nil {
			return err
		}
		s.Owed = append(s.Owed, owed)
	}
	return nil
}
