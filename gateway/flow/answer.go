package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rorpost/gateway/lab"
	"rorpost/gateway/results"
	"rorpost/gateway/router"
	"rorpost/gateway/store"
	"rorpost/hl7"
)

// Answer settles one HL7 message and returns the acknowledgements to send, in their order. An error leaves the arrival
// unsettled: the sender is asked to try again, and the gateway tries again by itself.
func (f *Flow) Answer(ctx context.Context, a store.Arrival) ([][]byte, error) {
	f.rs.Lock()
	defer f.rs.Unlock()
	s := store.Settlement{Arrival: a.ID}
	m, err := hl7.Parse(a.Body)
	if err != nil {
		return nil, f.parkArrival(ctx, s, "the message cannot be read: "+err.Error(), "the sender must mend it and send it again; the bytes are kept")
	}
	h := m.Header()
	if h.Type == "ACK" {
		s.Decision, s.Rule = "filtered", "an acknowledgement is never answered"
		return nil, f.settle(ctx, s)
	}
	if h.ControlID != "" {
		s.Keys = append(s.Keys, store.SearchKey{Kind: "control", Value: h.ControlID})
	}
	peer := f.o.Peers[a.Source]
	if len(peer.Processing) > 0 && !slices.Contains(peer.Processing, h.ProcessingID) {
		return f.refuse(ctx, m, s, hl7.ErrorDetail{Segment: "MSH", Field: 11, Code: "202", Text: "the processing id in MSH-11 is not accepted here; accepted: " + strings.Join(peer.Processing, ", ")})
	}
	if h.Type == "ORU" || h.Type == "OUL" {
		err = f.answerResults(ctx, a, m, peer, s)
	} else {
		err = f.pass(ctx, a, m, s)
	}
	if err != nil {
		return nil, err
	}
	_, replies := f.replies(m, a)
	return replies, nil
}

// refuse parks a message whose header is not acceptable, and answers so.
func (f *Flow) refuse(ctx context.Context, m *hl7.Message, s store.Settlement, detail hl7.ErrorDetail) ([][]byte, error) {
	h := m.Header()
	code := hl7.AR
	if h.AcceptAck != "" || h.ApplicationAck != "" {
		code = hl7.CR
	}
	reply := hl7.Ack(m, hl7.Reply{Code: code, Text: detail.Text, Errors: []hl7.ErrorDetail{detail},
		ControlID: f.o.Store.Key(s.Arrival, "ack", string(code), 0), Time: time.Now()})
	s.Reply = reply
	return [][]byte{reply}, f.parkArrival(ctx, s, detail.Text, "the sender's channel is set to test, or ours to production; tell lab IT")
}

// replies are the acknowledgements of a message that was kept and processed, by MSH-15 and MSH-16.
func (f *Flow) replies(m *hl7.Message, a store.Arrival) (joined []byte, each [][]byte) {
	h := m.Header()
	for i, code := range hl7.AckPlan(h.AcceptAck, h.ApplicationAck, true, true) {
		r := hl7.Ack(m, hl7.Reply{Code: code, ControlID: f.o.Store.Key(a.ID, "ack", string(code), i), Time: a.At})
		each = append(each, r)
		joined = append(joined, r...)
	}
	return joined, each
}

// answerResults judges every OBR of the message. One that must be parked parks the whole message: nothing of it is
// passed on before a person has looked.
func (f *Flow) answerResults(ctx context.Context, a store.Arrival, m *hl7.Message, peer Peer, s store.Settlement) error {
	s.Reply, _ = f.replies(m, a)
	reading := peer.Reading
	reading.Source, reading.Now = a.Source, time.Now()
	if len(reading.Specimen) == 0 {
		reading.Specimen = results.DefaultSpecimen()
	}
	parts, err := results.FromORU(m, reading)
	if err != nil {
		return f.parkArrival(ctx, s, results.Reason(err), hintOr(err, "tell lab IT"))
	}
	out, err := f.judgeParts(ctx, &s, parts, peer)
	if err != nil {
		return err
	}
	if len(out.parked) == 0 && len(out.judged) > len(out.aside) {
		err = f.oweMessage(a, &s, m, parts, out.judged)
		if err != nil && retryable(err) {
			return err
		}
		if err != nil {
			out.parked = []error{err}
		}
	}
	if len(out.parked) > 0 {
		s.Owed, s.Revisions, out.judged = nil, nil, nil
	}
	return f.settleResults(ctx, a, s, out)
}

func (f *Flow) judgeParts(ctx context.Context, s *store.Settlement, parts []results.Part, peer Peer) (outcome, error) {
	var out outcome
	rule := peer.Unmatched
	if rule == "" {
		rule = results.ParkUnmatched
	}
	for _, p := range parts {
		v, err := f.judge(ctx, p.Report, rule)
		s.Keys = append(s.Keys, v.keys()...)
		if err != nil && retryable(err) {
			return out, err
		}
		if err != nil {
			out.parked = append(out.parked, err)
			continue
		}
		if why := v.setAside(); why != "" {
			out.aside = append(out.aside, why)
		} else {
			s.Revisions = append(s.Revisions, v.revisions...)
		}
		out.judged = append(out.judged, v)
	}
	if err := severalUnnamed(out.judged); err != nil {
		out.parked = append(out.parked, err)
	}
	return out, nil
}

