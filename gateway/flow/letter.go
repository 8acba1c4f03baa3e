package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rorpost/gateway/lab"
	"rorpost/gateway/orders"
	"rorpost/gateway/results"
	"rorpost/gateway/store"
	"rorpost/hl7"
)

// addressed is a destination's addressing with the key of one delivery in it.
func (d Destination) addressed(key string, now time.Time) results.Addressing {
	a := d.Address
	a.ControlID, a.Now = key, now
	return a
}

// lane says which of a destination's lanes a delivery takes.
func (f *Flow) lane(d Destination, person lab.PersonID, specimen string) string {
	switch {
	case d.OrderBy == "patient" && !person.IsZero():
		return f.o.Store.Blind(person.Wire())
	case d.OrderBy == "specimen" && specimen != "":
		return f.o.Store.Blind(specimen)
	}
	return ""
}

// letter owes one order message to one destination.
func (f *Flow) letter(a store.Arrival, o lab.Order, d Destination, n int) (store.Owed, error) {
	key := f.o.Store.Key(a.ID, "order "+o.ID, d.Name, n)
	address := d.addressed(key, time.Now())
	m, err := orders.RenderORM(o, results.PID(o.Person), orders.Letter{
		Header: address.Header("ORM", "O01", "ORM_O01"), Specimen: d.Specimen, Unit: f.o.Unit,
	})
	if err != nil {
		return store.Owed{}, unwritable("write the order for "+d.Name, err)
	}
	specimen := ""
	if len(o.Specimens) > 0 {
		specimen = o.Specimens[0].ID
	}
	return store.Owed{
		Key: key, Destination: d.Name, Lane: f.lane(d, o.Person.ID, specimen), Kind: "order", Subject: o.ID,
		Label: "order " + o.ID + ": " + strings.Join(orderCodes(o), ", "), Payload: m.Bytes(),
	}, nil
}

// unwritable parks what cannot be written: a character that the destination's character set does not have.
func unwritable(op string, err error) error {
	return &lab.Fault{Class: lab.Park, Op: op, Err: err,
		Hint: "a character in the message does not exist in the receiver's character set; nothing was replaced; tell lab IT"}
}

// atLaboratory is the order with only the tests that a laboratory measures.
func atLaboratory(o lab.Order) lab.Order {
	part := o
	part.Tests, part.Specimens = nil, nil
	wanted := map[string]bool{}
	for _, t := range o.Tests {
		if t.Performer != lab.AtUnit {
			part.Tests = append(part.Tests, t)
			wanted[t.Placer] = true
		}
	}
	for _, s := range o.Specimens {
		for _, p := range s.Placers {
			if wanted[p] {
				part.Specimens = append(part.Specimens, s)
				break
			}
		}
	}
	return part
}

func orderCodes(o lab.Order) []string {
	out := make([]string, 0, len(o.Tests))
	for _, t := range o.Tests {
		out = append(out, t.Code.Code)
	}
	return out
}

func encodeOrder(o lab.Order) ([]byte, error) {
	body, err := json.Marshal(o.Wire())
	if err != nil {
		return nil, fmt.Errorf("write order %s for the store: %w", o.ID, err)
	}
	return body, nil
}

func hintOr(err error, otherwise string) string {
	if h := lab.HintOf(err); h != "" {
		return h
	}
	var p *lab.PersonIDError
	if errors.As(err, &p) && p.Hint != "" {
		return p.Hint
	}
	return otherwise
}

func (f *Flow) audit(ctx context.Context, action string, whom lab.PersonID, object string) error {
	if f.o.Audit == nil {
		return nil
	}
	return f.o.Audit(ctx, action, f.o.Store.Blind(whom.Wire()), object)
}

// readdress rewrites a message's header for a destination and leaves every other byte as it came.
func readdress(m *hl7.Message, a results.Addressing) (*hl7.Message, error) {
	out, err := hl7.Parse(m.Bytes())
	if err != nil {
		return nil, err
	}
	charset := a.Charset
	if charset == "" {
		charset = "UNICODE UTF-8"
	}
	if out, err = hl7.Transcode(out, charset); err != nil {
		return nil, err
	}
	for _, set := range [][2]string{
		{"MSH-3", a.Application}, {"MSH-4", a.Facility}, {"MSH-5", a.PeerApplication}, {"MSH-6", a.PeerFacility},
	} {
		if set[1] != "" {
			if err := out.SetRaw(set[0], []byte(set[1])); err != nil {
				return nil, err
			}
		}
	}
	for _, set := range [][2]string{{"MSH-7", hl7.FormatTime(a.Now)}, {"MSH-10", a.ControlID}, {"MSH-15", ""}, {"MSH-16", ""}} {
		if out.Get(set[0]) == set[1] {
			continue
		}
		if err := out.Set(set[0], set[1]); err != nil {
			return nil, err
		}
	}
	if a.Processing != "" {
		return out, out.Set("MSH-11", a.Processing)
	}
	return out, nil
}
