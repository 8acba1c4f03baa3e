package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rorpost/gateway/lab"
	"rorpost/gateway/results"
	"rorpost/gateway/router"
	"rorpost/gateway/store"
)

// verdict is what one report came to, before anything is owed for it.
type verdict struct {
	report    lab.Report
	order     *lab.Order // nil when it is passed on without one.
	take      []bool     // For each observation: is it passed on?
	revisions []store.Revision
	notes     []string
	same      bool // Nothing in it is new.
	control   bool // Quality control.
	refused   bool // Something in it would have taken back a later status.
}

// judge finds the order, checks the identity and applies the status rules. A fault of class Retry means that it cannot
// be said now, because the order store is out of reach.
func (f *Flow) judge(ctx context.Context, r lab.Report, rule results.Unmatched) (verdict, error) {
	v := verdict{report: r, take: make([]bool, len(r.Observed))}
	if r.Control {
		v.control = true
		return v, nil
	}
	order, found, err := f.forSpecimen(ctx, r.Specimen)
	if err != nil {
		return v, err
	}
	matched, err := results.Match(r, order, found, rule)
	if err != nil {
		return v, err
	}
	if matched {
		v.order = &order
	}
	return v, f.revise(ctx, &v)
}

func (f *Flow) forSpecimen(ctx context.Context, specimen string) (lab.Order, bool, error) {
	if specimen == "" || f.o.Book == nil {
		return lab.Order{}, false, nil
	}
	return f.o.Book.ForSpecimen(ctx, specimen)
}

// revise compares every observation with the last version of it that was passed on.
func (f *Flow) revise(ctx context.Context, v *verdict) error {
	orderID := ""
	if v.order != nil {
		orderID = v.order.ID
	}
	fresh := 0
	for i, o := range v.report.Observed {
		key := results.Key(orderID, v.report, o)
		print := results.Fingerprint(o)
		last, _, err := f.o.Store.Revision(ctx, key)
		if err != nil {
			return err
		}
		step, warning := results.Next(lab.Status(last.Status), o.Status, last.Value == print)
		if warning != "" {
			v.notes = append(v.notes, warning)
		}
		v.take[i] = step != results.Refuse
		v.refused = v.refused || step == results.Refuse
		if step == results.Take {
			fresh++
			v.revisions = append(v.revisions, store.Revision{Key: key, Status: string(o.Status), Value: print, At: time.Now()})
		}
	}
	v.same = fresh == 0 && len(v.report.Observed) > 0
	return nil
}

// setAside names the rule by which a report is not passed on; "" means that it is.
func (v verdict) setAside() string {
	switch {
	case v.control:
		return "quality control is not a patient's result"
	case v.same && v.refused:
		return "an earlier status came after a later one"
	case v.same:
		return "the same result was passed on before"
	}
	return ""
}

func (v verdict) facts(source, unit string, header router.Facts) router.Facts {
	header.Kind, header.Source, header.Unit = "result", source, unit
	header.Status = string(results.Overall(v.report.Observed))
	for _, o := range v.report.Observed {
		header.Codes = append(header.Codes, o.Code.Code)
	}
	return header
}

// kept returns the report with only the observations that are passed on.
func (v verdict) kept() lab.Report {
	r := v.report
	r.Observed = nil
	for i, o := range v.report.Observed {
		if v.take[i] {
			r.Observed = append(r.Observed, o)
		}
	}
	return r
}

// forPatient tells whether the patient queue may hear of it: a known order and an identity that may be linked (P14).
func (v verdict) forPatient() bool { return v.order != nil && v.order.Person.ID.Linked() }

// patientResult is what the patient results queue is told.
type patientResult struct {
	Person       patientIdentity   `json:"person"`
	Order        string            `json:"order"`
	Specimen     string            `json:"specimen"`
	Source       string            `json:"source"`
	Observations []lab.Observation `json:"observations"`
	Status       string            `json:"status"`
}

type patientIdentity struct {
	OID   string `json:"oid"`
	Value string `json:"value"`
}

