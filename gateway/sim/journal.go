package sim

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// Journal is a patient's record system: it takes ORU^R01 over MLLP.
type Journal struct {
	Ledger *Ledger

	mu      sync.Mutex
	seen    map[string]bool // Control ids that were taken.
	dropped map[int]bool    // Orders for which the connection was broken once.
	serial  int
}

// Serve takes results on l until ctx ends.
func (j *Journal) Serve(ctx context.Context, l net.Listener) error {
	j.mu.Lock()
	j.seen, j.dropped = map[string]bool{}, map[int]bool{}
	j.mu.Unlock()
	s := &mllp.Server{Handler: j.result}
	return s.Serve(ctx, l)
}

// result takes one message. For an order that is chosen to fail it breaks the connection after taking it, so that the
// sender cannot know; the repeat with the same control id is then answered and not filed twice.
func (j *Journal) result(_ context.Context, _ mllp.Peer, raw []byte) ([][]byte, error) {
	m, err := hl7.Parse(raw)
	if err != nil {
		return nil, err
	}
	control := m.Header().ControlID
	j.mu.Lock()
	defer j.mu.Unlock()
	n := orderNumber(m.Get("ORC-4.1"))
	if !j.seen[control] {
		j.seen[control] = true
		for _, v := range Values(m) {
			j.Ledger.AtJournal(v, control)
		}
		if FaultOf(n) == LinkDrops && !j.dropped[n] {
			j.dropped[n] = true
			j.Ledger.Injected(LinkDrops)
			return nil, fmt.Errorf("the connection breaks here on purpose")
		}
	} else if j.dropped[n] {
		j.dropped[n] = false
		j.Ledger.Ended(LinkDrops)
	}
	j.serial++
	return [][]byte{hl7.Ack(m, hl7.Reply{Code: hl7.AA, ControlID: fmt.Sprintf("JACK%d", j.serial), Time: time.Now()})}, nil
}

// Values are the observations of an ORU^R01, each with the specimen of its group.
func Values(m *hl7.Message) []Value {
	var out []Value
	first, specimen := 0, false
	for _, s := range m.Segments() {
		switch s.Name() {
		case "OBR":
			first, specimen = len(out), false
		case "OBX":
			if !specimen {
				out = append(out, Value{Code: s.Get("3.1"), Status: s.Get("11"), Text: s.Get("5")})
			}
		case "SPM":
			specimen = true
			for i := first; i < len(out); i++ {
				out[i].Specimen = s.Get("2.1.1")
			}
		}
	}
	return out
}
