// Package outbox pays what is owed: one lane for each destination takes deliveries from the store in their order, sends
// them, and records every attempt.
//
//	o, err := outbox.New(s, []outbox.Config{{Name: "journal", Kind: "mllp", Address: "journal.example:2575"}}, outbox.Options{})
//	go o.Run(ctx)
//	o.Wake("journal") // after store.Settle owed something to it
//
// A lane has one worker and strict order over the whole destination, or, with OrderBy, several workers: deliveries with
// the same Lane key always go to the same worker, so their order holds, and a key that must be tried again keeps only
// the keys of its own worker waiting (P3). An owed delivery is never skipped; a parked one is.
//
// What an answer means is decided in one function for each kind of destination: classifyMLLP, classifyHTTP and
// classifyFile. Whether and when to try again is decided in one place, the worker in lane.go. A payload is frozen: every
// attempt sends the same bytes with the same MSH-10 or Idempotency-Key, so that the peer can tell a repetition (P2).
//
// What it does not do: it never writes a payload, never decides who gets what, and cannot tell whether a peer that does
// not dedupe has already received an unconfirmed delivery.
package outbox
