// Package audit is the tamper-evident trail of who saw and did what with a patient's data (P9).
//
// The trail is a file of JSON lines that is only appended to. Each line carries an HMAC-SHA-256 over the line before it
// and its own content, so that whoever lacks the key cannot change, insert, remove or reorder a line unseen. A second
// file, the trail's name with ".head", holds the number and the hash of the last line: it shows when lines were cut off
// the end.
//
//	trail, err := audit.Open(path, key)
//	err = trail.Record(ctx, audit.Event{Who: "anna", Action: "view", Whom: store.Blind(number), Object: "arrival 17"})
//	// here the line is on disk: show the page
//	n, err := audit.Verify(path, key)
//
// A line that a power cut left unfinished was never acknowledged: Open sets it aside in a file with ".torn" and records
// that it did. Whom is a blind hash of its caller's making; whatever looks like a personal number is masked all the same,
// since people write reasons.
//
// What it does not do: one process writes a trail at a time, and nothing here enforces it. Whoever puts back an old copy
// of both files is not found out: keep copies of the head elsewhere.
package audit
