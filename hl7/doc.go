// Package hl7 reads and writes HL7 version 2 messages (2.1 to 2.9, the encoding of chapter 2) as the bytes they are.
//
// A [Message] is the received bytes and an index of where its segments begin; nothing is copied and nothing is
// normalised, so that [Message.Bytes] gives back exactly what came. Values are found when asked for:
//
//	m, err := hl7.Parse(b)
//	id := m.Get("PID-3[2].1")   // repetition 2, component 1: unescaped, in UTF-8
//	code := m.Get("OBX(3)-3.1") // the third OBX; OBX[3]-3.1 says the same
//
// A path names one element and what it leaves out on the right is included: PID-5 is the whole field with its
// delimiters, PID-5.1 its first component. What is left out in the middle is the first one: PID-5.1 is PID-5[1].1.
// [Message.Value] tells an absent element from an empty one and from the HL7 null (two quotes).
//
// Reading is tolerant and says so: framing bytes, byte order marks, blank lines, line feeds as terminators and
// character sets that are not what MSH-18 says are read and reported by [Message.Warnings]. A message that cannot be
// indexed at all is a [SyntaxError] with a place. Writing is strict: a character that the message's character set
// lacks is a [CharsetError], never replaced.
//
// [Message.Set] edits one element and leaves every other byte alone. [Build] writes a new message, [Transcode]
// changes the character set, [Ack] answers, [AckPlan] says with what, [ReadAck] reads an answer, [Split] takes a file
// or batch apart. A Message may be read by many goroutines as long as none edits it.
//
// Not here: tables of segments and structures (package schema), continuation (ADD, DSC), escapes that switch
// character sets (\C..\ and \M..\ are kept as they are), UTF-16 and UTF-32.
package hl7
