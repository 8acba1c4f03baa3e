package lab

import "time"

// Code names one analysis or one observation in one code system.
type Code struct {
	Code   string `json:"code"`
	Text   string `json:"text"`
	System string `json:"system"` // "NPU", or the laboratory's local system.
}

// IsZero reports whether nothing is said.
func (c Code) IsZero() bool { return c == Code{} }

// OrderStatus is where an order is in its life (DESIGN.md section 11).
type OrderStatus string

const (
	Ordered   OrderStatus = "ordered"
	Fetched   OrderStatus = "fetched" // Locked to a sampling unit.
	Collected OrderStatus = "collected"
	Sent      OrderStatus = "sent" // The laboratory has acknowledged it.
	Partial   OrderStatus = "partial"
	Answered  OrderStatus = "answered"
	Corrected OrderStatus = "corrected"
	Cancelled OrderStatus = "cancelled"
	Expired   OrderStatus = "expired"
)

// Open reports whether a unit may still collect an order in this status.
func (s OrderStatus) Open() bool { return s == Ordered || s == Fetched }

// Performer says who measures a test.
type Performer string

const (
	AtLaboratory Performer = "laboratory"
	AtUnit       Performer = "unit" // One of the unit's own analyzers.
)

// Party is a care unit or a requester, named by HSA-id.
type Party struct {
	HSA  string `json:"hsa"`
	Name string `json:"name"`
}

// Test is one ordered analysis.
type Test struct {
	Placer    string    `json:"placer"` // Placer order number (ORC-2, OBR-2) of this line.
	Code      Code      `json:"code"`
	Material  string    `json:"material"` // Specimen type, HL7 table 0487: "SER", "BLD", "UR".
	Performer Performer `json:"performer"`
}

// Specimen is what is in one tube; ID is the barcode on it.
type Specimen struct {
	ID        string    `json:"id"`
	Material  string    `json:"material"`
	Collected time.Time `json:"collected"`
	Placers   []string  `json:"placers"` // The tests that this tube is for.
}

// Order is one requisition: tests ordered together for one person.
type Order struct {
	ID        string // Placer group number (ORC-4).
	Status    OrderStatus
	Person    Person
	Requester Party
	ClaimedBy string // HSA-id of the unit that holds it, or "".
	Created   time.Time
	Tests     []Test
	Specimens []Specimen
}

// Materials returns the kinds of tube that the order needs, each once, in the order of the tests.
func (o Order) Materials() []string {
	var out []string
	seen := map[string]bool{}
	for _, t := range o.Tests {
		if !seen[t.Material] {
			seen[t.Material] = true
			out = append(out, t.Material)
		}
	}
	return out
}

// PlacersFor returns the placer order numbers of the tests that need the given material.
func (o Order) PlacersFor(material string) []string {
	var out []string
	for _, t := range o.Tests {
		if t.Material == material {
			out = append(out, t.Placer)
		}
	}
	return out
}

// Specimen returns the specimen with the given barcode.
func (o Order) Specimen(id string) (Specimen, bool) {
	for _, s := range o.Specimens {
		if s.ID == id {
			return s, true
		}
	}
	return Specimen{}, false
}
