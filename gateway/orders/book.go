package orders

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
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

// Book looks orders up and claims them at the centre. It never tries twice: a person or an analyzer is waiting. Every
// error is a [lab.Fault].
type Book struct {
	o      Options
	client *http.Client
}

const (
	defaultTimeout = 5 * time.Second
	maxAnswer      = 8 << 20 // Bytes.
)

// NewBook returns a Book; it does no I/O.
func NewBook(o Options) *Book {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	o.URL = strings.TrimRight(o.URL, "/")
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       o.TLS,
		TLSHandshakeTimeout:   o.Timeout,
		ResponseHeaderTimeout: o.Timeout,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       time.Minute, // Less than the centre's: it never closes a connection that is just being used.
	}
	// A redirected POST would become a GET, and would show a person's number to somebody else.
	client := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Book{o: o, client: client}
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

// The hints for a centre that does not answer: whoever stands at the desk must act, and a result need not be touched.
const (
	scanAgain = "the order store cannot be reached; scan again in a moment"
	waitsHere = "the order store cannot be reached; this waits here and goes on by itself when it is back"
)

// Open returns a person's orders in every state.
func (b *Book) Open(ctx context.Context, person lab.PersonID) ([]lab.Order, error) {
	q := question{op: "look up orders", path: "/v1/orders/search", hint: scanAgain}
	if person.IsZero() {
		return nil, q.fault(lab.Park, "scan or type the personal number", errors.New("nobody is named"))
	}
	var f found
	if err := b.ask(ctx, q, search{Person: &identity{person.OID(), person.Wire()}}, &f); err != nil {
		return nil, err
	}
	orders, err := q.read(f.Orders)
	if err != nil {
		return nil, err
	}
	// Never the wrong patient (P7), whatever the other side has mixed up.
	if slices.ContainsFunc(orders, func(o lab.Order) bool { return !o.Person.ID.Same(person) }) {
		return nil, q.fault(lab.Park, "collect nothing for this person until central operations have looked at it", errors.New("the order store answered with another person's order"))
	}
	return orders, nil
}

// Claim locks an order to this unit. Claiming again for the same collection is no error.
func (b *Book) Claim(ctx context.Context, order, collection string) (lab.Order, error) {
	q := question{op: "claim order " + order, path: "/v1/orders/" + url.PathEscape(order) + "/claim", hint: scanAgain}
	var w lab.OrderWire
	if err := b.ask(ctx, q, map[string]string{"unit": b.o.Unit, "collection": collection}, &w); err != nil {
		return lab.Order{}, err
	}
	orders, err := q.read([]lab.OrderWire{w})
	if err != nil {
		return lab.Order{}, err
	}
	if o := orders[0]; o.ID != order || o.ClaimedBy != b.o.Unit {
		return lab.Order{}, q.fault(lab.Park, "do not collect it; tell central operations", errors.New("the order store answered with another order or unit"))
	}
	return orders[0], nil
}

// ForSpecimen returns the order that a specimen was taken for: what was bound here first, then what the centre knows.
func (b *Book) ForSpecimen(ctx context.Context, specimen string) (lab.Order, bool, error) {
	q := question{op: "look up specimen " + specimen, path: "/v1/orders/search", hint: waitsHere}
	if o, ok, err := b.bound(ctx, q, specimen); ok || err != nil {
		return o, ok, err
	}
	var f found
	if err := b.ask(ctx, q, search{Specimen: specimen}, &f); err != nil {
		return lab.Order{}, false, err
	}
	orders, err := q.read(f.Orders)
	switch {
	case err != nil || len(orders) == 0:
		return lab.Order{}, false, err
	case len(orders) > 1:
		return lab.Order{}, false, q.fault(lab.Park, "a label was used twice; find the tubes before anything else is done", errors.New("several orders claim it"))
	}
	if _, ok := orders[0].Specimen(specimen); !ok {
		return lab.Order{}, false, q.fault(lab.Park, "tell central operations", errors.New("the order store answered with an order of other specimens"))
	}
	return orders[0], true, nil
}