// forQueue writes a report for the patient results queue. A protected person's says nothing of the place (P14).
func forQueue(v verdict) ([]byte, error) {
	r := v.kept()
	p := v.order.Person
	source := r.Source
	if p.Protected {
		source = ""
	}
	body, err := json.Marshal(patientResult{
		Person: patientIdentity{OID: p.ID.OID(), Value: p.ID.Wire()}, Order: v.order.ID, Specimen: r.Specimen,
		Source: source, Observations: r.Observed, Status: string(results.Overall(r.Observed)),
	})
	if err != nil {
		return nil, fmt.Errorf("write the result for the patient queue: %w", err)
	}
	return body, nil
}

// progress is what the order store is told after results: partial until every test of the order has a final answer.
func (f *Flow) progress(ctx context.Context, a store.Arrival, vs []verdict) ([]store.Owed, []store.Revision, error) {
	var owed []store.Owed
	var marks []store.Revision
	done := map[string]bool{}
	seen := map[string]bool{}
	for _, v := range vs {
		if v.order == nil || v.setAside() != "" {
			continue
		}
		for _, t := range answeredTests(v) {
			key := "test " + v.order.ID + " " + t.Placer
			done[key] = true
			marks = append(marks, store.Revision{Key: key, Status: string(lab.Final), At: time.Now()})
		}
	}
	for _, v := range vs {
		if v.order == nil || v.setAside() != "" || seen[v.order.ID] || f.o.Book == nil {
			continue
		}
		seen[v.order.ID] = true
		status, err := f.orderStatus(ctx, *v.order, v, done)
		if err != nil {
			return nil, nil, err
		}
		one, err := f.status(a.ID, v.order.ID, "answered", map[string]string{"unit": f.o.Unit.HSA, "status": string(status)})
		if err != nil {
			return nil, nil, err
		}
		owed = append(owed, one)
	}
	return owed, marks, nil
}

func (f *Flow) orderStatus(ctx context.Context, o lab.Order, v verdict, done map[string]bool) (lab.OrderStatus, error) {
	for _, obs := range v.report.Observed {
		if obs.Status == lab.Correction {
			return lab.Corrected, nil
		}
	}
	for _, t := range o.Tests {
		key := "test " + o.ID + " " + t.Placer
		if done[key] {
			continue
		}
		last, _, err := f.o.Store.Revision(ctx, key)
		if err != nil {
			return "", err
		}
		if last.Status == "" {
			return lab.Partial, nil
		}
	}
	return lab.Answered, nil
}

// answeredTests are the tests of the order that the report gives a final answer to.
func answeredTests(v verdict) []lab.Test {
	if !final(results.Overall(v.report.Observed)) {
		return nil
	}
	var out []lab.Test
	for _, t := range v.order.Tests {
		if t.Placer == v.report.Placer || codeAnswered(t.Code.Code, v.report.Observed) {
			out = append(out, t)
		}
	}
	return out
}

func final(s lab.Status) bool { return s == lab.Final || s == lab.Correction || s == lab.Cancel }

func codeAnswered(code string, obs []lab.Observation) bool {
	for _, o := range obs {
		if o.Code.Code == code && final(o.Status) {
			return true
		}
	}
	return false
}

// keys are what people search a report by.
func (v verdict) keys() []store.SearchKey {
	var keys []store.SearchKey
	if v.report.Specimen != "" {
		keys = append(keys, store.SearchKey{Kind: "specimen", Value: v.report.Specimen})
	}
	if v.order != nil {
		keys = append(keys, store.SearchKey{Kind: "order", Value: v.order.ID}, store.SearchKey{Kind: "person", Value: v.order.Person.ID.Wire()})
	}
	return keys
}

func (v verdict) label() string {
	var codes []string
	for _, o := range v.report.Observed {
		name := o.Code.Text
		if name == "" {
			name = o.Code.Code
		}
		codes = append(codes, name)
	}
	if len(codes) > 3 {
		codes = append(codes[:3], fmt.Sprintf("and %d more", len(codes)-3))
	}
	return strings.TrimSpace(fmt.Sprintf("specimen %s: %s", lab.ShownSpecimen(v.report.Specimen), strings.Join(codes, ", ")))
}

// retryable tells whether the fault goes away by itself, so that the arrival may stay unsettled.
func retryable(err error) bool {
	var f *lab.Fault
	return !errors.As(err, &f) || f.Class == lab.Retry
}
