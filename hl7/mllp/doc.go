// Package mllp carries HL7 messages over streams by the minimal lower layer protocol, release 1: a frame is VT, the
// message, FS, CR [MLLP r1]. Acknowledgement is HL7's own, original or enhanced (package hl7).
//
// [Client] sends one message at a time and waits for its answer, on a connection that it keeps:
//
//	c := &mllp.Client{Address: "lab.example:2575"}
//	answer, err := c.Send(ctx, message)
//
// What became of a message is in the type of the error: after a [*DialError] or [*MessageError] nothing was sent;
// after a [*TimeoutError], [*LostError] or [*MismatchError] it may have arrived, the connection is closed, and the same
// bytes may be sent again. An answer that comes late meets a closed connection, never another message.
//
// [Server] hands each message to a handler and writes its replies in order. An error of the handler closes the connection
// without an answer, so that the sender keeps the message. When the context of Serve ends, messages in hand are answered
// and nothing new is read.
//
// Reading is tolerant: bytes between frames are skipped and counted, FS may lack its CR, a frame that begins anew
// inside another ends the broken one. Writing is strict: one frame is one Write, and a message that holds a framing byte
// is refused.
//
// Not here: release 2 (commit blocks), the hybrid protocol for serial lines, retries and queues.
package mllp
