package mllp

// EventKind is what happened at a server.
type EventKind uint8

// The events.
const (
	EventOpened          EventKind = iota + 1 // A connection, after the TLS handshake.
	EventClosed                               // A connection ended; Err is nil when the peer or a stop ended it between messages.
	EventRefused                              // A connection was closed at once: allow-list or limit.
	EventAcceptFailed                         // The listener failed; it goes on.
	EventHandshakeFailed                      // TLS.
	EventGarbage                              // Bytes that belonged to no message were skipped.
	EventTooLarge                             // A message was larger than the limit of Bytes; the connection is closed.
	EventIdle                                 // Nothing came for IdleTimeout; the connection is closed.
	EventSlow                                 // A message did not end within ReadTimeout; the connection is closed.
	EventHandlerFailed                        // The handler took the message not; the connection is closed without an answer.
	EventWriteFailed                          // A reply could not be written; the connection is closed.
)

func (k EventKind) String() string {
	return [...]string{"none", "opened", "closed", "refused", "accept failed", "handshake failed", "garbage",
		"too large", "idle", "slow", "handler failed", "write failed"}[k]
}

// Event is one thing that happened, for logs and counters. It holds nothing of a message.
type Event struct {
	Kind  EventKind
	Peer  Peer
	Bytes int // Skipped, or the size of the message, or the limit; 0 when it says nothing.
	Err   error
}
