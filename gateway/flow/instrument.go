package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rorpost/astm"
	"rorpost/astm/lis1a"
	"rorpost/gateway/lab"
	"rorpost/gateway/results"
	"rorpost/gateway/router"
	"rorpost/gateway/store"
)

// Instrument settles one session of an analyzer: results go out, a query is answered with the text returned.
func (f *Flow) Instrument(ctx context.Context, a store.Arrival) (answer []byte, err error) {
	f.rs.Lock()
	defer f.rs.Unlock()
	s := store.Settlement{Arrival: a.ID}
	device, ok := f.o.Instruments[a.Source]
	if !ok {
		return nil, f.parkArrival(ctx, s, "no device is called "+a.Source+" any more", "put it back into the configuration, then try again")
	}
	frames, _ := lis1a.Decode(a.Body)
	messages, err := astm.Parse(lis1a.Text(frames))
	if err != nil {
		return nil, f.parkArrival(ctx, s, "the analyzer's message cannot be read: "+err.Error(), "tell lab IT; the bytes are kept")
	}
	if a.Incomplete && !terminated(messages) {
		return nil, f.incomplete(ctx, s, messages)
	}
	if q := results.Queries(messages, device.Profile); len(q) > 0 {
		return f.query(ctx, a, s, q)
	}
	reports := results.FromASTM(messages, device.Profile, a.Source)
	if len(reports) == 0 {
		s.Decision, s.Rule = "filtered", "the session holds no results"
		return nil, f.settle(ctx, s)
	}
	if !terminated(messages) {
		s.Note = "a message ended without its L record: something may be missing at its end"
	}
	if s.Supersedes, err = f.repeated(ctx, a, messages); err != nil {
		return nil, err
	}
	return nil, f.instrumentResults(ctx, a, s, reports, device.Unmatched)
}

// instrumentResults judges every report of a session by itself: each is owed, set aside by a named rule, or parked.
func (f *Flow) instrumentResults(ctx context.Context, a store.Arrival, s store.Settlement, reports []lab.Report, rule results.Unmatched) error {
	var parked []error
	var judged []verdict
	var aside []string
	for i, r := range reports {
		v, err := f.judge(ctx, r, rule)
		if err == nil && v.setAside() == "" {
			err = f.owe(a, &s, v, i)
		}
		switch {
		case err != nil && retryable(err):
			return err
		case err != nil:
			parked = append(parked, err)
			s.Keys = append(s.Keys, v.keys()...)
			continue
		case v.setAside() != "":
			aside = append(aside, v.setAside())
		default:
			s.Revisions = append(s.Revisions, v.revisions...)
		}
		s.Keys = append(s.Keys, v.keys()...)
		judged = append(judged, v)
	}
	return f.settleResults(ctx, a, s, outcome{judged: judged, parked: parked, aside: aside})
}

// outcome is what the reports of one arrival came to.
type outcome struct {
	judged []verdict
	parked []error
	aside  []string
}

// settleResults writes the end of an arrival of results.
func (f *Flow) settleResults(ctx context.Context, a store.Arrival, s store.Settlement, o outcome) error {
	told, marks, err := f.progress(ctx, a, o.judged)
	if err != nil {
		return err
	}
	s.Owed, s.Revisions = append(s.Owed, told...), append(s.Revisions, marks...)
	s.Decision = "results"
	if len(s.Owed) == 0 && len(o.parked) == 0 {
		s.Decision, s.Rule = "filtered", strings.Join(slices.Compact(o.aside), "; ")
	}
	for _, v := range o.judged {
		for _, n := range v.notes {
			s.Note = also(s.Note, n)
		}
	}
	if len(o.parked) > 0 {
		reasons := make([]string, len(o.parked))
		for i, p := range o.parked {
			reasons[i] = results.Reason(p)
		}
		s.Decision = "parked"
		s.Park = &store.Park{Reason: strings.Join(slices.Compact(reasons), "; "), Hint: hintOr(o.parked[0], "tell lab IT")}
	}
	return f.settle(ctx, s)
}

// owe writes one report for every destination of its route: journal and patient queue in the same settlement (P4).
func (f *Flow) owe(a store.Arrival, s *store.Settlement, v verdict, n int) error {
	d, err := f.routed(s, v.facts(a.Source, f.o.Unit.HSA, router.Facts{}))
	if err != nil {
		return err
	}
	var owed []store.Owed
	for _, name := range d.To {
		dest := f.o.Destinations[name]
		if dest.Serves == "patient" && !v.forPatient() {
			s.Note = also(s.Note, notForPatients)
			continue
		}
		key := f.o.Store.Key(a.ID, fmt.Sprintf("report %d", n), name, 0)
		payload, err := f.write(v, dest, key)
		if err != nil {
			return unwritable("write the result for "+name, err)
		}
		owed = append(owed, f.resultOwed(v, dest, key, payload))
	}
	s.Owed = append(s.Owed, owed...)
	return nil
}

