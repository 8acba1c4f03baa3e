package sim

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Value names one observation as both ends can see it.
type Value struct {
	Specimen, Code, Status, Text string
}

// Ledger is what the peers saw. Its methods may be called at the same time.
type Ledger struct {
	mu       sync.Mutex
	scans    int
	ordered  map[string]bool            // Orders that the order store took.
	found    map[string]bool            // Orders that the desk fetched.
	orders   map[string]map[string]bool // At the laboratory: order → control ids that were processed.
	received int                        // Order messages received by the laboratory, repeats included.
	acked    map[string]bool            // Orders that the laboratory answered AA.
	refused  map[string]bool            // Orders that the laboratory answered AR.
	answered map[Value]bool             // Values that the gateway acknowledged: now it owes them.
	strange  map[string]Fault           // Specimen → why its result must be parked.
	journal  map[Value]map[string]bool  // Value → control ids it came under.
	queue    map[Value]map[string]bool  // Value → queue ids it came under.
	reports  map[string]bool            // Result messages that the gateway acknowledged.
	injected map[Fault]int
	ended    map[Fault]int
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{
		ordered: map[string]bool{}, found: map[string]bool{}, orders: map[string]map[string]bool{}, acked: map[string]bool{}, refused: map[string]bool{},
		answered: map[Value]bool{}, strange: map[string]Fault{}, journal: map[Value]map[string]bool{},
		queue: map[Value]map[string]bool{}, reports: map[string]bool{}, injected: map[Fault]int{}, ended: map[Fault]int{},
	}
}

func (l *Ledger) with(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// Scanned counts one scan that left the scanner.
func (l *Ledger) Scanned() { l.with(func() { l.scans++ }) }

// Ordered notes that the order store has the order.
func (l *Ledger) Ordered(order string) { l.with(func() { l.ordered[order] = true }) }

// Found notes that the desk has fetched the order.
func (l *Ledger) Found(order string) { l.with(func() { l.found[order] = true }) }

// Injected counts a failure made on purpose.
func (l *Ledger) Injected(f Fault) { l.with(func() { l.injected[f]++ }) }

// Ended counts a failure that came to its designed end.
func (l *Ledger) Ended(f Fault) { l.with(func() { l.ended[f]++ }) }

// AtLaboratory notes an order message; it returns how often the order has come under this control id before.
func (l *Ledger) AtLaboratory(order, control string) (before bool) {
	l.with(func() {
		l.received++
		if l.orders[order] == nil {
			l.orders[order] = map[string]bool{}
		}
		before = l.orders[order][control]
		l.orders[order][control] = true
	})
	return before
}

// Acknowledged notes the laboratory's answer to an order.
func (l *Ledger) Acknowledged(order string, positive bool) {
	l.with(func() {
		if positive {
			l.acked[order] = true
		} else {
			l.refused[order] = true
		}
	})
}

// Owes notes that the gateway has acknowledged a result message: from now on it owes its values to both sides, or,
// where why is a fault, to a person.
func (l *Ledger) Owes(message, specimen string, why Fault, values []Value) {
	l.with(func() {
		l.reports[message] = true
		if why != None {
			l.strange[specimen] = why
			return
		}
		for _, v := range values {
			l.answered[v] = true
		}
	})
}

// AtJournal notes a value that the journal has taken.
func (l *Ledger) AtJournal(v Value, control string) { l.with(func() { put(l.journal, v, control) }) }

// AtQueue notes a value that the consumer of the patient queue has read.
func (l *Ledger) AtQueue(v Value, id string) { l.with(func() { put(l.queue, v, id) }) }

func put(m map[Value]map[string]bool, v Value, id string) {
	if m[v] == nil {
		m[v] = map[string]bool{}
	}
	m[v][id] = true
}

// Account is the sum of a ledger.
type Account struct {
	Scans            int            `json:"scans"`
	Orders           int            `json:"orders_made"`
	Found            int            `json:"orders_found"`
	OrdersSent       int            `json:"orm_received_by_laboratory"`
	OrdersAcked      int            `json:"orm_acknowledged"`
	OrdersRefused    int            `json:"orm_refused"`
	ResultMessages   int            `json:"results_in"`
	Values           int            `json:"values_in"`
	Journal          int            `json:"values_delivered_to_journal"`
	Queue            int            `json:"values_delivered_to_patient_queue"`
	MustPark         []string       `json:"-"` // Specimens whose results must be parked.
	Lost             int            `json:"lost"`
	Duplicated       int            `json:"duplicated"`
	LostWhat         []string       `json:"lost_what,omitempty"`
	DuplicatedWhat   []string       `json:"duplicated_what,omitempty"`
	FaultsInjected   map[string]int `json:"failures_injected"`
	FaultsAsDesigned map[string]int `json:"failures_ended_as_designed"`
}

// Account sums up: a value is lost when the gateway acknowledged it and journal or queue never saw it, duplicated when
// one of them saw it under two ids.
func (l *Ledger) Account() Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := Account{
		Scans: l.scans, Orders: len(l.ordered), Found: len(l.found), OrdersSent: len(l.orders), OrdersAcked: len(l.acked), OrdersRefused: len(l.refused),
		ResultMessages: len(l.reports), Values: len(l.answered), Journal: len(l.journal), Queue: len(l.queue),
		FaultsInjected: map[string]int{}, FaultsAsDesigned: map[string]int{},
	}
	for v := range l.answered {
		if len(l.journal[v]) == 0 {
			a.LostWhat = append(a.LostWhat, "journal: "+v.name())
		}
		if len(l.queue[v]) == 0 {
			a.LostWhat = append(a.LostWhat, "patient queue: "+v.name())
		}
	}
	for where, seen := range map[string]map[Value]map[string]bool{"journal": l.journal, "patient queue": l.queue} {
		for v, ids := range seen {
			if len(ids) > 1 {
				a.DuplicatedWhat = append(a.DuplicatedWhat, fmt.Sprintf("%s: %s under %d ids", where, v.name(), len(ids)))
			}
		}
	}
	for order, ids := range l.orders {
		if len(ids) > 1 {
			a.DuplicatedWhat = append(a.DuplicatedWhat, fmt.Sprintf("laboratory: order %s under %d ids", order, len(ids)))
		}
	}
	slices.Sort(a.LostWhat)
	slices.Sort(a.DuplicatedWhat)
	a.Lost, a.Duplicated = len(a.LostWhat), len(a.DuplicatedWhat)
	for _, f := range Faults {
		a.FaultsInjected[f.String()], a.FaultsAsDesigned[f.String()] = l.injected[f], l.ended[f]
	}
	return a
}

// MustPark are the specimens whose results a person must look at, and why.
func (l *Ledger) MustPark() map[string]Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.strange)
}

// Refused are the orders that the laboratory answered AR.
func (l *Ledger) Refused() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.refused))
}

// OneSided are the values that the gateway acknowledged and that only one of journal and patient queue has seen (P4).
func (l *Ledger) OneSided() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for v := range l.answered {
		if (len(l.journal[v]) == 0) != (len(l.queue[v]) == 0) {
			out = append(out, v.name())
		}
	}
	slices.Sort(out)
	return out
}

// Settled tells whether everything that is owed now has arrived on both sides.
func (l *Ledger) Settled() bool { return l.Account().Lost == 0 }

func (v Value) name() string {
	return fmt.Sprintf("specimen %s, %s, status %s", v.Specimen, v.Code, v.Status)
}
