package central

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"rorpost/gateway/lab"
)

// Problem is why a request was not granted, in the words of the answer. It carries no identity.
type Problem struct {
	Status int    `json:"-"`
	Text   string `json:"error"`
	Hint   string `json:"hint"`
}

func (p *Problem) Error() string { return p.Text }

// problemOf is the one place that turns an error into an answer. What nobody foresaw is our fault, and its words stay
// in the log.
func problemOf(err error) *Problem {
	var p *Problem
	var number *lab.PersonIDError
	var fault *lab.Fault
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &number):
		return &Problem{http.StatusUnprocessableEntity, number.Error(), number.Hint}
	case errors.As(err, &fault) && fault.Class == lab.Reject:
		return &Problem{http.StatusUnprocessableEntity, fault.Error(), cmp.Or(fault.Hint, "correct the order and send it again")}
	case errors.Is(err, ErrUnknown):
		return &Problem{http.StatusNotFound, "there is no such order", "check the order id; it may belong to another order store"}
	case errors.Is(err, ErrUsed):
		return conflict("a specimen id is bound to another order", "a label was used twice: find both tubes, take a new label")
	case errors.Is(err, ErrContent):
		return conflict("the same id or Idempotency-Key came before with other content", "give a new order or result a new id and a new key")
	}
	return &Problem{http.StatusServiceUnavailable, "the order store cannot do this now", "nothing is lost; send it again in a moment"}
}

// fail answers an error. Only a failure of our own is logged with its cause.
func (c *Central) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status >= 500 && !errors.Is(err, context.Canceled) {
		c.log.LogAttrs(r.Context(), slog.LevelError, "a request failed", slog.String("route", routeOf(r)), slog.String("error", err.Error()))
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, p.Status, p)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written","hint":"tell central operations"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) // A peer that has left is no concern of ours.
}