// notForPatients is the named rule of P14.
const notForPatients = "not for the patient queue: no order of a person who may be linked"

// also adds a sentence to a note, once.
func also(note, sentence string) string {
	switch {
	case note == "":
		return sentence
	case strings.Contains(note, sentence):
		return note
	}
	return note + "; " + sentence
}

// routed asks the table; a filter or a park of the table ends the report.
func (f *Flow) routed(s *store.Settlement, facts router.Facts) (router.Decision, error) {
	d := f.o.Table.Route(facts)
	s.Rule = d.Rule
	if d.Filter != "" {
		s.Rule, d.To = d.Filter, nil
	}
	if d.Park != "" {
		return d, &lab.Fault{Class: lab.Park, Op: "route the message", Err: errors.New(d.Park),
			Hint: "add a route for it to the configuration, then try again"}
	}
	return d, nil
}

func (f *Flow) write(v verdict, d Destination, key string) ([]byte, error) {
	if d.Serves == "patient" {
		return forQueue(v)
	}
	m, err := results.RenderORU(v.kept(), v.order, d.addressed(key, time.Now()))
	if err != nil {
		return nil, err
	}
	return m.Bytes(), nil
}

func (f *Flow) resultOwed(v verdict, d Destination, key string, payload []byte) store.Owed {
	person, subject := v.report.Person, ""
	if v.order != nil {
		person, subject = v.order.Person.ID, v.order.ID
	}
	return store.Owed{
		Key: key, Destination: d.Name, Lane: f.lane(d, person, v.report.Specimen), Kind: "result",
		Subject: subject, Label: v.label(), Payload: payload,
	}
}

// incomplete parks a session that ended in the middle; the analyzer normally sends all of it again.
func (f *Flow) incomplete(ctx context.Context, s store.Settlement, messages []*astm.Message) error {
	if !hasResults(messages) {
		s.Decision, s.Rule = "filtered", "an interrupted session without results"
		return f.settle(ctx, s)
	}
	return f.parkArrival(ctx, s, interrupted,
		"the analyzer normally sends it again by itself; if it has not within some minutes, send it again at the analyzer")
}

const interrupted = "the line broke in the middle of a message"

// terminated tells whether every message has come to its L record: then nothing is missing, although the line broke, or
// the gateway stopped, before the session was closed. The sender may believe that it is done.
func terminated(messages []*astm.Message) bool {
	for _, m := range messages {
		if !m.Terminated {
			return false
		}
	}
	return len(messages) > 0
}

func hasResults(messages []*astm.Message) bool {
	for _, m := range messages {
		for _, r := range m.Records {
			if r.Type() == 'R' {
				return true
			}
		}
	}
	return false
}

// repeated finds the interrupted sessions of this device that the message holds in full: their records, the header
// with its time apart, stand at its beginning.
func (f *Flow) repeated(ctx context.Context, a store.Arrival, whole []*astm.Message) ([]int64, error) {
	parked, err := f.o.Store.Parked(ctx, 500)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, p := range parked {
		if p.Source != a.Source || p.Reason != interrupted || p.Arrival == 0 || p.Arrival == a.ID {
			continue
		}
		d, err := f.o.Store.Arrival(ctx, p.Arrival)
		if err != nil {
			return nil, err
		}
		frames, _ := lis1a.Decode(d.Arrival.Body)
		part, err := astm.Parse(lis1a.Text(frames))
		if err == nil && begins(body(whole), body(part)) {
			out = append(out, p.Arrival)
		}
	}
	return out, nil
}

// body joins the records of messages, headers apart.
func body(messages []*astm.Message) string {
	var b strings.Builder
	for _, m := range messages {
		for _, r := range m.Records {
			if r.Type() != 'H' {
				b.WriteString(strings.TrimRight(string(r.Raw()), "\r\n"))
				b.WriteByte('\r')
			}
		}
	}
	return b.String()
}

// begins tells whether whole begins with part; the last record of part may have been cut.
func begins(whole, part string) bool {
	return part != "" && strings.HasPrefix(whole, strings.TrimSuffix(part, "\r"))
}

// query answers a host query from the order book: the tests that this unit measures on the specimens asked for.
func (f *Flow) query(ctx context.Context, a store.Arrival, s store.Settlement, specimens []string) ([]byte, error) {
	var found []lab.Order
	for _, id := range specimens {
		o, ok, err := f.forSpecimen(ctx, id)
		if err != nil || !ok {
			continue // An analyzer waits some seconds only: what is not known now is answered as not known.
		}
		s.Keys = append(s.Keys, store.SearchKey{Kind: "specimen", Value: id})
		found = append(found, o)
	}
	answer, n := results.AnswerQuery(specimens, found, f.o.Instruments[a.Source].Profile, time.Now())
	s.Decision, s.Reply = "query answered", answer
	s.Note = fmt.Sprintf("%d of %d specimens have tests for this analyzer", n, len(specimens))
	return answer, f.settle(ctx, s)
}
