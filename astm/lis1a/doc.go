// Package lis1a is the link under analyzer records: ASTM E1381, LIS1-A, LIS01-A2. One side bids for the line with ENQ,
// sends numbered frames with a checksum, waits for one answer to each, and gives the line back with EOT.
//
// [Conn] drives a port, and is all that most programs need:
//
//	conn := lis1a.NewConn(port, lis1a.Options{Role: lis1a.Host, Dialect: lis1a.Tolerant()})
//	go conn.Run(ctx, receiver)          // receiver.Keep is called for every new frame
//	err := conn.Send(ctx, text)         // nil: the other side has acknowledged the last frame
//
// A frame is acknowledged only after Receiver.Keep returned nil: the sender forgets it then, and there is no later
// acknowledgement of a message. A frame that is sent again is recognised by its number and its bytes, and is not kept
// twice. A session that did not end as it should is told as incomplete.
//
// [Link] is the protocol itself as a pure machine, for both roles: it has no clock, no goroutine and no port. [Decode]
// reads a capture of a line, [Text] joins frames to the text of records, [Encode] cuts text into frames.
//
// What analyzers do otherwise than the standard is named in [Dialect]. The package knows nothing of records; they are
// in package astm.
package lis1a
