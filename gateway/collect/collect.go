// Package collect is the collection at the desk as a pure machine: from the orders that this unit has claimed for
// one person, over the labels of the tubes, to orders with their specimens bound.
//
//	state := collect.Start(id, claimed, unit, now)
//	state, err := state.Specimen(barcode, "", now)   // once for each tube
//	state, orders, err := state.Confirm(now)
//
// It keeps promise P7 at the desk: a label is used once, never as two tubes, and never is it a person's number; all
// orders are one person's. It keeps P8's local half: an order that this unit has not claimed is not collected. A
// refused step changes nothing: the state that it returns is the one before. It does no input or output and asks no
// clock; what is stored and who is told are others' work.
package collect

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"rorpost/gateway/lab"
)

// Stage is how far a collection has come.
type Stage string

// The stages of a collection.
const (
	Labelling Stage = "labelling" // Tubes are still to be scanned.
	Ready     Stage = "ready"     // Every tube has its label; a person must confirm.
	Confirmed Stage = "confirmed" // Nothing more can be changed.
)

// Longest is the age at which no configuration lets a collection go on: the patient has gone home.
const Longest = 12 * time.Hour

// Need is one tube to be filled. Specimen is "" until its label has been scanned.
type Need struct {
	Order    string     `json:"order"`
	Material string     `json:"material"`
	Tests    []lab.Test `json:"tests"`
	Specimen string     `json:"specimen"`
	Scanned  time.Time  `json:"scanned"`
}

// State is a collection. It is a value: every step returns the next one. Printing it masks the person.
type State struct {
	Needs []Need // The tubes, in the order of the orders and their tests.

	id        string
	unit      string
	started   time.Time
	touched   time.Time
	confirmed time.Time
	orders    []lab.Order
}

// Start begins a collection of orders that are already claimed for unit, all of one person. A tube that an order
// already names, because its label was printed beforehand, is not asked for again.
func Start(id string, orders []lab.Order, unit string, now time.Time) State {
	s := State{id: id, unit: unit, started: now, touched: now, orders: slices.Clone(orders)}
	for _, o := range orders {
		for _, material := range o.Materials() {
			s.Needs = append(s.Needs, needs(o, material)...)
		}
	}
	return s
}

// needs lists the tubes of one material: those that the order names, or one that is to be labelled.
func needs(o lab.Order, material string) []Need {
	var out []Need
	for _, sp := range o.Specimens {
		if sp.Material == material {
			out = append(out, Need{
				Order: o.ID, Material: material, Tests: testsFor(o, material, sp.Placers), Specimen: sp.ID, Scanned: sp.Collected,
			})
		}
	}
	if out == nil {
		out = []Need{{Order: o.ID, Material: material, Tests: testsFor(o, material, nil)}}
	}
	return out
}

// testsFor returns the tests of a material, or those of them that a specimen names.
func testsFor(o lab.Order, material string, placers []string) []lab.Test {
	var out []lab.Test
	for _, t := range o.Tests {
		if t.Material == material && (len(placers) == 0 || slices.Contains(placers, t.Placer)) {
			out = append(out, t)
		}
	}
	return out
}

// ID is the collection's own id.
func (s State) ID() string { return s.id }

// Unit is the HSA-id of the unit that collects.
func (s State) Unit() string { return s.unit }

// Started is when the person was chosen.
func (s State) Started() time.Time { return s.started }

// Orders returns the orders as they were claimed.
func (s State) Orders() []lab.Order { return slices.Clone(s.orders) }

// OrderIDs returns the ids of the orders.
func (s State) OrderIDs() []string {
	ids := make([]string, 0, len(s.orders))
	for _, o := range s.orders {
		ids = append(ids, o.ID)
	}
	return ids
}

// Person is whose samples are taken.
func (s State) Person() lab.Person {
	if len(s.orders) == 0 {
		return lab.Person{}
	}
	return s.orders[0].Person
}

// Stage says how far the collection has come.
func (s State) Stage() Stage {
	switch {
	case !s.confirmed.IsZero():
		return Confirmed
	case s.Done():
		return Ready
	}
	return Labelling
}

// Begun reports whether a tube has been scanned here.
func (s State) Begun() bool {
	return slices.ContainsFunc(s.Needs, func(n Need) bool { return n.Specimen != "" && !n.Scanned.Before(s.started) })
}

// Next is the tube to be scanned next.
func (s State) Next() (Need, bool) {
	i := s.open("")
	if i < 0 {
		return Need{}, false
	}
	return s.Needs[i], true
}

// Done reports whether every tube has its label.
func (s State) Done() bool { return len(s.Needs) > 0 && s.open("") < 0 }

// Stale reports whether nothing has been done for so long that the patient cannot be expected to sit there.
func (s State) Stale(now time.Time, lifetime time.Duration) bool {
	return now.Sub(s.touched) >= lifetime
}

