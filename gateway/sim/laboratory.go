package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"rorpost/gateway/lab"
	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// Laboratory takes ORM^O01 over MLLP and, some seconds later, connects back and answers with ORU^R01.
type Laboratory struct {
	Seed    uint64
	Gateway string        // Address of the gateway's listener.
	Delay   time.Duration // How long an analysis takes.
	Ledger  *Ledger

	mu      sync.Mutex
	pending []work
	seen    map[string]hl7.Code // Control id → what was answered: a repeat gets the same.
	silent  map[string]bool     // Orders that were left without an answer once.
	refused map[string]bool     // Orders that were answered AE once.
	serial  int
}

type work struct {
	due     time.Time
	order   string
	message *hl7.Message
}

// Serve takes orders on l until ctx ends.
func (x *Laboratory) Serve(ctx context.Context, l net.Listener) error {
	x.mu.Lock()
	x.seen, x.silent, x.refused = map[string]hl7.Code{}, map[string]bool{}, map[string]bool{}
	x.mu.Unlock()
	s := &mllp.Server{Handler: x.order}
	return s.Serve(ctx, l)
}

// Run sends what is ready until ctx ends.
func (x *Laboratory) Run(ctx context.Context) error {
	client := &mllp.Client{Address: x.Gateway, DialTimeout: time.Second, AckTimeout: 5 * time.Second}
	defer client.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, w := range x.ready(time.Now()) {
			x.answer(ctx, client, w)
		}
	}
}

func (x *Laboratory) ready(now time.Time) []work {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out, rest []work
	for _, w := range x.pending {
		if w.due.After(now) {
			rest = append(rest, w)
		} else {
			out = append(out, w)
		}
	}
	x.pending = rest
	return out
}

// Idle tells whether no analysis is going on.
func (x *Laboratory) Idle() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.pending) == 0
}

// order takes one order message and fails as the order's number says.
func (x *Laboratory) order(_ context.Context, _ mllp.Peer, raw []byte) ([][]byte, error) {
	m, err := hl7.Parse(raw)
	if err != nil {
		return nil, err
	}
	control, order := m.Header().ControlID, m.Get("ORC-4.1")
	x.Ledger.AtLaboratory(order, control)
	x.mu.Lock()
	defer x.mu.Unlock()
	if code, ok := x.seen[control]; ok {
		if x.silent[order] {
			x.silent[order] = false
			x.Ledger.Ended(LabHangs)
		}
		return x.reply(m, code), nil
	}
	fault := FaultOf(orderNumber(order))
	switch {
	case fault == LabSaysAR:
		x.seen[control] = hl7.AR
		x.Ledger.Injected(fault)
		x.Ledger.Acknowledged(order, false)
		return x.reply(m, hl7.AR), nil
	case fault == LabSaysAE && !x.refused[order]:
		x.refused[order] = true
		x.Ledger.Injected(fault)
		return x.reply(m, hl7.AE), nil
	}
	if fault == LabSaysAE {
		x.Ledger.Ended(fault)
	}
	x.seen[control] = hl7.AA
	x.pending = append(x.pending, work{due: time.Now().Add(x.Delay), order: order, message: m})
	x.Ledger.Acknowledged(order, true)
	if fault == LabHangs {
		x.silent[order] = true
		x.Ledger.Injected(fault)
		return nil, nil // Taken and written down, but never answered: the gateway must send it again.
	}
	return x.reply(m, hl7.AA), nil
}

func (x *Laboratory) reply(m *hl7.Message, code hl7.Code) [][]byte {
	x.serial++
	return [][]byte{hl7.Ack(m, hl7.Reply{Code: code, ControlID: fmt.Sprintf("LABACK%d", x.serial), Time: time.Now()})}
}

