package central

import (
	"fmt"
	"net/http"
	"slices"

	"rorpost/gateway/lab"
)

// report is what a unit or a clinic says has happened to an order.
type report struct {
	what       string // "collected", "sent", "answered", "release" or "cancel".
	unit       string
	collection string
	status     lab.OrderStatus // Of an answer.
	specimens  []lab.Specimen
	reason     string
}

// rank orders the states that an order passes in its life. A report of a lower rank is late: it is taken, and the
// order stays where it is.
func rank(s lab.OrderStatus) int {
	return slices.Index([]lab.OrderStatus{lab.Ordered, lab.Fetched, lab.Collected, lab.Sent, lab.Partial, lab.Answered, lab.Corrected}, s)
}

// ended tells whether an order has left its life without a result.
func ended(s lab.OrderStatus) bool { return s == lab.Cancelled || s == lab.Expired }

// step says what becomes of an order after a report. An unchanged order is returned as it is; an impossible report is
// a *Problem.
func step(o OrderRecord, r report) (OrderRecord, error) {
	switch r.what {
	case "collected":
		return collected(o, r)
	case "sent":
		return sent(o, r)
	case "answered":
		return answered(o, r)
	case "release":
		return released(o, r)
	case "cancel":
		return cancelled(o, r)
	}
	return o, fmt.Errorf("there is no report %q", r.what) // Ours: the routes name no other.
}

func conflict(text, hint string) *Problem { return &Problem{http.StatusConflict, text, hint} }

// collected: fetched → collected, and ordered → collected for a unit that could not ask before. A second collection
// of the same order is shown to people, and never resolved here (P8).
func collected(o OrderRecord, r report) (OrderRecord, error) {
	again := o.Unit == r.unit && o.Collection == r.collection
	switch {
	case ended(o.Status):
		return o, conflict("the order is "+string(o.Status),
			"the sample was taken after the order ended: do not send it, ask the clinic that ordered it")
	case o.Unit != "" && o.Unit != r.unit:
		return o, conflict("the order is held by another unit",
			"it may have been collected twice: ask the other unit before anything is sent")
	case rank(o.Status) >= rank(lab.Collected) && (!again || len(o.Specimens) > 0 && !sameTubes(o.Specimens, r.specimens)):
		return o, conflict("the order has been collected before, with other tubes",
			"the patient may have been sampled twice: find both sets of tubes before anything is sent")
	case len(o.Specimens) > 0:
		return o, nil
	}
	o.Unit, o.Collection, o.Specimens = r.unit, r.collection, r.specimens
	return forward(o, lab.Collected), nil
}

func sameTubes(a, b []lab.Specimen) bool {
	return slices.EqualFunc(a, b, func(x, y lab.Specimen) bool {
		return x.ID == y.ID && x.Material == y.Material && x.Collected.Equal(y.Collected) && slices.Equal(x.Placers, y.Placers)
	})
}

// forward never moves an order backwards.
func forward(o OrderRecord, to lab.OrderStatus) OrderRecord {
	if rank(to) > rank(o.Status) {
		o.Status = to
	}
	return o
}

// sent: fetched or collected → sent. It may overtake the report of the collection.
func sent(o OrderRecord, r report) (OrderRecord, error) {
	switch {
	case ended(o.Status):
		return o, conflict("the order is "+string(o.Status), "the laboratory has an order that ended: ask the clinic, then tell the laboratory")
	case o.Status == lab.Ordered:
		return o, conflict("the order has not been collected", "report the collection first")
	case o.Unit != r.unit:
		return o, conflict("the order is held by another unit", "it may have been sent twice: ask the other unit and the laboratory")
	}
	return forward(o, lab.Sent), nil
}

// answered: from anything that was fetched, and from expired: a late result is still a result. Whoever has the result
// may report it, since the laboratory does not always answer the unit that sent.
func answered(o OrderRecord, r report) (OrderRecord, error) {
	switch {
	case o.Status == lab.Cancelled:
		return o, conflict("the order is cancelled", "a result has come for a cancelled order: a person must look at it")
	case o.Status == lab.Ordered:
		return o, conflict("the order has not been collected", "a result has come for an order that nobody has collected: look for a mix-up")
	case o.Status == lab.Expired:
		o.Status = r.status
		return o, nil
	}
	return forward(o, r.status), nil
}

// released: fetched → ordered. Late or repeated, it changes nothing, and neither does that of a collection that another
// one of the same unit has taken over.
func released(o OrderRecord, r report) (OrderRecord, error) {
	switch {
	case rank(o.Status) > rank(lab.Fetched):
		return o, conflict("the order is "+string(o.Status), "it cannot be given back any more")
	case o.Status == lab.Fetched && o.Unit == r.unit && (r.collection == "" || r.collection == o.Collection):
		o.Status, o.Unit, o.Collection = lab.Ordered, "", ""
	}
	return o, nil
}

// cancelled: ordered → cancelled freely; fetched → cancelled only by the unit that holds it.
func cancelled(o OrderRecord, r report) (OrderRecord, error) {
	switch {
	case rank(o.Status) >= rank(lab.Collected):
		return o, conflict("the order is "+string(o.Status), "the sample has been taken: ask the laboratory to stop it")
	case o.Status == lab.Fetched && o.Unit != r.unit:
		return o, conflict("a unit has fetched the order", "the patient is at the desk: the unit must give it back first")
	case !ended(o.Status):
		o.Status = lab.Cancelled
	}
	return o, nil
}

// changed tells whether a step has done anything worth keeping.
func changed(a, b OrderRecord) bool {
	return a.Status != b.Status || a.Unit != b.Unit || a.Collection != b.Collection || len(a.Specimens) != len(b.Specimens)
}
