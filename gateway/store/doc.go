// Package store is the durable memory of the gateway: what arrived, what it meant, and what is owed for it.
//
// A store is a directory with two SQLite files. truth.db holds the bytes as they came, the decisions, the deliveries
// owed with their payloads frozen, and every attempt to pay them. search.db is derived from it: it can be deleted at
// any time and is built again at the next start.
//
//	s, err := store.Open(ctx, dir, store.Options{})
//	go s.Run(ctx)                                   // the writer: nothing is kept before it runs
//	receipt, err := s.Accept(ctx, store.Arrival{Kind: store.KindMLLP, Source: "answers", Control: id, Body: bytes})
//	// here the bytes are on disk: acknowledge them (P1)
//	deliveries, err := s.Settle(ctx, store.Settlement{Arrival: receipt.Arrival.ID, Owed: owed})
//	// here everything is owed, or nothing is (P4)
//
// One goroutine writes. It gathers the operations that wait, runs them in one transaction and commits once, then
// releases every waiter (group commit), so that many senders share one sync of the disk. An operation that is refused
// harms no other one in its group. When the disk fails or is full the whole group fails, nothing is acknowledged, and
// the store stays failed, with a lab.Fault{Retry} for every writer, until a trial transaction succeeds again.
//
// What it does not do: it never interprets a body, never retries a delivery, never encrypts (use an encrypted disk),
// and never destroys what is owed or parked.
package store
