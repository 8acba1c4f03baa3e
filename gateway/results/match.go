package results

import (
	"errors"
	"fmt"
	"strings"

	"rorpost/gateway/lab"
)

// Unmatched says what becomes of a report that belongs to no order we know.
type Unmatched string

const (
	ParkUnmatched Unmatched = "park" // A person chooses the order.
	PassUnmatched Unmatched = "pass" // The journal gets it; the patient queue never does.
)

// Match decides whether a report belongs to the order that was found for its specimen. found is false when no order
// is known. A nil error with ok false means: pass it on without an order. Every error is a *lab.Fault that parks.
func Match(r lab.Report, o lab.Order, found bool, rule Unmatched) (ok bool, err error) {
	switch {
	case r.Specimen == "" && rule != PassUnmatched:
		return false, park("the result carries no specimen id",
			"find the tube, read its barcode, and choose the order by hand")
	case !found && rule == PassUnmatched:
		return false, nil
	case !found:
		return false, park("no order is known for specimen "+lab.ShownSpecimen(r.Specimen),
			"check the barcode on the tube; if the sample was registered by hand, choose its order")
	}
	if err := agree(r, o); err != nil {
		return false, err
	}
	return true, nil
}

// agree checks every identity that the report carries against the order.
func agree(r lab.Report, o lab.Order) error {
	if !r.Person.IsZero() && !r.Person.Same(o.Person.ID) {
		return park("the identity in the result is not the identity of the order for specimen "+lab.ShownSpecimen(r.Specimen),
			"nothing was sent; call the laboratory before anything else is done with this sample")
	}
	if r.Placer != "" && !placed(r.Placer, o) {
		return park(fmt.Sprintf("order number %s is not among the tests ordered for specimen %s", lab.ShownSpecimen(r.Placer), lab.ShownSpecimen(r.Specimen)),
			"the tube and the order number disagree; call the laboratory")
	}
	if r.Group != "" && r.Group != o.ID {
		return park(fmt.Sprintf("requisition %s is not the one that specimen %s was taken for", lab.ShownSpecimen(r.Group), lab.ShownSpecimen(r.Specimen)),
			"the tube and the requisition disagree; call the laboratory")
	}
	return nil
}

func placed(placer string, o lab.Order) bool {
	for _, t := range o.Tests {
		if t.Placer == placer {
			return true
		}
	}
	return placer == o.ID
}

func park(reason, hint string) error {
	return &lab.Fault{Class: lab.Park, Op: "match the result", Hint: hint, Err: errors.New(reason)}
}

// Reason returns the text of a parking error without its operation, for the list that people read.
func Reason(err error) string {
	var f *lab.Fault
	if errors.As(err, &f) && f.Err != nil {
		return f.Err.Error()
	}
	return strings.TrimSpace(err.Error())
}
