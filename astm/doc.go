// Package astm reads and writes the records of ASTM E1394-97, LIS2-A and LIS02-A2, in which analyzers write their
// results and queries, as values that keep every byte.
//
//	messages, err := astm.Parse(text)
//	for _, m := range messages {
//		for _, r := range m.Records {
//			if r.Type() == 'R' {
//				fmt.Println(r.Get("3.4"), r.Get("4"), r.Get("5"))
//			}
//		}
//	}
//
// A path names a field by the standard's number, where field 1 is the record's letter: "4" is the field as it was
// written, with its repeats and components; "4[2]" its second repeat; "3.4" the fourth component of its first repeat;
// "3[2].4" that of its second. What is not there is "". Delimiters are those of the message's own header
// [LIS02 5.4], escapes are undone [LIS02 6.6], and text is handed out as UTF-8.
//
// Parse never panics and never refuses what a known analyzer sends: it keeps what it finds and says in
// Message.Problems where that leaves the standard. Writing is strict.
//
// What carries the text over a line, frames and acknowledgements, is in package lis1a. What a field means for one
// model of analyzer is not known here.
package astm
