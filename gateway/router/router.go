// Package router decides who gets what. It is a pure table: facts about a message go in, the first route that
// matches decides, and a message that no route matches is parked, so that nothing vanishes.
//
//	table, err := router.New([]router.Route{{Name: "results to both", When: router.When{Kind: "result"}, To: []string{"journal", "patients"}}}, names)
//	decision := table.Route(router.Facts{Kind: "result", Source: "hba1c"})
//
// It does not rewrite messages and opens nothing.
package router

import (
	"fmt"
	"slices"
	"strings"
)

// Facts is what a route may ask about.
type Facts struct {
	Kind   string   // "result", "order" or "message".
	Type   string   // MSH-9.1; "" for an ASTM source.
	Event  string   // MSH-9.2.
	Source string   // The listener or device that it came through.
	Unit   string   // HSA-id of the unit.
	Codes  []string // Analysis codes in it.
	Status string   // The least finished result status in it, HL7 table 0085.
}

// When is a conjunction; an empty field asks nothing.
type When struct {
	Kind, Type, Event, Source, Unit, Code, Status string
}

// Route is one line of the table. Exactly one of To, Filter and Park is given.
type Route struct {
	Name   string
	When   When
	To     []string // Destination names, each owed one delivery.
	Filter string   // The name of the rule by which a match is set aside on purpose.
	Park   string   // The reason why a person must look at a match.
}

// Decision is what the table says. A zero To with Filter and Park empty does not occur.
type Decision struct {
	Rule   string
	To     []string
	Filter string
	Park   string
}

// Table is an ordered list of routes; it is immutable.
type Table struct{ routes []Route }

// New checks the routes against the known destinations and returns their table.
func New(routes []Route, destinations []string) (*Table, error) {
	seen := map[string]bool{}
	for _, r := range routes {
		if seen[r.Name] {
			return nil, fmt.Errorf("route %q stands twice", r.Name)
		}
		seen[r.Name] = true
		if err := r.check(destinations); err != nil {
			return nil, err
		}
	}
	return &Table{routes: slices.Clone(routes)}, nil
}

func (r Route) check(destinations []string) error {
	ends := 0
	for _, given := range []bool{len(r.To) > 0, r.Filter != "", r.Park != ""} {
		if given {
			ends++
		}
	}
	if ends != 1 {
		return fmt.Errorf("route %q: exactly one of to, filter and park is wanted, %d given", r.Name, ends)
	}
	for _, d := range r.To {
		if !slices.Contains(destinations, d) {
			return fmt.Errorf("route %q: no destination is called %q; there are %s", r.Name, d, strings.Join(destinations, ", "))
		}
	}
	return nil
}

// Route returns the decision of the first route that matches.
func (t *Table) Route(f Facts) Decision {
	for _, r := range t.routes {
		if r.When.matches(f) {
			return Decision{Rule: r.Name, To: r.To, Filter: r.Filter, Park: r.Park}
		}
	}
	return Decision{Rule: "no route", Park: "no route is configured for this kind of message"}
}

func (w When) matches(f Facts) bool {
	return is(w.Kind, f.Kind) && is(w.Type, f.Type) && is(w.Event, f.Event) && is(w.Source, f.Source) &&
		is(w.Unit, f.Unit) && is(w.Status, f.Status) && (w.Code == "" || slices.Contains(f.Codes, w.Code))
}

func is(want, got string) bool { return want == "" || want == got }
