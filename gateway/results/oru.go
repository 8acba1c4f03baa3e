package results

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rorpost/gateway/lab"
	"rorpost/hl7"
)

// Reading says how one peer writes its answers.
type Reading struct {
	Source    string
	Specimen  []string       // Paths tried in turn for the specimen id, e.g. "SPM-2.1.1", "OBR-3.1".
	Component int            // Component of OBX-3 that holds the code; 0 means the first that is not empty.
	Zone      *time.Location // For times without one; nil means UTC.
	Now       time.Time      // Bounds the plausibility of personal numbers.
}

// DefaultSpecimen is where most laboratories put the barcode.
func DefaultSpecimen() []string { return []string{"SPM-2.1.1", "SPM-2.2.1", "SPM-2", "SAC-3.1"} }

// Part is a report together with the segments that it was read from.
type Part struct {
	lab.Report
	OBX []int // For each observation, the index of its OBX segment in the message.
}

// FromORU reads an ORU^R01, ORU^R30–R32 or OUL^R21–R24 message: one part for each OBR.
// An identity whose check digit is wrong is an error that parks; the message is never half-read.
func FromORU(m *hl7.Message, r Reading) ([]Part, error) {
	w := &oruWalk{m: m, r: r, oul: m.Header().Type == "OUL"}
	for _, s := range m.Segments() {
		if err := w.take(s); err != nil {
			return nil, err
		}
	}
	w.close()
	if len(w.parts) == 0 {
		return nil, &lab.Fault{Class: lab.Park, Op: "read the result", Err: errors.New("the message holds no OBR segment"),
			Hint: "the sender must say which analysis each value belongs to"}
	}
	return w.parts, nil
}

// oruWalk goes through the segments once. In ORU a specimen follows its observations; in OUL it stands before them.
type oruWalk struct {
	m        *hl7.Message
	r        Reading
	oul      bool
	person   lab.PersonID
	orc      *hl7.Segment
	specimen string // OUL: of the group that is being read.
	inSPM    bool   // OBX after SPM describe the specimen and are no results.
	parts    []Part
	open     bool
}

func (w *oruWalk) take(s hl7.Segment) error {
	switch s.Name() {
	case "PID":
		w.close()
		return w.patient(s)
	case "ORC":
		w.commonOrder(s)
	case "OBR":
		w.request(s)
	case "SPM", "SAC":
		w.container(s)
	case "OBX":
		if w.open && !w.inSPM {
			p := &w.parts[len(w.parts)-1]
			p.Observed = append(p.Observed, w.observation(s))
			p.OBX = append(p.OBX, s.Index())
		}
	case "NTE":
		w.comment(s)
	}
	return nil
}

// commonOrder keeps an ORC for the OBR that follows; in OUL the ORC comes after its OBR [HL7 2.5.1 7.3.7].
func (w *oruWalk) commonOrder(s hl7.Segment) {
	if w.oul && w.open {
		fillFromORC(&w.parts[len(w.parts)-1].Report, s)
		return
	}
	w.close()
	w.orc = &s
}

func (w *oruWalk) patient(s hl7.Segment) error {
	w.person, w.specimen, w.orc = lab.PersonID{}, "", nil
	for i := 1; i <= s.Reps(3); i++ {
		value := s.Get(fmt.Sprintf("3[%d].1", i))
		if value == "" {
			continue
		}
		id, err := lab.PersonIDFromWire(s.Get(fmt.Sprintf("3[%d].4.2", i)), value, w.r.Now)
		if err != nil {
			return &lab.Fault{Class: lab.Park, Op: "read the identity in PID-3", Err: err,
				Hint: "the number in the answer is not a possible personal number; call the laboratory"}
		}
		if w.person.IsZero() || (w.person.Kind() == lab.IDOpaque && id.Kind() != lab.IDOpaque) {
			w.person = id
		}
	}
	return nil
}

func (w *oruWalk) request(s hl7.Segment) {
	w.close()
	part := Part{Report: lab.Report{
		Source: w.r.Source, Specimen: w.specimen, Person: w.person,
		Placer: s.Get("2.1"), Filler: s.Get("3.1"), Test: coded(s, 4, 0),
	}}
	if w.orc != nil {
		fillFromORC(&part.Report, *w.orc)
		w.orc = nil
	}
	if part.Specimen == "" {
		part.Specimen = w.find(s)
	}
	w.parts = append(w.parts, part)
	w.open, w.inSPM = true, false
}

