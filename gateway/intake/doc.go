// Package intake lets the outside in: one [Listener] for each MLLP port, one [Station] for each analyzer, one [Scanner]
// for each barcode scanner.
//
// All three keep one law: what arrived is on disk before anybody is told that it arrived (P1). A listener keeps a
// message and then has it settled before it answers; a station keeps every frame before the frame is acknowledged, since
// ASTM knows no acknowledgement of a whole message; a scanner keeps a scan before it is acted on.
//
// A repetition gets the same answer again and is settled once (P2). What the settling function fails at is tried again
// here, with growing pauses, until it succeeds or the program stops; after a restart store.Unsettled knows it.
//
// Each has Run, which blocks until its context ends and has then ended every goroutine that it started, and Status,
// which says how far the other side has got and what a person at the bench can do about it.
//
// What it does not do: it never interprets a message beyond what is needed to answer it, and never logs its content.
package intake