// answer sends one ORU^R01 for each test of an order; a message that was not acknowledged is sent again later.
func (x *Laboratory) answer(ctx context.Context, client *mllp.Client, w work) {
	n := orderNumber(w.order)
	fault := FaultOf(n)
	requests := w.message.Find("OBR")
	for i, obr := range requests {
		m, values, err := x.result(w.message, obr, i, n)
		if err != nil {
			continue
		}
		control := m.Header().ControlID
		a, err := client.Send(ctx, m.Bytes())
		if err != nil || a.Info.Code != hl7.AA && a.Info.Code != hl7.CA {
			x.mu.Lock()
			x.pending = append(x.pending, work{due: time.Now().Add(500 * time.Millisecond), order: w.order, message: w.message})
			x.mu.Unlock()
			return
		}
		why := None
		if fault == StrangeTube || fault == WrongPatient {
			why = fault
			if i == 0 {
				x.Ledger.Injected(fault)
			}
		}
		specimen := m.Get("SPM-2.1.1")
		x.Ledger.Owes(control, specimen, why, values)
	}
}

// result writes the answer to one OBR. Its control id and its value follow from the order, so that sending it again
// sends the same bytes but for the time.
func (x *Laboratory) result(order *hl7.Message, obr hl7.Segment, i, n int) (*hl7.Message, []Value, error) {
	test := testOf(obr.Get("4.1"))
	specimen := specimenOf(order, obr)
	person := order.Get("PID-3.1")
	switch FaultOf(n) {
	case StrangeTube:
		specimen = SpecimenID(x.Seed, n, 9)
	case WrongPatient:
		person = Patient(x.Seed, n+1000).Value
	}
	r := rand.New(rand.NewPCG(x.Seed, uint64(n*10+i)))
	number := strconv.FormatFloat(test.low+r.Float64()*(test.high-test.low), 'f', 2, 64)
	in := order.Header()
	h := hl7.Header{
		SendingApplication: "LIS", SendingFacility: "SIMLAB", ReceivingApplication: in.SendingApplication, ReceivingFacility: in.SendingFacility,
		Time: order.Get("MSH-7"), Type: "ORU", Event: "R01", Structure: "ORU_R01",
		ControlID: fmt.Sprintf("LAB%d-%d-%d", x.Seed, n, i+1), ProcessingID: in.ProcessingID, Version: "2.5.1", Charset: "UNICODE UTF-8",
	}
	filler := fmt.Sprintf("F%d-%d", n, i+1)
	m, err := hl7.Build(h,
		hl7.NewSegment("PID").Set("1", "1").Set("3.1", person).Set("3.4.2", lab.OIDPersonnummer).Set("3.4.3", "ISO").Set("3.5", "NI"),
		hl7.NewSegment("ORC").Set("1", "RE").Set("2.1", obr.Get("2.1")).Set("3.1", filler).Set("4.1", order.Get("ORC-4.1")),
		hl7.NewSegment("OBR").Set("1", "1").Set("2.1", obr.Get("2.1")).Set("3.1", filler).
			Set("4.1", test.code.Code).Set("4.2", test.code.Text).Set("4.3", test.code.System).Set("25", "F"),
		hl7.NewSegment("OBX").Set("1", "1").Set("2", "NM").Set("3.1", test.code.Code).Set("3.2", test.code.Text).Set("3.3", test.code.System).
			Set("5", number).Set("6.1", test.unit).Set("7", test.ranges).Set("11", "F"),
		hl7.NewSegment("SPM").Set("1", "1").Set("2.1.1", specimen).Set("4.1", obr.Get("15.1")).Set("4.3", "HL70487"),
	)
	return m, []Value{{Specimen: specimen, Code: test.code.Code, Status: "F", Text: number}}, err
}

func testOf(code string) labTest {
	for _, t := range atTheLab {
		if t.code.Code == code {
			return t
		}
	}
	return labTest{code: lab.Code{Code: code, Text: code, System: "L"}, high: 1}
}

// specimenOf finds the barcode that the order message gives for a request: the NTE that follows its OBR.
func specimenOf(order *hl7.Message, obr hl7.Segment) string {
	segments := order.Segments()
	for i := obr.Index() + 1; i < len(segments) && segments[i].Name() == "NTE"; i++ {
		if id, ok := strings.CutPrefix(segments[i].Get("3"), "LID "); ok {
			return id
		}
	}
	return ""
}

// orderNumber is the running number at the end of an order's id, or 0.
func orderNumber(order string) int {
	n, _ := strconv.Atoi(order[strings.LastIndexByte(order, '-')+1:])
	return n
}
