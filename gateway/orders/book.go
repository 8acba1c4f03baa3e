package orders

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rorpost/gateway/lab"
	"rorpost/gateway/store"
)

// Options of a Book.
type Options struct {
	URL     string // Base address of the centre.
	Unit    string // HSA-id that orders are claimed for.
	TLS     *tls.Config
	Timeout time.Duration // Of one question; 0 means 5 s.
	Store   *store.Store  // Knows the specimens that were bound here; may be nil.
}

// Book looks orders up and claims them at the centre. It never tries twice: a person or an analyzer is waiting.
type Book struct {
	o      Options
	client *http.Client
}

// NewBook returns a Book; it does no I/O.
func NewBook(o Options) *Book {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	o.URL = strings.TrimRight(o.URL, "/")
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = o.TLS
	return &Book{o: o, client: &http.Client{Transport: t, Timeout: o.Timeout}}
}

type search struct {
	Person   *identity `json:"person,omitempty"`
	Specimen string    `json:"specimen,omitempty"`
}

type identity struct {
	OID   string `json:"oid"`
	Value string `json:"value"`
}

type found struct {
	Orders []lab.OrderWire `json:"orders"`
}

// Open returns a person's orders in every state.
func (b *Book) Open(ctx context.Context, person lab.PersonID) ([]lab.Order, error) {
	var f found
	err := b.post(ctx, "look up orders", "/v1/orders/search", search{Person: &identity{person.OID(), person.Wire()}}, &f)
	if err != nil {
		return nil, err
	}
	return read(f.Orders)
}

func read(wire []lab.OrderWire) ([]lab.Order, error) {
	out := make([]lab.Order, 0, len(wire))
	for _, w := range wire {
		o, err := w.Order(time.Now())
		if err != nil {
			return nil, &lab.Fault{Class: lab.Park, Op: "read order " + w.ID, Err: err, Hint: "the order store holds an order that cannot be right; tell lab IT"}
		}
		out = append(out, o)
	}
	return out, nil
}

// Claim locks an order to this unit. Claiming again for the same collection is no error.
func (b *Book) Claim(ctx context.Context, order, collection string) (lab.Order, error) {
	var w lab.OrderWire
	path := "/v1/orders/" + url.PathEscape(order) + "/claim"
	if err := b.post(ctx, "claim order "+order, path, map[string]string{"unit": b.o.Unit, "collection": collection}, &w); err != nil {
		return lab.Order{}, err
	}
	orders, err := read([]lab.OrderWire{w})
	if err != nil {
		return lab.Order{}, err
	}
	return orders[0], nil
}

// ForSpecimen returns the order that a specimen was taken for: what was bound here first, then what the centre knows.
func (b *Book) ForSpecimen(ctx context.Context, specimen string) (lab.Order, bool, error) {
	if o, ok, err := b.bound(ctx, specimen); ok || err != nil {
		return o, ok, err
	}
	var f found
	if err := b.post(ctx, "look up specimen "+specimen, "/v1/orders/search", search{Specimen: specimen}, &f); err != nil {
		return lab.Order{}, false, err
	}
	orders, err := read(f.Orders)
	if err != nil || len(orders) == 0 {
		return lab.Order{}, false, err
	}
	if len(orders) > 1 {
		return lab.Order{}, false, &lab.Fault{Class: lab.Park, Op: "look up specimen " + specimen, Err: errors.New("several orders claim it"),
			Hint: "a label was used twice; find the tubes before anything else is done"}
	}
	return orders[0], true, nil
}

func (b *Book) bound(ctx context.Context, specimen string) (lab.Order, bool, error) {
	if b.o.Store == nil {
		return lab.Order{}, false, nil
	}
	binding, ok, err := b.o.Store.Binding(ctx, specimen)
	if err != nil || !ok {
		return lab.Order{}, false, err
	}
	var w lab.OrderWire
	if err := json.Unmarshal(binding.Body, &w); err != nil {
		return lab.Order{}, false, fmt.Errorf("read the order of specimen %s: %w", specimen, err)
	}
	o, err := w.Order(time.Now())
	return o, err == nil, err
}

const unreachable = "the order store cannot be reached; scan again in a moment"

// post asks one question. Whatever is wrong comes back as a *lab.Fault.
func (b *Book) post(ctx context.Context, op, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return &lab.Fault{Class: lab.Park, Op: op, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.o.URL+path, bytes.NewReader(body))
	if err != nil {
		return &lab.Fault{Class: lab.Park, Op: op, Err: err, Hint: "orders.url in the configuration is wrong; tell lab IT"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Rorpost-Unit", b.o.Unit)
	res, err := b.client.Do(req)
	if err != nil {
		return &lab.Fault{Class: lab.Retry, Op: op, Err: err, Hint: unreachable}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return &lab.Fault{Class: lab.Retry, Op: op, Err: err, Hint: unreachable}
	}
	if res.StatusCode >= 300 {
		return refused(op, res.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &lab.Fault{Class: lab.Park, Op: op, Err: fmt.Errorf("the order store's answer cannot be read: %w", err), Hint: "tell lab IT"}
	}
	return nil
}

func refused(op string, status int, answer []byte) error {
	var said struct{ Error, Hint string }
	_ = json.Unmarshal(answer, &said) // An answer without words is told by its number.
	f := &lab.Fault{Class: lab.Park, Op: op, Hint: said.Hint, Err: fmt.Errorf("the order store answered %d", status)}
	if said.Error != "" {
		f.Err = errors.New(said.Error)
	}
	switch {
	case status >= 500 || status == http.StatusTooManyRequests:
		f.Class, f.Hint = lab.Retry, unreachable
	case status == http.StatusConflict && f.Hint == "":
		f.Hint = "already fetched by another unit"
	}
	return f
}
