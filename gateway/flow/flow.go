// Package flow is the product as a few straight functions: [Flow.Scan] for a person at the desk, [Flow.Instrument]
// for an analyzer, [Flow.Answer] for a laboratory, [Flow.Delivered] for what follows a delivery.
//
// Each takes one arrival that is already on disk, decides what it means, and settles it in one transaction together
// with everything that is owed for it. None of them answers a wire or sends anything: that is intake's and outbox's.
// Each may be called again for the same arrival after a crash, and then comes to the same end.
package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rorpost/devices"
	"rorpost/devices/barcode"
	"rorpost/gateway/lab"
	"rorpost/gateway/orders"
	"rorpost/gateway/results"
	"rorpost/gateway/router"
	"rorpost/gateway/store"
)

// OrderStore is the name of the built-in destination that status reports go to.
const OrderStore = "orders"

// Destination is what flow must know of a destination to write for it.
type Destination struct {
	Name     string
	Kind     string // "mllp", "http" or "file".
	Serves   string // "journal", "patient", "laboratory" or "".
	OrderBy  string // "", "patient" or "specimen".
	Specimen string // Where an order message carries the barcode; see orders.Letter.
	Address  results.Addressing
}

// Peer is how one listener's senders write.
type Peer struct {
	Reading    results.Reading
	Unmatched  results.Unmatched
	Processing []string // Accepted MSH-11 values; empty accepts all.
}

// Instrument is how one analyzer is read.
type Instrument struct {
	Profile   *devices.Profile
	Unmatched results.Unmatched
}

// Desk is how the desk works.
type Desk struct {
	Rules    barcode.Rules
	Auto     bool          // A collection is confirmed by its last tube.
	Lifetime time.Duration // After this a collection that nobody finished is given back.
}

// Options is all that flow stands on. Book may be nil: then no orders are known but those bound here.
type Options struct {
	Store        *store.Store
	Book         *orders.Book
	Table        *router.Table
	Unit         lab.Party
	Destinations map[string]Destination
	Peers        map[string]Peer       // By listener name.
	Instruments  map[string]Instrument // By device name.
	Desk         Desk
	Audit        func(ctx context.Context, action, whom, object string) error // whom is blind.
	Wake         func(destination string)                                     // Called when something is owed to it.
	Log          *slog.Logger
}

// Flow settles arrivals.
type Flow struct {
	o  Options
	mu sync.Mutex // One scan at a time: the desk's state is read, changed and written back.
	rs sync.Mutex // One set of results at a time: the status rules read what the last one wrote.

	found atomic.Int64
}

// New returns a Flow; it does no I/O.
func New(o Options) *Flow { return &Flow{o: o} }

// Found is how many orders have been found for people at the desk since the start.
func (f *Flow) Found() int64 { return f.found.Load() }

// scanLifetime is how old a scan may be before acting on it would surprise the person at the desk.
const scanLifetime = 30 * time.Second

// settle writes the end of an arrival and wakes the lanes that now owe something. An arrival that an earlier run has
// settled, before a crash or at the same time, is left as it is.
func (f *Flow) settle(ctx context.Context, s store.Settlement) error {
	owed, err := f.o.Store.Settle(ctx, s)
	if errors.Is(err, store.ErrSettled) {
		return nil
	}
	for _, d := range owed {
		f.o.Wake(d.Destination)
	}
	return err
}

// parkArrival sets an arrival aside for a person.
func (f *Flow) parkArrival(ctx context.Context, s store.Settlement, reason, hint string) error {
	s.Decision, s.Park = "parked", &store.Park{Reason: reason, Hint: hint}
	return f.settle(ctx, s)
}

// report is the payload of a status report to the order store.
type report struct {
	Path string `json:"path"`
	Body any    `json:"body"`
}

// status owes the order store one report about an order. what is the last word of the path.
func (f *Flow) status(arrival int64, order, what string, body any) (store.Owed, error) {
	payload, err := json.Marshal(report{Path: "/v1/orders/" + order + "/" + what, Body: body})
	if err != nil {
		return store.Owed{}, fmt.Errorf("write the %s report: %w", what, err)
	}
	return store.Owed{
		Key:         f.o.Store.Key(arrival, what+" "+order, OrderStore, 0),
		Destination: OrderStore, Lane: order, Kind: "status", Subject: order,
		Label: "order " + order + " " + what, Payload: payload,
	}, nil
}

// Delivered says what else is owed once a delivery is made: the order store learns that the laboratory has the order.
func (f *Flow) Delivered(d store.Delivery, _ []byte) []store.Owed {
	if d.Kind != "order" || f.o.Book == nil {
		return nil
	}
	owed, err := f.status(d.Arrival, d.Subject, "sent", map[string]string{"unit": f.o.Unit.HSA})
	if err != nil {
		f.o.Log.Error("the order store will not hear that an order was sent", "delivery", d.ID, "error", err)
		return nil
	}
	return []store.Owed{owed}
}

// Again runs the function that an arrival belongs to; used after a crash and when a person releases a parked arrival.
func (f *Flow) Again(ctx context.Context, a store.Arrival) error {
	switch a.Kind {
	case store.KindScan:
		return f.Scan(ctx, a)
	case store.KindASTM:
		_, err := f.Instrument(ctx, a)
		return err
	case store.KindMLLP:
		_, err := f.Answer(ctx, a)
		return err
	case store.KindAPI:
		return f.settle(ctx, store.Settlement{Arrival: a.ID, Decision: "filtered", Rule: "a sweep that was interrupted: the next one does its work"})
	}
	return f.parkArrival(ctx, store.Settlement{Arrival: a.ID}, "nothing is known of arrivals of kind "+string(a.Kind), "")
}
