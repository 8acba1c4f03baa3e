package mllp

import (
	"context"
	"errors"
	"os"
	"time"

	"rorpost/hl7"
)

// exchange is one message and what it asks for.
type exchange struct {
	frame       []byte
	control     string
	answered    bool // An acknowledgement of some level is asked for.
	application bool // MSH-16 is AL.
	started     time.Time
}

// newExchange refuses what no answer could be matched to.
func newExchange(msg []byte) (*exchange, error) {
	m, err := hl7.Parse(msg)
	if err != nil {
		return nil, &MessageError{Err: err}
	}
	if err := m.Correlatable(); err != nil {
		return nil, &MessageError{Err: err}
	}
	b, err := frame(msg)
	if err != nil {
		return nil, err
	}
	h := m.Header()
	x := &exchange{frame: b, control: h.ControlID, application: h.ApplicationAck == "AL", answered: true}
	if h.AcceptAck == "NE" || h.ApplicationAck == "NE" {
		x.answered = len(hl7.AckPlan(h.AcceptAck, h.ApplicationAck, true, true)) > 0 ||
			len(hl7.AckPlan(h.AcceptAck, h.ApplicationAck, true, false)) > 0 ||
			len(hl7.AckPlan(h.AcceptAck, h.ApplicationAck, false, false)) > 0
	}
	return x, nil
}

// explain gives an error of the connection the type that says what became of the message.
func (x *exchange) explain(ctx context.Context, err error) error {
	var mismatch *MismatchError
	switch {
	case errors.As(err, &mismatch):
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &TimeoutError{After: time.Since(x.started), Err: ctx.Err()}
	case ctx.Err() != nil:
		return &LostError{Err: ctx.Err()}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &TimeoutError{After: time.Since(x.started), Err: err}
	}
	return &LostError{Err: err}
}
