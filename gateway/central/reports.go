package central

import (
	"fmt"
	"net/http"
	"slices"

	"rorpost/gateway/lab"
)

func (c *Central) collected(q request) (answer, error) {
	var in struct {
		Unit       string         `json:"unit"`
		Collection string         `json:"collection"`
		Specimens  []lab.Specimen `json:"specimens"`
	}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	unit, err := q.acting(in.Unit)
	if err != nil {
		return answer{}, err
	}
	if !printable(in.Collection, 64) {
		return answer{}, bad("the report names no collection", `give "collection", the unit's own number of this collection`)
	}
	if err := checkTubes(in.Specimens); err != nil {
		return answer{}, err
	}
	return c.advance(q, report{what: "collected", unit: unit, collection: in.Collection, specimens: in.Specimens})
}

// checkTubes names tubes by number: an id may be a scan of something else.
func checkTubes(tubes []lab.Specimen) error {
	if len(tubes) == 0 {
		return unfit("the collection has no specimens", "give every tube with its id")
	}
	seen := map[string]bool{}
	for i, s := range tubes {
		if !printable(s.ID, 64) || seen[s.ID] {
			return unfit(fmt.Sprintf("specimen %d has no id of its own", i+1), "a label is one tube; take a new label")
		}
		seen[s.ID] = true
	}
	return nil
}

func (c *Central) sent(q request) (answer, error) {
	var in struct {
		Unit string `json:"unit"`
	}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	unit, err := q.acting(in.Unit)
	if err != nil {
		return answer{}, err
	}
	return c.advance(q, report{what: "sent", unit: unit})
}

func (c *Central) answered(q request) (answer, error) {
	in := struct {
		Unit   string          `json:"unit"`
		Status lab.OrderStatus `json:"status"`
	}{Status: lab.Answered}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	if in.Unit != "" {
		if _, err := q.acting(in.Unit); err != nil {
			return answer{}, err
		}
	}
	if !slices.Contains([]lab.OrderStatus{lab.Partial, lab.Answered, lab.Corrected}, in.Status) {
		return answer{}, unfit("the status is none of an answer", "status is partial, answered or corrected")
	}
	return c.advance(q, report{what: "answered", unit: q.peer, status: in.Status})
}

func (c *Central) release(q request) (answer, error) {
	var in struct {
		Unit       string `json:"unit"`
		Collection string `json:"collection"`
	}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	unit, err := q.acting(in.Unit)
	if err != nil {
		return answer{}, err
	}
	return c.advance(q, report{what: "release", unit: unit, collection: in.Collection})
}

func (c *Central) cancel(q request) (answer, error) {
	var in struct {
		Unit   string `json:"unit"`
		Reason string `json:"reason"`
	}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	unit := ""
	if in.Unit != "" {
		name, err := q.acting(in.Unit)
		if err != nil {
			return answer{}, err
		}
		unit = name
	} else if err := q.only(c.cfg.Sources, "cancel orders"); err != nil {
		return answer{}, err
	}
	if in.Reason == "" || len(in.Reason) > maxText {
		return answer{}, unfit("the cancellation has no reason, or a very long one", fmt.Sprintf(`give "reason" in at most %d bytes`, maxText))
	}
	return c.advance(q, report{what: "cancel", unit: unit, reason: in.Reason})
}

// tries bounds how often a report is judged again because somebody else has changed the order meanwhile.
const tries = 10

// advance reads an order, judges a report, and keeps what becomes of it if the order is still as it was read.
func (c *Central) advance(q request, r report) (answer, error) {
	for range tries {
		from, err := c.store.Order(q.Context(), q.PathValue("id"))
		if err != nil {
			return answer{}, err
		}
		to, err := c.judge(q, from, r)
		if err != nil {
			return answer{}, err
		}
		done := true
		if changed(from, to) {
			done, err = c.store.Advance(q.Context(), from, to, OrderEvent{What: r.what, Unit: r.unit, Note: r.reason, At: q.now})
		}
		if err != nil {
			return answer{}, err
		}
		if done {
			return answer{body: told{to.ID, to.Status}}, c.tell(q, "report "+r.what, to.Person, "order "+to.ID, again(!changed(from, to)))
		}
	}
	return answer{}, &Problem{http.StatusServiceUnavailable, "the order is being changed by others", "it is sent again by itself"}
}

// judge lets a collection name only tests of its order.
func (c *Central) judge(q request, o OrderRecord, r report) (OrderRecord, error) {
	if r.what == "collected" {
		w, _, err := o.wire(q)
		if err != nil {
			return o, err
		}
		for i, s := range r.specimens {
			if slices.ContainsFunc(s.Placers, func(p string) bool {
				return !slices.ContainsFunc(w.Tests, func(t lab.Test) bool { return t.Placer == p })
			}) {
				return o, unfit(fmt.Sprintf("specimen %d is for a test that the order does not have", i+1), "the tubes of two orders may have been mixed up; tell lab IT")
			}
		}
	}
	return step(o, r)
}
