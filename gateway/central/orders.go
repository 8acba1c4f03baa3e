package central

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"rorpost/gateway/lab"
)

// orderID is what may stand in a path and in HL7 without escapes.
var orderID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:~-]{0,99}$`)

const (
	maxOrders = 200 // Of one person in one answer, the newest.
	maxKey    = 200 // Bytes of an Idempotency-Key.
	maxText   = 500 // Bytes of a reason.
)

func unfit(text, hint string) *Problem { return &Problem{http.StatusUnprocessableEntity, text, hint} }

// told is the answer to a report: nothing of the person.
type told struct {
	ID     string          `json:"id"`
	Status lab.OrderStatus `json:"status"`
}

func (c *Central) place(q request) (answer, error) {
	if err := q.only(c.cfg.Sources, "place orders"); err != nil {
		return answer{}, err
	}
	var w lab.OrderWire
	if err := read(q.Request, &w); err != nil {
		return answer{}, err
	}
	o, err := c.record(q, w)
	if err != nil {
		return answer{}, err
	}
	kept, fresh, err := c.store.Place(q.Context(), o)
	if err != nil {
		return answer{}, err
	}
	if err := c.tell(q, "place order", kept.Person, "order "+kept.ID, again(!fresh)); err != nil {
		return answer{}, err
	}
	return answer{created(fresh), told{kept.ID, kept.Status}}, nil
}

func created(fresh bool) int {
	if fresh {
		return http.StatusCreated
	}
	return http.StatusOK
}

func again(repeat bool) string {
	if repeat {
		return "again"
	}
	return ""
}

// record judges a new order.
func (c *Central) record(q request, w lab.OrderWire) (OrderRecord, error) {
	if w.Status == "" {
		w.Status = lab.Ordered
	}
	if w.Status != lab.Ordered || w.ClaimedBy != "" || len(w.Specimens) > 0 {
		return OrderRecord{}, unfit("a new order is not yet fetched or collected", `leave out claimed_by and specimens, and status or say "ordered"`)
	}
	o, err := w.Order(q.now)
	if err != nil {
		return OrderRecord{}, err
	}
	if err := checkNew(o); err != nil {
		return OrderRecord{}, err
	}
	key := q.Header.Get("Idempotency-Key")
	if len(key) > maxKey {
		return OrderRecord{}, bad("the Idempotency-Key is too long", fmt.Sprintf("use at most %d bytes", maxKey))
	}
	content, err := json.Marshal(o.Wire())
	if err != nil {
		return OrderRecord{}, err
	}
	sum := sha256.Sum256(content)
	if o.Created.IsZero() {
		o.Created = q.now.UTC()
	}
	body, err := json.Marshal(o.Wire())
	return OrderRecord{ID: o.ID, Key: key, Person: c.secret.person(o.Person.ID), Content: sum[:], Body: body, Status: lab.Ordered, Placed: q.now}, err
}

// checkNew refuses an order that could not be fetched, collected or answered.
func checkNew(o lab.Order) error {
	switch {
	case !orderID.MatchString(o.ID):
		return unfit("the order id has characters that cannot be carried", "use letters, digits and . _ : ~ -, at most 100")
	case o.Person.ID.IsZero():
		return unfit("the order names nobody", "give a personal number, a reserve number or a coded id")
	case strings.Contains(strings.ReplaceAll(o.ID, "-", ""), strings.ReplaceAll(o.Person.ID.Wire(), "-", "")):
		return unfit("the order id holds the person's number", "give the order an id that says nothing of the person")
	case len(o.Tests) == 0:
		return unfit("the order has no tests", "name at least one test")
	}
	seen := map[string]bool{}
	for i, t := range o.Tests {
		switch {
		case !printable(t.Placer, 64) || seen[t.Placer]:
			return unfit(fmt.Sprintf("test %d has no placer number of its own", i+1), "give every test another placer number")
		case !printable(t.Code.Code, 64):
			return unfit(fmt.Sprintf("test %d has no code", i+1), "give every test a code")
		case !printable(t.Material, 64):
			return unfit(fmt.Sprintf("test %d names no material", i+1), `name the specimen type, such as "SER" or "BLD"`)
		case t.Performer != lab.AtLaboratory && t.Performer != lab.AtUnit:
			return unfit(fmt.Sprintf("test %d does not say who measures it", i+1), `performer is "laboratory" or "unit"`)
		}
		seen[t.Placer] = true
	}
	return nil
}

// printable tells whether a text says something, is short enough, and hides nothing.
func printable(s string, most int) bool {
	return s != "" && len(s) <= most && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// personQuery is an identity in a body.
type personQuery struct {
	OID   string `json:"oid"`
	Value string `json:"value"`
}

type found struct {
	Orders []lab.OrderWire `json:"orders"`
}

// search answers with the orders of a person or of a specimen. Every search is one line of the audit trail, written
// before the answer, whether anything was found or not (P9).
func (c *Central) search(q request) (answer, error) {
	var in struct {
		Person   *personQuery `json:"person"`
		Specimen string       `json:"specimen"`
	}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	switch {
	case in.Person != nil && in.Specimen == "":
		return c.searchPerson(q, *in.Person)
	case in.Person == nil && printable(in.Specimen, 64):
		return c.searchSpecimen(q, in.Specimen)
	}
	return answer{}, bad("the search names no person and no specimen, or both", `give either "person" or "specimen"`)
}

func (c *Central) searchPerson(q request, who personQuery) (answer, error) {
	id, err := lab.PersonIDFromWire(who.OID, who.Value, q.now)
	if err != nil {
		return answer{}, err
	}
	person := c.secret.person(id)
	if person == nil {
		return answer{}, bad("the search names nobody", "give the person's number in person.value")
	}
	records, err := c.store.OrdersOf(q.Context(), person, maxOrders)
	if err != nil {
		return answer{}, err
	}
	out := found{Orders: []lab.OrderWire{}}
	for _, o := range records {
		w, owner, err := o.wire(q)
		if err != nil {
			return answer{}, err
		}
		if owner.Same(id) {
			out.Orders = append(out.Orders, w)
		}
	}
	return answer{body: out}, c.tell(q, "search orders", person, fmt.Sprintf("%d orders", len(out.Orders)), "")
}

func (c *Central) searchSpecimen(q request, specimen string) (answer, error) {
	records, err := c.store.OrdersWith(q.Context(), specimen)
	if err != nil {
		return answer{}, err
	}
	out := found{Orders: []lab.OrderWire{}}
	var person []byte
	for _, o := range records {
		w, _, err := o.wire(q)
		if err != nil {
			return answer{}, err
		}
		out.Orders, person = append(out.Orders, w), o.Person
	}
	return answer{body: out}, c.tell(q, "search specimen", person, "specimen "+specimen, fmt.Sprintf("%d orders", len(out.Orders)))
}

// wire is the order as it is now.
func (o OrderRecord) wire(q request) (lab.OrderWire, lab.PersonID, error) {
	var w lab.OrderWire
	if err := json.Unmarshal(o.Body, &w); err != nil {
		return w, lab.PersonID{}, fmt.Errorf("read order %s from the store: %w", o.ID, err)
	}
	w.Status, w.ClaimedBy, w.Specimens = o.Status, o.Unit, o.Specimens
	if w.Specimens == nil {
		w.Specimens = []lab.Specimen{}
	}
	id, err := lab.PersonIDFromWire(w.Person.OID, w.Person.Value, q.now)
	if err != nil {
		return w, id, fmt.Errorf("read order %s from the store: the number is refused now", o.ID)
	}
	return w, id, nil
}

// claim locks an order to a unit (P8). The same unit may ask again for the same collection.
func (c *Central) claim(q request) (answer, error) {
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
	if !printable(in.Collection, 64) {
		return answer{}, bad("the claim names no collection", `give "collection", the unit's own number of this collection`)
	}
	id := q.PathValue("id")
	done, err := c.store.Claim(q.Context(), Claim{Order: id, Unit: unit, Collection: in.Collection, At: q.now})
	if err != nil {
		return answer{}, err
	}
	o, err := c.store.Order(q.Context(), id)
	if err != nil {
		return answer{}, err
	}
	if !done && (o.Status != lab.Fetched || o.Unit != unit || o.Collection != in.Collection) {
		if err := c.tell(q, "claim refused", o.Person, "order "+o.ID, string(o.Status)); err != nil {
			return answer{}, err
		}
		return answer{}, notFree(o, unit)
	}
	w, _, err := o.wire(q)
	if err != nil {
		return answer{}, err
	}
	return answer{body: w}, c.tell(q, "claim order", o.Person, "order "+o.ID, again(!done))
}

func notFree(o OrderRecord, unit string) error {
	switch {
	case o.Status == lab.Fetched && o.Unit != unit:
		return conflict("the order is held by another unit", "already fetched by another unit; ask the patient, the other unit can give it back")
	case o.Status == lab.Fetched || o.Status == lab.Ordered:
		// It changed hands between the two statements.
		return &Problem{http.StatusServiceUnavailable, "the order has just been claimed again", "scan again in a moment"}
	case ended(o.Status):
		return conflict("the order is "+string(o.Status), "it is not to be collected any more; ask the patient for another order")
	}
	return conflict("the order has been collected before", "nothing is left to collect; look for its result")
}
