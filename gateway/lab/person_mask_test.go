package lab

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tells lists what must be seen nowhere.
var tells = []string{"198501012382", "850101", "2382", "19850101", "Öberg", "Åsa", OIDPersonnummer}

func silent(t *testing.T, how, out string) {
	t.Helper()
	for _, s := range tells {
		if strings.Contains(out, s) || strings.Contains(out, fmt.Sprintf("%x", s)) || strings.Contains(out, fmt.Sprintf("%X", s)) {
			t.Errorf("%s tells %q: %s", how, s, out)
		}
	}
}

func somebody(t *testing.T) Person {
	t.Helper()
	id, err := ParsePersonID("198501012382", noon)
	if err != nil {
		t.Fatal(err)
	}
	return Person{ID: id, Family: "Öberg", Given: "Åsa", Sex: "F"}
}

type hidden struct {
	id   PersonID
	ids  []PersonID
	m    map[PersonID]int
	p    *PersonID
	a    any
	deep struct{ id PersonID }
}

type shown struct {
	ID     PersonID
	Person Person
	Order  *Order
	Map    map[PersonID]Person
}

func TestP9_NoVerbPrintsAPerson(t *testing.T) {
	person := somebody(t)
	id := person.ID
	order := Order{ID: "ORD1", Person: person}
	type converted PersonID
	values := map[string]any{
		"id": id, "pointer to id": &id, "person": person, "pointer to person": &person, "order": order,
		"pointer to order": &order, "wire": order.Wire(), "person on the wire": person.Wire(), "id slice": []PersonID{id},
		"persons": []Person{person}, "orders": []Order{order}, "converted": converted(id), "handle": id.h,
		"shown":         shown{ID: id, Person: person, Order: &order, Map: map[PersonID]Person{id: person}},
		"pointer shown": &shown{ID: id, Person: person},
		"hidden":        hidden{id: id, ids: []PersonID{id}, m: map[PersonID]int{id: 1}, p: &id, a: id, deep: struct{ id PersonID }{id}},
		"hidden ptr":    &hidden{id: id, ids: []PersonID{id}, m: map[PersonID]int{id: 1}, p: &id, a: id, deep: struct{ id PersonID }{id}},
		"report":        Report{Person: id},
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%#s", "%q", "%x", "% x", "%X", "%d", "%b", "%o", "%c", "%U", "%e", "%t", "%10.3v"} {
			silent(t, name+" under "+verb, fmt.Sprintf(verb, v))
		}
	}
	for _, verb := range []string{"%p", "%T", "%!"} {
		silent(t, "id under "+verb, fmt.Sprintf(verb, id))
	}
	silent(t, "an error", fmt.Sprint(fmt.Errorf("cannot send for %v: %w", id, errors.New("down"))))
}

func TestP9_NoMarshallerOrLoggerTellsAPerson(t *testing.T) {
	person := somebody(t)
	order := Order{ID: "ORD1", Person: person}
	for _, v := range []any{person.ID, person, order, &order, shown{ID: person.ID, Person: person, Order: &order, Map: map[PersonID]Person{person.ID: person}}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		silent(t, "json", string(b))
		if !bytes.Contains(b, []byte("personnummer(masked)")) {
			t.Errorf("json: got %s, want the mask", b)
		}
	}
	if b, err := xml.Marshal(person); err == nil {
		silent(t, "xml", string(b))
	}
	var buf bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&buf, nil), slog.NewTextHandler(&buf, nil)} {
		log := slog.New(h).With("with", person)
		log.Info("a person", "id", person.ID, "person", &person, "order", order, "wire", order.Wire(), "pwire", person.Wire(),
			"in", shown{ID: person.ID, Person: person, Order: &order}, "hidden", hidden{id: person.ID},
			slog.Group("g", "id", person.ID))
	}
	silent(t, "slog", buf.String())
	var into shown
	if err := json.Unmarshal([]byte(`{"ID":"198501012382"}`), &into); err == nil {
		t.Error("a number was read from JSON outside the wire form")
	}
}