// severalUnnamed parks a message that names nobody and whose specimens belong to several people: written into its one
// PID, the identity of one would take the other's results along (P7).
func severalUnnamed(vs []verdict) error {
	unnamed := false
	for _, v := range vs {
		unnamed = unnamed || v.report.Person.IsZero()
	}
	if !unnamed {
		return nil
	}
	for _, v := range vs[1:] {
		first := vs[0].order
		if (first == nil) != (v.order == nil) || first != nil && !first.Person.ID.Same(v.order.Person.ID) {
			return &lab.Fault{Class: lab.Park, Op: "match the result", Err: errors.New("the message names no patient, and its specimens belong to several"),
				Hint: "nothing was sent; ask the laboratory to answer for one patient at a time"}
		}
	}
	return nil
}

// oweMessage owes the whole message, its header rewritten, to the journal's kind of destination, and one entry for each
// report to the patient queue.
func (f *Flow) oweMessage(a store.Arrival, s *store.Settlement, m *hl7.Message, parts []results.Part, vs []verdict) error {
	h := m.Header()
	var facts router.Facts
	for _, v := range vs {
		one := v.facts(a.Source, f.o.Unit.HSA, router.Facts{Type: h.Type, Event: h.Event, Codes: facts.Codes})
		facts = one
	}
	d, err := f.routed(s, facts)
	if err != nil {
		return err
	}
	clean, err := withoutRefused(m, parts, vs)
	if err != nil {
		return unwritable("take refused values out of the message", err)
	}
	for _, name := range d.To {
		dest := f.o.Destinations[name]
		if dest.Serves == "patient" {
			if err := f.oweEach(a, s, vs, dest); err != nil {
				return err
			}
			continue
		}
		one, err := f.forward(a, clean, dest, vs[0])
		if err != nil {
			return unwritable("write the result for "+name, err)
		}
		s.Owed = append(s.Owed, one)
	}
	return nil
}

func (f *Flow) oweEach(a store.Arrival, s *store.Settlement, vs []verdict, dest Destination) error {
	for i, v := range vs {
		if v.setAside() != "" {
			continue
		}
		if !v.forPatient() {
			s.Note = also(s.Note, notForPatients)
			continue
		}
		key := f.o.Store.Key(a.ID, fmt.Sprintf("report %d", i), dest.Name, 0)
		payload, err := forQueue(v)
		if err != nil {
			return err
		}
		s.Owed = append(s.Owed, f.resultOwed(v, dest, key, payload))
	}
	return nil
}

// forward owes a message as it came, readdressed; an identity that the sender left out is written from the order.
func (f *Flow) forward(a store.Arrival, m *hl7.Message, dest Destination, v verdict) (store.Owed, error) {
	key := f.o.Store.Key(a.ID, "message", dest.Name, 0)
	out, err := readdress(m, dest.addressed(key, time.Now()))
	if err != nil {
		return store.Owed{}, err
	}
	if v.order != nil && v.report.Person.IsZero() {
		if err := identify(out, v.order.Person); err != nil {
			return store.Owed{}, err
		}
	}
	return f.resultOwed(v, dest, key, out.Bytes()), nil
}

func identify(m *hl7.Message, p lab.Person) error {
	if len(m.Find("PID")) == 0 {
		return m.Insert(1, results.PID(p))
	}
	for _, set := range [][2]string{{"PID-3.1", p.ID.Wire()}, {"PID-3.4.2", p.ID.OID()}, {"PID-3.4.3", "ISO"}, {"PID-3.5", "NI"}} {
		if err := m.Set(set[0], set[1]); err != nil {
			return err
		}
	}
	return nil
}

// withoutRefused returns the message without the OBX segments that would take back a later status (P11), and without
// the notes that follow them.
func withoutRefused(m *hl7.Message, parts []results.Part, vs []verdict) (*hl7.Message, error) {
	var drop []int
	for i, v := range vs {
		for j, take := range v.take {
			if !take {
				drop = append(drop, parts[i].OBX[j])
			}
		}
	}
	if len(drop) == 0 {
		return m, nil
	}
	out, err := hl7.Parse(m.Bytes())
	if err != nil {
		return nil, err
	}
	slices.Sort(drop)
	for _, at := range slices.Backward(drop) {
		for at+1 < len(out.Segments()) && out.Segments()[at+1].Name() == "NTE" {
			if err := out.Remove(at + 1); err != nil {
				return nil, err
			}
		}
		if err := out.Remove(at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pass routes a message that is neither result nor acknowledgement: the gateway as a router.
func (f *Flow) pass(ctx context.Context, a store.Arrival, m *hl7.Message, s store.Settlement) error {
	s.Reply, _ = f.replies(m, a)
	h := m.Header()
	d, err := f.routed(&s, router.Facts{Kind: "message", Type: h.Type, Event: h.Event, Source: a.Source, Unit: f.o.Unit.HSA})
	if err != nil {
		return f.parkArrival(ctx, s, results.Reason(err), hintOr(err, ""))
	}
	s.Decision = "routed"
	if len(d.To) == 0 {
		s.Decision = "filtered"
	}
	for _, name := range d.To {
		dest := f.o.Destinations[name]
		key := f.o.Store.Key(a.ID, "message", name, 0)
		out, err := readdress(m, dest.addressed(key, time.Now()))
		if err != nil {
			return f.parkArrival(ctx, store.Settlement{Arrival: a.ID, Reply: s.Reply}, results.Reason(unwritable("write the message for "+name, err)), "tell lab IT")
		}
		s.Owed = append(s.Owed, store.Owed{Key: key, Destination: name, Lane: f.lane(dest, lab.PersonID{}, ""), Kind: "message",
			Label: h.Type + "^" + h.Event, Payload: out.Bytes()})
	}
	return f.settle(ctx, s)
}