// bound looks at what was collected here.
func (b *Book) bound(ctx context.Context, q question, specimen string) (lab.Order, bool, error) {
	if b.o.Store == nil {
		return lab.Order{}, false, nil
	}
	binding, ok, err := b.o.Store.Binding(ctx, specimen)
	if err != nil {
		return lab.Order{}, false, q.fault(lab.Retry, "this gateway's own store does not answer; tell lab IT", err)
	}
	if !ok {
		return lab.Order{}, false, nil
	}
	var w lab.OrderWire
	if err := json.Unmarshal(binding.Body, &w); err != nil {
		return lab.Order{}, false, q.fault(lab.Park, "tell lab IT", errors.New("the order that was kept with the specimen is damaged"))
	}
	orders, err := q.read([]lab.OrderWire{w})
	if err != nil {
		return lab.Order{}, false, err
	}
	return orders[0], true, nil
}

// question is one call of the centre.
type question struct {
	op   string // For people; no identity.
	path string
	hint string // When the centre does not answer.
}

func (q question) fault(class lab.Class, hint string, err error) error {
	return &lab.Fault{Class: class, Op: q.op, Hint: hint, Err: err}
}

func (q question) read(wire []lab.OrderWire) ([]lab.Order, error) {
	out := make([]lab.Order, 0, len(wire))
	for _, w := range wire {
		o, err := w.Order(time.Now())
		if err != nil {
			return nil, q.fault(lab.Park, "the order store holds an order that cannot be right; tell lab IT", fmt.Errorf("order %s: %w", w.ID, err))
		}
		out = append(out, o)
	}
	return out, nil
}

// ask puts one question, within the deadline.
func (b *Book) ask(ctx context.Context, q question, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return q.fault(lab.Park, "tell lab IT", err)
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.o.URL+q.path, bytes.NewReader(body))
	if err != nil {
		return q.fault(lab.Park, "orders.url in the configuration is wrong; tell lab IT", errors.New("the address of the order store is not one"))
	}
	req.Header.Set("Content-Type", "application/json")
	if b.o.Unit != "" {
		req.Header.Set("X-Rorpost-Unit", b.o.Unit)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return q.fault(lab.Retry, q.hintFor(err), plain(err))
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return q.fault(lab.Retry, q.hint, plain(err))
	case res.StatusCode >= 300:
		return q.refused(res.StatusCode, answer)
	case len(answer) > maxAnswer:
		return q.fault(lab.Park, "tell central operations", fmt.Errorf("the order store answered with more than %d bytes", maxAnswer))
	case json.Unmarshal(answer, out) != nil:
		// The words of the decoder may repeat what it could not read.
		return q.fault(lab.Park, "orders.url in the configuration may name something else than the order store; tell lab IT", errors.New("the order store's answer cannot be read"))
	}
	return nil
}

// hintFor tells a certificate that is refused from a cable that is out: only one of them goes away by itself.
func (q question) hintFor(err error) string {
	var unverified *tls.CertificateVerificationError
	var alert tls.AlertError
	if errors.As(err, &unverified) || errors.As(err, &alert) {
		return "the order store's certificate, or this unit's, is not accepted; tell lab IT"
	}
	return q.hint
}

// plain takes the address out of an error of net/http.
func plain(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	if u.Timeout() {
		return errors.New("the order store did not answer in time")
	}
	return u.Err
}

// refused puts the centre's refusal into a fault. Its own words come first: they are written for people.
func (q question) refused(status int, answer []byte) error {
	var said struct{ Error, Hint string }
	_ = json.Unmarshal(answer, &said) // An answer without words is told by its number.
	err := fmt.Errorf("the order store answered %d", status)
	if said.Error != "" {
		err = errors.New(said.Error)
	}
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return q.fault(lab.Retry, q.hint, err)
	}
	hint := said.Hint
	switch {
	case hint != "":
	case status == http.StatusConflict:
		hint = "already fetched by another unit"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		hint = "the order store does not accept this unit; tell lab IT"
	case status == http.StatusNotFound:
		hint = "the order store does not know it; check orders.url, or ask the patient to order again"
	default:
		hint = "the order store refused it; tell lab IT"
	}
	return q.fault(lab.Park, hint, err)
}
