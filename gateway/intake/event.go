package intake

import (
	"rorpost/hl7/mllp"
)

// trouble says what each event of a connection means to the person who connects a sender.
var trouble = map[mllp.EventKind]struct{ detail, hint string }{
	mllp.EventRefused:         {"a connection was refused", "the sender's address is not on the allow-list, or there are too many connections"},
	mllp.EventHandshakeFailed: {"a secure connection did not come about", "check the certificates on both sides, and that the sender uses TLS"},
	mllp.EventGarbage:         {"bytes came that belong to no message", "check that the sender speaks MLLP (VT before and FS CR after each message)"},
	mllp.EventTooLarge:        {"a message was larger than is allowed", "the limit is in the configuration of this listener"},
	mllp.EventSlow:            {"a message began and did not end", "check that the sender ends each message with FS CR"},
	mllp.EventWriteFailed:     {"an answer could not be sent", "the sender hung up too early; it will send the message again"},
	mllp.EventAcceptFailed:    {"a connection could not be accepted", "the gateway may have too many open files"},
}

// event follows the connections. Nothing of a message is in it.
func (l *Listener) event(e mllp.Event) {
	switch e.Kind {
	case mllp.EventOpened:
		l.count(+1)
		l.board.heard(StateBytes, "connected; no message yet", "")
	case mllp.EventClosed:
		if l.count(-1) == 0 {
			l.board.left()
		}
	}
	t, bad := trouble[e.Kind]
	if !bad {
		l.log.Debug("connection", "event", e.Kind.String(), "peer", name(e.Peer), "bytes", e.Bytes)
		return
	}
	l.log.Warn("connection", "event", e.Kind.String(), "peer", name(e.Peer), "bytes", e.Bytes, "error", e.Err)
	l.board.reject(t.detail, t.hint)
}

// count follows how many connections are open.
func (l *Listener) count(change int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += change
	return l.open
}
