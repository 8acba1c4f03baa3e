package lab

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// OrderWire is an order as JSON, for the HTTP API and the store. Together with [PersonID.Wire] it is the only
// place where identity leaves; it still masks itself in formatting and logs.
type OrderWire struct {
	ID        string      `json:"id"`
	Status    OrderStatus `json:"status"`
	Person    PersonWire  `json:"person"`
	Requester Party       `json:"requester"`
	ClaimedBy string      `json:"claimed_by"`
	Created   time.Time   `json:"created"`
	Tests     []Test      `json:"tests"`
	Specimens []Specimen  `json:"specimens"`
}

// PersonWire is a person as JSON.
type PersonWire struct {
	OID       string `json:"oid"`
	Value     string `json:"value"`
	Family    string `json:"family"`
	Given     string `json:"given"`
	Sex       string `json:"sex"`
	Protected bool   `json:"protected"`
}

// Wire returns the person with its number in plain text.
func (p Person) Wire() PersonWire {
	return PersonWire{
		OID: p.ID.OID(), Value: p.ID.Wire(), Family: p.Family, Given: p.Given, Sex: p.Sex, Protected: p.Protected,
	}
}

// Person judges the number again by [PersonIDFromWire].
func (w PersonWire) Person(now time.Time) (Person, error) {
	id, err := PersonIDFromWire(w.OID, w.Value, now)
	if err != nil {
		return Person{}, &Fault{Class: Reject, Op: "read the person of an order", Hint: hintOfNumber(err), Err: err}
	}
	return Person{ID: id, Family: w.Family, Given: w.Given, Sex: w.Sex, Protected: w.Protected}, nil
}

// Wire returns the order with its person in plain text. It shares no slice with o but the placers' own.
func (o Order) Wire() OrderWire {
	return OrderWire{
		ID: o.ID, Status: o.Status, Person: o.Person.Wire(), Requester: o.Requester, ClaimedBy: o.ClaimedBy,
		Created:   o.Created,
		Tests:     append(make([]Test, 0, len(o.Tests)), o.Tests...),
		Specimens: append(make([]Specimen, 0, len(o.Specimens)), o.Specimens...),
	}
}

// Order returns the value of the wire form. An order without an id, with a status that is not one, or with a
// number that its own system refuses, is a [*Fault] of class Reject.
func (w OrderWire) Order(now time.Time) (Order, error) {
	if w.ID == "" {
		return Order{}, &Fault{Class: Reject, Op: "read an order: it has no id", Hint: "the sender must give the order an id"}
	}
	if !w.Status.known() {
		return Order{}, &Fault{Class: Reject, Op: fmt.Sprintf("read an order: %.40q is no status", string(w.Status))}
	}
	person, err := w.Person.Person(now)
	if err != nil {
		return Order{}, err
	}
	return Order{
		ID: w.ID, Status: w.Status, Person: person, Requester: w.Requester, ClaimedBy: w.ClaimedBy, Created: w.Created,
		Tests: append([]Test(nil), w.Tests...), Specimens: append([]Specimen(nil), w.Specimens...),
	}, nil
}

func (s OrderStatus) known() bool {
	switch s {
	case Ordered, Fetched, Collected, Sent, Partial, Answered, Corrected, Cancelled, Expired:
		return true
	}
	return false
}

func hintOfNumber(err error) string {
	if e, ok := err.(*PersonIDError); ok {
		return e.Hint
	}
	return ""
}

// Format says which order it is, and masks the person under every verb; a printer that follows a pointer to an
// order after a wrong verb would otherwise reach the names.
func (o Order) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "order "+o.ID+" ("+string(o.Status)+") of "+o.Person.String())
}

// LogValue masks the person.
func (o Order) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// Format masks the person under every verb; JSON alone carries it.
func (w OrderWire) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "order "+w.ID+" ("+string(w.Status)+") of a person(masked)")
}

// LogValue masks the person.
func (w OrderWire) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(w)) }

// Format masks under every verb; JSON alone carries the person.
func (w PersonWire) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "person(masked)") }

// LogValue masks.
func (w PersonWire) LogValue() slog.Value { return slog.StringValue("person(masked)") }
