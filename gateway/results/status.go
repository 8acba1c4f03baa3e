package results

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"rorpost/gateway/lab"
)

// Step is what happens to an observation that arrives after another version of the same.
type Step uint8

const (
	Take   Step = iota + 1 // It becomes the current version.
	Same                   // The same again: nothing new to tell.
	Refuse                 // It would take back something more final: kept, not passed on.
)

func (s Step) String() string {
	return [...]string{"", "take", "same", "refuse"}[s]
}

// rank orders the statuses by how settled the value is [HL7 table 0085].
var rank = map[lab.Status]int{
	lab.Described: 0, lab.InProcess: 0, lab.Scheduled: 0,
	lab.Unverified:  1,
	lab.Preliminary: 2,
	lab.Final:       3, lab.Cancel: 3,
	lab.Correction: 4,
	lab.Delete:     5, lab.Wrong: 5,
}

// Next says what to do with an observation of status next when prev is known. same tells whether the value, unit and
// flags are those of prev. The warning is for people and carries no value.
func Next(prev, next lab.Status, same bool) (Step, string) {
	if prev == "" {
		return Take, ""
	}
	if prev == next && same {
		return Same, ""
	}
	switch {
	case prev == lab.Wrong && next == lab.Correction, prev == lab.Delete:
		return Take, ""
	case prev == lab.Final && next == lab.Final:
		return Take, "a final value was changed without being marked as a correction"
	case prev == lab.Correction && next == lab.Correction, prev == lab.Preliminary && next == lab.Preliminary:
		return Take, ""
	case prev == lab.Correction && next == lab.Final && same:
		return Same, ""
	case rank[next] < rank[prev]:
		return Refuse, "an earlier status came after a later one"
	case prev == lab.Final && next == lab.Cancel:
		return Take, "a final value was cancelled"
	}
	return Take, ""
}

// Key names one observation over all its versions: order or specimen, filler number, code and sub-id. An analyzer gives
// no filler number: then its name stands for it, since two analyzers that measure the same tube give two results. The
// key is a hash, so that it may stand in an index.
func Key(order string, r lab.Report, o lab.Observation) string {
	place, filler := order, "filler "+r.Filler
	if place == "" {
		place = "specimen " + r.Specimen
	}
	if r.Filler == "" {
		filler = "source " + r.Source
	}
	return digest(place, r.Specimen, filler, o.Code.Code, o.Code.System, o.Sub)
}

// Fingerprint tells whether two versions of an observation say the same.
func Fingerprint(o lab.Observation) string {
	return digest(o.Type, o.Value, o.Unit, o.Range, strings.Join(o.Flags, "~"), strings.Join(o.Comments, "\n"))
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
