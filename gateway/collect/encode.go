package collect

import (
	"encoding/json"
	"time"

	"rorpost/gateway/lab"
)

// stateWire is a collection as it is stored. It carries the person in plain text, in [lab.OrderWire].
type stateWire struct {
	Version   int             `json:"version"`
	ID        string          `json:"id"`
	Unit      string          `json:"unit"`
	Started   time.Time       `json:"started"`
	Touched   time.Time       `json:"touched"`
	Confirmed time.Time       `json:"confirmed"`
	Orders    []lab.OrderWire `json:"orders"`
	Needs     []Need          `json:"needs"`
}

const version = 1

// Encode returns the collection for the store. The bytes hold the person in plain text: they are for the store only.
func (s State) Encode() []byte {
	w := stateWire{
		Version: version, ID: s.id, Unit: s.unit, Started: s.started, Touched: s.touched, Confirmed: s.confirmed, Needs: s.Needs,
	}
	for _, o := range s.orders {
		w.Orders = append(w.Orders, o.Wire())
	}
	b, err := json.Marshal(w)
	if err != nil {
		panic("collect: a state that is no JSON: " + err.Error()) // Only strings and times; years are bounded by the clock.
	}
	return b
}

// MarshalJSON masks: [State.Encode] is the form to keep.
func (s State) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Decode reads what [State.Encode] wrote. The error is a [*lab.Fault] of class Park.
func Decode(b []byte, now time.Time) (State, error) {
	const op, hint = "read the open collection", "scan the personal number again"
	var w stateWire
	if err := json.Unmarshal(b, &w); err != nil {
		return State{}, park(op, "it is damaged", hint) // The decoder's words can quote what they met.
	}
	if w.Version != version || w.ID == "" {
		return State{}, park(op, "it was written by another version", hint)
	}
	s := State{id: w.ID, unit: w.Unit, started: w.Started, touched: w.Touched, confirmed: w.Confirmed, Needs: w.Needs}
	for _, ow := range w.Orders {
		o, err := ow.Order(now)
		if err != nil {
			return State{}, &lab.Fault{Class: lab.Park, Op: op, Hint: hint, Err: err}
		}
		s.orders = append(s.orders, o)
	}
	return s, nil
}
