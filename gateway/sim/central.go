package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"rorpost/gateway/lab"
)

// Web speaks JSON with a server over HTTP, as a program of the clinic or of 1177 would.
type Web struct {
	Base   string // "http://127.0.0.1:8090"
	Unit   string // Sent as X-Rorpost-Unit; "" for none.
	Client http.Client
}

// Post sends in and reads the answer into out, which may be nil. A status of 300 or more is an error.
func (w *Web) Post(ctx context.Context, path, key string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.Base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return w.do(req, out)
}

// Get reads the answer of path into out.
func (w *Web) Get(ctx context.Context, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.Base+path, nil)
	if err != nil {
		return err
	}
	return w.do(req, out)
}

func (w *Web) do(req *http.Request, out any) error {
	if w.Unit != "" {
		req.Header.Set("X-Rorpost-Unit", w.Unit)
	}
	res, err := w.Client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s answered %d: %s", req.Method, req.URL.Path, res.StatusCode, bytes.TrimSpace(body))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}

// Clinic orders tests in the order store, as a patient does on 1177.
type Clinic struct {
	Seed   uint64
	Store  *Web
	Ledger *Ledger
}

// Order places order n and returns it. It may be called again with the same number.
func (c *Clinic) Order(ctx context.Context, n int) (lab.OrderWire, error) {
	o := Order(c.Seed, n, time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(n)*time.Minute))
	if err := c.Store.Post(ctx, "/v1/orders", o.ID, o, nil); err != nil {
		return o, err
	}
	c.Ledger.Ordered(o.ID)
	return o, nil
}

// Status asks the order store how far an order is.
func (c *Clinic) Status(ctx context.Context, o lab.OrderWire) (lab.OrderStatus, error) {
	var found struct {
		Orders []lab.OrderWire `json:"orders"`
	}
	who := map[string]any{"person": map[string]string{"oid": o.Person.OID, "value": o.Person.Value}}
	if err := c.Store.Post(ctx, "/v1/orders/search", "", who, &found); err != nil {
		return "", err
	}
	for _, f := range found.Orders {
		if f.ID == o.ID {
			return f.Status, nil
		}
	}
	return "", fmt.Errorf("order %s is not in the order store", o.ID)
}

// Consumer empties the patient results queue, as 1177 does.
type Consumer struct {
	Queue  *Web
	Ledger *Ledger
}

type leased struct {
	Lease string `json:"lease"`
	Items []struct {
		ID     json.RawMessage `json:"id"`
		Lease  string          `json:"lease"`
		Result struct {
			Specimen     string            `json:"specimen"`
			Observations []lab.Observation `json:"observations"`
		} `json:"result"`
	} `json:"items"`
}

// Run leases and acknowledges until ctx ends.
func (c *Consumer) Run(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		c.take(ctx)
	}
}

// take reads what waits. An entry is acknowledged only after it is in the ledger; a failure leaves it leased, and it
// comes again.
func (c *Consumer) take(ctx context.Context) {
	var got leased
	ask := map[string]any{"consumer": "1177", "max": 50, "seconds": 5}
	if err := c.Queue.Post(ctx, "/v1/patient-results/lease", "", ask, &got); err != nil {
		return
	}
	byLease := map[string][]json.RawMessage{}
	for _, item := range got.Items {
		for _, o := range item.Result.Observations {
			c.Ledger.AtQueue(Value{Specimen: item.Result.Specimen, Code: o.Code.Code, Status: string(o.Status), Text: o.Value}, string(item.ID))
		}
		lease := item.Lease
		if lease == "" {
			lease = got.Lease
		}
		byLease[lease] = append(byLease[lease], item.ID)
	}
	for lease, ids := range byLease {
		if err := c.Queue.Post(ctx, "/v1/patient-results/ack", "", map[string]any{"lease": lease, "ids": ids}, nil); err != nil {
			return
		}
	}
}
