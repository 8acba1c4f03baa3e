package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"rorpost/gateway/store"
	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// settleTime bounds how long a sender waits for the settling of its message.
const settleTime = 20 * time.Second

// receive is the walk of one message: kept, settled, answered. An error closes the connection without an answer, and
// that is what a sender gets whose message could not be kept (P1).
func (l *Listener) receive(ctx context.Context, peer mllp.Peer, msg []byte) ([][]byte, error) {
	// What is begun is finished, also while the program stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	m, bad := read(msg)
	receipt, err := l.store.Accept(ctx, store.Arrival{
		Kind: store.KindMLLP, Source: l.cfg.Name, Peer: name(peer), Control: controlID(m, msg), Body: msg,
	})
	if err != nil {
		l.log.Error("a message cannot be kept", "error", err)
		l.board.reject("a message was refused: it cannot be kept on disk", "look at the gateway's disk; the sender sends it again")
		return nil, err
	}
	l.log.Info("message", "arrival", receipt.Arrival.ID, "verdict", receipt.Verdict.String(), "bytes", len(msg))
	if bad == nil {
		l.board.message()
	} else {
		l.board.reject("a message cannot be read: "+because(bad), badHint)
	}
	switch {
	case receipt.Verdict == store.Repeat && receipt.Arrival.State != store.Kept:
		return l.repeat(receipt, bad)
	case bad != nil:
		return l.refuse(ctx, receipt.Arrival, bad)
	}
	return l.decide(ctx, m, receipt.Arrival)
}

// read parses a message as far as an answer needs it.
func read(msg []byte) (*hl7.Message, error) {
	if err := hl7.Correlatable(msg); err != nil {
		return nil, err
	}
	return hl7.Parse(msg)
}

// because puts a refusal into words for people: the library's own prefixes say nothing to them.
func because(err error) string {
	var c *hl7.CorrelationError
	if errors.As(err, &c) && c.Err == nil {
		return c.Reason
	}
	var syntax *hl7.SyntaxError
	if errors.As(err, &syntax) {
		err = syntax
	}
	return strings.TrimPrefix(err.Error(), "hl7: ")
}

// controlID returns MSH-10, or for a message without a usable one a name made from its bytes, so that a sender that
// tries again and again makes one parked arrival, not hundreds.
func controlID(m *hl7.Message, msg []byte) string {
	if m != nil {
		return m.Header().ControlID
	}
	sum := sha256.Sum256(msg)
	return "bytes:" + hex.EncodeToString(sum[:8])
}

func name(p mllp.Peer) string {
	if p.Certificate != "" {
		return p.Certificate
	}
	return p.Address
}

// errUnanswerable closes a connection: there is nothing that an answer could refer to.
var errUnanswerable = errors.New("the message cannot be answered")

// repeat answers a retransmission with the bytes of the first answer (P2).
func (l *Listener) repeat(r store.Receipt, bad error) ([][]byte, error) {
	if bad != nil && len(r.Reply) == 0 {
		return nil, fmt.Errorf("%w: %w", errUnanswerable, bad)
	}
	return messages(r.Reply), nil
}

// messages cuts answers that were put on record one after the other.
func messages(reply []byte) [][]byte {
	var out [][]byte
	for len(reply) > 0 {
		end := len(reply)
		if i := bytes.Index(reply, []byte("\rMSH")); i >= 0 {
			end = i + 1
		}
		out = append(out, reply[:end])
		reply = reply[end:]
	}
	return out
}

// decide has an arrival settled. When that fails the message is safe all the same: the sender is told that it is not
// processed yet, and the settling is tried again here.
func (l *Listener) decide(ctx context.Context, m *hl7.Message, a store.Arrival) ([][]byte, error) {
	replies, err := l.settle(ctx, a)
	if err == nil {
		return replies, nil
	}
	l.log.Warn("a message is not settled yet", "arrival", a.ID, "error", err)
	l.board.remark("a message is kept but not processed yet", "it is tried again by itself")
	l.later.failed(a.ID)
	h := m.Header()
	accept, application := l.mode(h.AcceptAck, h.ApplicationAck)
	var out [][]byte
	for i, code := range hl7.AckPlan(accept, application, true, false) {
		r := hl7.Reply{Code: code, ControlID: l.store.Key(a.ID, "not yet", string(code), i), Time: time.Now()}
		if code != hl7.CA && code != hl7.AA {
			r.Text = "kept, but not processed yet"
			r.Errors = []hl7.ErrorDetail{{Segment: "MSH", Code: "207", Text: r.Text}}
		}
		out = append(out, hl7.Ack(m, r))
	}
	return out, nil
}

// mode returns MSH-15 and MSH-16 as this listener takes them.
func (l *Listener) mode(accept, application string) (string, string) {
	switch {
	case l.cfg.Ack == AckOriginal:
		return "", ""
	case l.cfg.Ack == AckEnhanced && accept == "":
		return "AL", application
	}
	return accept, application
}

const badHint = "the sender's system must be corrected; the bytes are kept here, show them to its support"

// refuse parks what cannot be correlated and answers AR if there is a header to answer to; never AA [HL7 2.5.1 2.9.2].
func (l *Listener) refuse(ctx context.Context, a store.Arrival, bad error) ([][]byte, error) {
	reply := l.refusal(a, bad)
	_, err := l.store.Settle(ctx, store.Settlement{
		Arrival: a.ID, Decision: "parked", Reply: reply,
		Park: &store.Park{Reason: "the message cannot be read: " + because(bad), Hint: badHint},
	})
	if err != nil && !errors.Is(err, store.ErrSettled) {
		l.log.Error("a refusal cannot be kept", "arrival", a.ID, "error", err)
		return nil, err
	}
	if reply == nil {
		return nil, fmt.Errorf("%w: %w", errUnanswerable, bad)
	}
	return [][]byte{reply}, nil
}

// refusal is AR or CR to a header that can be read; nil when there is none.
func (l *Listener) refusal(a store.Arrival, bad error) []byte {
	header, _, _ := bytes.Cut(a.Body, []byte{'\r'})
	if !bytes.HasPrefix(header, []byte("MSH")) {
		return nil
	}
	m, err := hl7.Parse(append(bytes.Clone(header), '\r'))
	if err != nil {
		return nil
	}
	h, code := m.Header(), hl7.AR
	if accept, application := l.mode(h.AcceptAck, h.ApplicationAck); accept != "" || application != "" {
		code = hl7.CR
	}
	detail := hl7.ErrorDetail{Segment: "MSH", Code: "100", Text: because(bad)}
	if h.ControlID == "" {
		detail.Field, detail.Code = 10, "101"
	}
	return hl7.Ack(m, hl7.Reply{
		Code: code, Text: because(bad), Errors: []hl7.ErrorDetail{detail},
		ControlID: l.store.Key(a.ID, "refusal", string(code), 0), Time: time.Now(),
	})
}