// open is the index of the first tube without a label, of the given material or of any; -1 when there is none.
func (s State) open(material string) int {
	return slices.IndexFunc(s.Needs, func(n Need) bool {
		return n.Specimen == "" && (material == "" || n.Material == material)
	})
}

// Specimen binds a label to the next tube that is needed, of the given material or of any; a label that was printed
// beforehand may be scanned once, which proves it. The error is a [*lab.Fault] with a hint.
func (s State) Specimen(barcode, material string, now time.Time) (State, error) {
	const op = "bind a tube"
	barcode = strings.TrimSpace(barcode)
	if err := s.sound(op, now); err != nil {
		return s, err
	}
	if barcode == "" {
		return s, reject(op, "the label is empty", "scan the label again")
	}
	if s.isPerson(barcode, now) {
		return s, reject(op, "this is the patient's number, not a label", "scan the label on the tube")
	}
	i := slices.IndexFunc(s.Needs, func(n Need) bool { return strings.EqualFold(n.Specimen, barcode) })
	if i >= 0 && !s.Needs[i].Scanned.Before(s.started) {
		return s, reject(op, "this label has already been scanned in this collection",
			"one label is one tube; put a new label on the other tube and scan that")
	}
	if i < 0 {
		i = s.open(material)
	}
	if i < 0 {
		return s, s.nothingOpen(op, material)
	}
	s.Needs = slices.Clone(s.Needs)
	s.Needs[i].Specimen, s.Needs[i].Scanned, s.touched = barcode, now, now
	return s, nil
}

// Confirm ends the collection: the samples are taken. The orders have their specimens bound, with now as the time
// of collection, and the status collected.
func (s State) Confirm(now time.Time) (State, []lab.Order, error) {
	const op = "confirm the collection"
	if err := s.sound(op, now); err != nil {
		return s, nil, err
	}
	if missing := s.missing(); missing > 0 {
		return s, nil, reject(op, fmt.Sprintf("%d of %d tubes have no label yet", missing, len(s.Needs)), "scan the tubes that are missing")
	}
	out := make([]lab.Order, 0, len(s.orders))
	for _, o := range s.orders {
		out = append(out, s.bound(o, now))
	}
	s.confirmed, s.touched = now, now
	return s, out, nil
}

func (s State) missing() int {
	n := 0
	for _, need := range s.Needs {
		if need.Specimen == "" {
			n++
		}
	}
	return n
}

// bound is the order with its specimens, each for its tests.
func (s State) bound(o lab.Order, now time.Time) lab.Order {
	o.Status, o.Specimens = lab.Collected, nil
	for _, n := range s.Needs {
		if n.Order != o.ID {
			continue
		}
		sp := lab.Specimen{ID: n.Specimen, Material: n.Material, Collected: now}
		for _, t := range n.Tests {
			sp.Placers = append(sp.Placers, t.Placer)
		}
		o.Specimens = append(o.Specimens, sp)
	}
	return o
}

// isPerson reports whether a label is the number of the person who sits there.
func (s State) isPerson(barcode string, now time.Time) bool {
	id, err := lab.ParsePersonID(barcode, now)
	return err == nil && id.Same(s.Person().ID)
}

// sound refuses every step in a collection that must not go on.
func (s State) sound(op string, now time.Time) error {
	switch {
	case len(s.orders) == 0 || len(s.Needs) == 0:
		return reject(op, "nothing is to be collected", "scan the personal number first")
	case !s.confirmed.IsZero():
		return reject(op, "the collection is already confirmed", "scan the next person's number")
	case s.Stale(now, Longest):
		return park(op, "the collection was left open too long", "scan the personal number again")
	}
	first := s.orders[0].Person.ID
	for _, o := range s.orders {
		switch {
		case len(s.orders) > 1 && !o.Person.ID.Same(first):
			return park(op, "the orders are not one person's", "cancel, and tell lab IT")
		case o.ClaimedBy != s.unit:
			return park(op, "order "+o.ID+" is not claimed by this unit", "cancel, and scan the personal number again")
		}
	}
	return nil
}

func (s State) nothingOpen(op, material string) error {
	if material != "" && s.open("") >= 0 {
		return reject(op, fmt.Sprintf("no tube of material %.20q is missing", material), "look at the desk page for what is missing")
	}
	return reject(op, "every tube has its label already", "confirm the collection, or cancel it")
}

func reject(op, why, hint string) error {
	return &lab.Fault{Class: lab.Reject, Op: op, Hint: hint, Err: errors.New(why)}
}

func park(op, why, hint string) error {
	return &lab.Fault{Class: lab.Park, Op: op, Hint: hint, Err: errors.New(why)}
}

// String says which collection it is, and nothing of the person.
func (s State) String() string {
	return fmt.Sprintf("collection %s: %s, %d of %d tubes", s.id, s.Stage(), len(s.Needs)-s.missing(), len(s.Needs))
}

// Format masks under every verb.
func (s State) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue masks.
func (s State) LogValue() slog.Value { return slog.StringValue(s.String()) }