func TestP9_ProtectedPersonsAreSaidToBe(t *testing.T) {
	p := somebody(t)
	p.Protected = true
	if got, want := fmt.Sprint(p), "protected person personnummer(masked)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := fmt.Sprint(PersonID{}); got != "nobody" {
		t.Errorf("got %q", got)
	}
}

func TestPersonIDIsComparable(t *testing.T) {
	a, b := somebody(t).ID, somebody(t).ID
	if a != b || !a.Same(b) || map[PersonID]bool{a: true}[b] != true {
		t.Error("one number gives two identities")
	}
}

func TestOrderWireThereAndBack(t *testing.T) {
	at := time.Date(2026, 6, 15, 8, 30, 0, 0, time.UTC)
	order := Order{
		ID: "ORD1", Status: Fetched, Person: somebody(t), Requester: Party{HSA: "SE2321000016-15CX", Name: "Vårdcentralen"},
		ClaimedBy: "SE2321000016-15CX", Created: at,
		Tests:     []Test{{Placer: "P1", Code: Code{Code: "NPU19748", Text: "P-CRP", System: "NPU"}, Material: "SER", Performer: AtUnit}},
		Specimens: []Specimen{{ID: "S1", Material: "SER", Collected: at, Placers: []string{"P1"}}},
	}
	b, err := json.Marshal(order.Wire())
	if err != nil {
		t.Fatal(err)
	}
	var w OrderWire
	if err := json.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	got, err := w.Order(noon)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order, got, cmp.Comparer(func(a, b PersonID) bool { return a == b })); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestP7_AnOrderWithAWrongNumberIsRejected(t *testing.T) {
	good := Order{ID: "ORD1", Status: Ordered, Person: somebody(t)}.Wire()
	for name, spoil := range map[string]func(*OrderWire){
		"no id":     func(w *OrderWire) { w.ID = "" },
		"no status": func(w *OrderWire) { w.Status = "lost" },
		"check":     func(w *OrderWire) { w.Person.Value = "198501012383" },
	} {
		w := good
		spoil(&w)
		if _, err := w.Order(noon); ClassOf(err) != Reject {
			t.Errorf("%s: got %v, want a rejection", name, err)
		} else {
			silent(t, name, err.Error()+HintOf(err))
		}
	}
}

func FuzzParsePersonID(f *testing.F) {
	for _, s := range []string{"198501012382", "850101-2382", "120211+9150", "19810829M071", "98240301AA06", "1980-1234", "991981000010", "\u2212"} {
		f.Add(s, int64(1780000000))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		now := time.Unix(unix%(1<<33), 0).UTC()
		p, err := ParsePersonID(text, now)
		if err != nil {
			if !p.IsZero() || (len(text) > 3 && strings.Contains(err.Error(), text) && digits(text)) {
				t.Fatalf("a refusal that tells: %v", err)
			}
			return
		}
		again, err := ParsePersonID(p.Wire(), now)
		if err != nil || again != p {
			t.Fatalf("%q reads back as %q, %v", p.Wire(), again.Wire(), err)
		}
		_ = p.BirthDate()
	})
}

func FuzzPersonIDFromWire(f *testing.F) {
	for _, s := range []string{"198501012382", "850101-2382", "1201012380", "19810829M071", "98240301AA06", "1980-1234", "PAT-17", `""`} {
		f.Add("", s)
		f.Add(OIDPersonnummer, s)
		f.Add(OIDVGR, s)
	}
	f.Fuzz(func(t *testing.T, oid, value string) {
		p, err := PersonIDFromWire(oid, value, noon)
		if err != nil || p.IsZero() {
			return
		}
		again, err := PersonIDFromWire(p.OID(), p.Wire(), noon)
		if err != nil || again.Wire() != p.Wire() || again.Kind() != p.Kind() || !p.Same(again) {
			t.Fatalf("%q %q reads back as %v %q, %v", oid, value, again.Kind(), again.Wire(), err)
		}
		_ = p.BirthDate()
	})
}
