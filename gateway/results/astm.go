package results

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rorpost/astm"
	"rorpost/devices"
	"rorpost/gateway/lab"
)

// FromASTM reads the results of one session of an analyzer: one report for each order record that has results.
// Where things stand, what the codes mean and what is quality control is the profile's.
func FromASTM(messages []*astm.Message, p *devices.Profile, source string) []lab.Report {
	var out []lab.Report
	for _, m := range messages {
		w := &astmWalk{profile: p, source: source}
		for _, r := range m.Records {
			w.take(r)
		}
		out = append(out, w.reports...)
	}
	return slices.DeleteFunc(out, func(r lab.Report) bool { return len(r.Observed) == 0 })
}

type astmWalk struct {
	profile        *devices.Profile
	source         string
	header         astm.Record
	patient, order astm.Record
	reports        []lab.Report
	closed         bool // A new patient has begun: what follows is not the last report's.
}

func (w *astmWalk) take(r astm.Record) {
	switch r.Type() {
	case 'H':
		w.header = r
	case 'P':
		w.patient, w.order, w.closed = r, astm.Record{}, true
	case 'O':
		w.order = r
		w.open()
	case 'R':
		if len(w.reports) == 0 || w.closed {
			w.open()
		}
		last := &w.reports[len(w.reports)-1]
		last.Observed = append(last.Observed, w.observation(r))
	case 'C':
		w.comment(r)
	}
}

// open begins the report of an order record; a result without one is a report without a specimen.
func (w *astmWalk) open() {
	r := lab.Report{Source: w.source, Control: w.profile.IsControl(w.header, w.order)}
	r.Specimen = w.profile.SpecimenID(w.patient, w.order)
	if id := w.profile.PatientID(w.patient, w.order); id != "" {
		if person, err := lab.PersonIDFromWire("", id, time.Now()); err == nil {
			r.Person = person
		}
	}
	w.reports, w.closed = append(w.reports, r), false
}

func (w *astmWalk) observation(r astm.Record) lab.Observation {
	code := w.profile.CodeOf(r)
	o := lab.Observation{
		Code:  lab.Code{Code: code.Code, Text: code.Text, System: code.System},
		Value: w.profile.Value(r), Unit: w.profile.Unit(r), Range: r.Get("6"), Status: lab.Status(w.profile.Status(r)),
	}
	o.Type, o.Flags = valueType(o.Value), w.profile.Flags(r)
	o.Measured = w.profile.Measured(r, time.Local)
	return o
}

// valueType is NM for what HL7 accepts as a number, else ST [HL7 2.5.1 2.A.47].
func valueType(v string) string {
	if _, err := strconv.ParseFloat(v, 64); err == nil && !strings.ContainsAny(v, "eExXpPnNiI_") {
		return "NM"
	}
	return "ST"
}

func (w *astmWalk) comment(r astm.Record) {
	if len(w.reports) == 0 || w.closed {
		return
	}
	last := &w.reports[len(w.reports)-1]
	if n := len(last.Observed); n > 0 {
		last.Observed[n-1].Comments = append(last.Observed[n-1].Comments, strings.Trim(strings.Join(components(r, 4), " "), " "))
	}
}

func components(r astm.Record, field int) []string {
	var out []string
	for i := 1; i <= 8; i++ {
		if c := r.Get(fmt.Sprintf("%d.%d", field, i)); c != "" {
			out = append(out, c)
		}
	}
	return out
}

// Queries returns the specimen ids that an analyzer asks about [LIS02 Q-3]: the second component, or the first where
// there is only one.
func Queries(messages []*astm.Message, p *devices.Profile) []string {
	var out []string
	for _, m := range messages {
		for _, r := range m.Records {
			if r.Type() != 'Q' {
				continue
			}
			for i := 1; i <= max(1, r.Reps(3)); i++ {
				id := r.Get(fmt.Sprintf("3[%d].2", i))
				if id == "" {
					id = r.Get(fmt.Sprintf("3[%d].1", i))
				}
				out = append(out, p.Normalise(id))
			}
		}
	}
	return out
}

// AnswerQuery writes the answer to a query: an order record for each test of the orders that this unit measures and this
// analyzer knows, or the explicit word that there is nothing. n is the number of specimens with tests.
func AnswerQuery(asked []string, found []lab.Order, p *devices.Profile, now time.Time) (text []byte, n int) {
	records := []string{"H|\\^&|||rorpost|||||||P|LIS2-A2|" + now.Format("20060102150405")}
	for _, id := range asked {
		for _, o := range found {
			codes := localCodes(o, id, p)
			if len(codes) == 0 {
				continue
			}
			n++
			tests := "^^^" + strings.Join(codes, "\\^^^")
			records = append(records, fmt.Sprintf("P|%d", n),
				"O|1|"+id+"||"+tests+"|R"+strings.Repeat("|", 20)+"Q") // O-26: reply to a query.
		}
	}
	end := "L|1|F"
	if n == 0 {
		end = "L|1|I"
	}
	return []byte(strings.Join(append(records, end), "\r") + "\r"), n
}

// localCodes are the analyzer's own names of the tests that the unit itself measures on a specimen.
func localCodes(o lab.Order, specimen string, p *devices.Profile) []string {
	s, ok := o.Specimen(specimen)
	if !ok {
		return nil
	}
	var out []string
	for _, t := range o.Tests {
		if t.Performer == lab.AtUnit && slices.Contains(s.Placers, t.Placer) {
			if local, ok := p.Local(t.Code.Code); ok {
				out = append(out, local)
			}
		}
	}
	return out
}