func fillFromORC(r *lab.Report, s hl7.Segment) {
	if r.Placer == "" {
		r.Placer = s.Get("2.1")
	}
	if r.Filler == "" {
		r.Filler = s.Get("3.1")
	}
	r.Group = s.Get("4.1")
}

func (w *oruWalk) container(s hl7.Segment) {
	id := w.find(s)
	if s.Name() == "SPM" && s.Get("11.1") == "Q" {
		w.control()
	}
	if w.oul {
		if s.Name() == "SPM" {
			w.close()
			w.specimen = id
		} else if w.specimen == "" {
			w.specimen = id
		}
		return
	}
	w.inSPM = s.Name() == "SPM"
	if w.open && id != "" {
		w.parts[len(w.parts)-1].Specimen = id
	}
}

func (w *oruWalk) control() {
	if w.open {
		w.parts[len(w.parts)-1].Control = true
	}
}

// find tries the configured paths that speak of this segment.
func (w *oruWalk) find(s hl7.Segment) string {
	for _, path := range w.r.Specimen {
		name, field, ok := strings.Cut(path, "-")
		if ok && name == s.Name() {
			if id := strings.TrimSpace(s.Get(field)); id != "" {
				return id
			}
		}
	}
	return ""
}

func (w *oruWalk) observation(s hl7.Segment) lab.Observation {
	o := lab.Observation{
		Code: coded(s, 3, w.r.Component), Sub: s.Get("4"), Type: s.Get("2"), Value: value(s),
		Unit: s.Get("6.1"), Range: s.Get("7"), Status: lab.Status(s.Get("11")),
	}
	if o.Status == "" {
		o.Status = lab.Final
	}
	for i := 1; i <= s.Reps(8); i++ {
		if f := s.Get(fmt.Sprintf("8[%d].1", i)); f != "" {
			o.Flags = append(o.Flags, f)
		}
	}
	if t, err := hl7.ParseTime(s.Get("14.1"), w.r.Zone); err == nil {
		o.Measured = t.T
	}
	return o
}

// value writes OBX-5 as text. A coded answer is its text, or its code when it has none; a structured number keeps
// its parts in their order [HL7 2.5.1 2.A.71].
func value(s hl7.Segment) string {
	switch s.Get("2") {
	case "SN":
		return s.Get("5.1") + s.Get("5.2") + s.Get("5.3") + s.Get("5.4")
	case "CE", "CWE", "CNE":
		if text := s.Get("5.2"); text != "" {
			return text
		}
		return s.Get("5.1")
	case "ED", "RP":
		return "(" + strings.TrimSpace(s.Get("2")+" "+s.Get("5.2")+" "+s.Get("5.3")) + ")"
	}
	var parts []string
	for i := 1; i <= max(1, s.Reps(5)); i++ {
		parts = append(parts, s.Get(fmt.Sprintf("5[%d]", i)))
	}
	return strings.Join(parts, "\n")
}

func coded(s hl7.Segment, field, component int) lab.Code {
	if component > 0 {
		c := s.Get(fmt.Sprintf("%d.%d", field, component))
		return lab.Code{Code: c, Text: c}
	}
	for _, at := range [][3]int{{1, 2, 3}, {4, 5, 6}} {
		code := s.Get(fmt.Sprintf("%d.%d", field, at[0]))
		text := s.Get(fmt.Sprintf("%d.%d", field, at[1]))
		if code != "" || text != "" {
			return lab.Code{Code: code, Text: text, System: s.Get(fmt.Sprintf("%d.%d", field, at[2]))}
		}
	}
	return lab.Code{}
}

func (w *oruWalk) comment(s hl7.Segment) {
	if !w.open || w.inSPM {
		return
	}
	p := &w.parts[len(w.parts)-1]
	if n := len(p.Observed); n > 0 {
		p.Observed[n-1].Comments = append(p.Observed[n-1].Comments, s.Get("3"))
	}
}

func (w *oruWalk) close() { w.open, w.inSPM = false, false }
