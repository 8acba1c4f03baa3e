package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rorpost/devices"
	"rorpost/devices/barcode"
	"rorpost/gateway/central"
	"rorpost/gateway/lab"
	"rorpost/gateway/orders"
	"rorpost/gateway/results"
	"rorpost/gateway/router"
	"rorpost/gateway/store"
)

const (
	unitA = "SE2321000016-TEST1"
	unitB = "SE2321000016-TEST2"
	woman = "198501012382"
	girl  = "200001252386"
)

// bench is a flow on a real store and a real centre.
type bench struct {
	t      *testing.T
	flow   *Flow
	store  *store.Store
	server *httptest.Server
	log    *bytes.Buffer
	audits []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	c, err := central.New(central.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c.Handler())
	t.Cleanup(func() { server.Close(); c.Close() })
	b := &bench{t: t, server: server, log: &bytes.Buffer{}}
	b.flow = b.gateway(unitA)
	b.store = b.flow.o.Store
	return b
}

// gateway is one more unit at the same centre.
func (b *bench) gateway(unit string) *Flow {
	b.t.Helper()
	s, err := store.Open(b.t.Context(), b.t.TempDir(), store.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.t.Cleanup(func() { cancel(); <-ended; s.Close() })
	dca, err := devices.Load("siemens-dca-vantage")
	if err != nil {
		b.t.Fatal(err)
	}
	table, err := router.New([]router.Route{
		{Name: "orders", When: router.When{Kind: "order"}, To: []string{"laboratory"}},
		{Name: "both", When: router.When{Kind: "result"}, To: []string{"journal", "patients"}},
	}, []string{"laboratory", "journal", "patients"})
	if err != nil {
		b.t.Fatal(err)
	}
	address := results.Addressing{Processing: "P", Facility: unit}
	return New(Options{
		Store: s, Table: table, Unit: lab.Party{HSA: unit}, Log: slog.New(slog.NewTextHandler(b.log, nil)),
		Book: orders.NewBook(orders.Options{URL: b.server.URL, Unit: unit, Store: s, Timeout: 2 * time.Second}),
		Destinations: map[string]Destination{
			"laboratory": {Name: "laboratory", Kind: "mllp", Serves: "laboratory", Address: address},
			"journal":    {Name: "journal", Kind: "mllp", Serves: "journal", Address: address},
			"patients":   {Name: "patients", Kind: "http", Serves: "patient", Address: address},
		},
		Instruments: map[string]Instrument{"hba1c": {Profile: dca, Unmatched: results.ParkUnmatched}},
		Desk:        Desk{Auto: true, Lifetime: time.Hour, Rules: barcode.Rules{}},
		Audit: func(_ context.Context, action, whom, _ string) error {
			b.audits = append(b.audits, action+" "+whom)
			return nil
		},
		Wake: func(string) {},
	})
}

// order puts an order of two tests in the order store: one for the laboratory, one for the unit's analyzer.
func (b *bench) order(id, person string, oid string) {
	b.t.Helper()
	w := lab.OrderWire{
		ID: id, Status: lab.Ordered, Created: time.Now(), Person: lab.PersonWire{OID: oid, Value: person, Family: "Testsson", Given: "Åsa"},
		Requester: lab.Party{HSA: "SE2321000016-TEST9"},
		Tests: []lab.Test{
			{Placer: id + "-1", Code: lab.Code{Code: "S-TSH", Text: "S-TSH", System: "L"}, Material: "SER", Performer: lab.AtLaboratory},
			{Placer: id + "-2", Code: lab.Code{Code: "NPU27300", Text: "B-HbA1c", System: "NPU"}, Material: "BLD", Performer: lab.AtUnit},
		},
	}
	body, err := json.Marshal(w)
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := http.Post(b.server.URL+"/v1/orders", "application/json", bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		b.t.Fatalf("the order store answered %d", res.StatusCode)
	}
}

// scan lets the desk of a gateway settle a scan, and returns what became of it.
func (b *bench) scan(f *Flow, text string) store.ArrivalDetail {
	b.t.Helper()
	r, err := f.o.Store.Accept(b.t.Context(), store.Arrival{Kind: store.KindScan, Source: "scanner", Body: []byte(text)})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := f.Scan(b.t.Context(), r.Arrival); err != nil {
		b.t.Fatal(err)
	}
	return b.detail(f, r.Arrival.ID)
}

func (b *bench) detail(f *Flow, id int64) store.ArrivalDetail {
	b.t.Helper()
	d, err := f.o.Store.Arrival(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

// collected takes both tubes of an order.
func (b *bench) collected(id, person, serum, blood string) store.ArrivalDetail {
	b.t.Helper()
	b.order(id, person, lab.OIDPersonnummer)
	b.scan(b.flow, person)
	b.scan(b.flow, serum)
	d := b.scan(b.flow, blood)
	if got := decision(d); got != "collected" {
		b.t.Fatalf("the last tube was %q, want the collection settled: %+v", got, d.Parked)
	}
	return d
}

// answer lets one HL7 message in.
func (b *bench) answer(message string) (store.ArrivalDetail, [][]byte, error) {
	b.t.Helper()
	control := strings.Split(message, "|")[9]
	r, err := b.store.Accept(b.t.Context(), store.Arrival{Kind: store.KindMLLP, Source: "answers", Control: control, Body: []byte(message)})
	if err != nil {
		b.t.Fatal(err)
	}
	replies, err := b.flow.Answer(b.t.Context(), r.Arrival)
	return b.detail(b.flow, r.Arrival.ID), replies, err
}

func decision(d store.ArrivalDetail) string {
	if len(d.Settlements) == 0 {
		return "unsettled"
	}
	return d.Settlements[len(d.Settlements)-1].Decision
}

func reason(d store.ArrivalDetail) string {
	if len(d.Parked) == 0 {
		return ""
	}
	return d.Parked[0].Reason
}

func owedTo(d store.ArrivalDetail, destination string) []store.Delivery {
	var out []store.Delivery
	for _, x := range d.Deliveries {
		if x.Destination == destination {
			out = append(out, x.Delivery)
		}
	}
	return out
}

// oru is a result of one analysis; fields that are empty stay empty.
func oru(control, person, oid, placer, specimen, value, status string) string {
	id := ""
	if person != "" {
		id = person + "^^^&" + oid + "&ISO^NI"
	}
	return strings.Join([]string{
		`MSH|^~\&|LIS|LAB|GW|UNIT|20260601120000+0200||ORU^R01^ORU_R01|` + control + `|P|2.5.1||||||UNICODE UTF-8`,
		`PID|1||` + id, `ORC|RE|` + placer + `|F1`, `OBR|1|` + placer + `|F1|S-TSH^S-TSH^L|||||||||||||||||||||` + status,
		`OBX|1|NM|S-TSH^S-TSH^L||` + value + `|mIU/L|0.3-4.2|H|||` + status, `SPM|1|` + specimen, "",
	}, "\r")
}
