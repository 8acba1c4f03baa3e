package results

import (
	"fmt"
	"strconv"
	"time"

	"rorpost/gateway/lab"
	"rorpost/hl7"
)

// Addressing is who writes to whom, and how.
type Addressing struct {
	Application, Facility         string // MSH-3, MSH-4: ours.
	PeerApplication, PeerFacility string // MSH-5, MSH-6.
	Processing                    string // MSH-11: P, T or D.
	Version                       string // MSH-12; "" means 2.5.1.
	Charset                       string // MSH-18; "" means UNICODE UTF-8.
	ControlID                     string // MSH-10: the key of the delivery.
	Now                           time.Time
}

// Header returns the MSH of a message of the given type, event and structure.
func (a Addressing) Header(kind, event, structure string) hl7.Header {
	h := hl7.Header{
		SendingApplication: a.Application, SendingFacility: a.Facility,
		ReceivingApplication: a.PeerApplication, ReceivingFacility: a.PeerFacility,
		Time: hl7.FormatTime(a.Now), Type: kind, Event: event, Structure: structure,
		ControlID: a.ControlID, ProcessingID: a.Processing, Version: a.Version, Charset: a.Charset,
	}
	if h.Version == "" {
		h.Version = "2.5.1"
	}
	if h.Charset == "" {
		h.Charset = "UNICODE UTF-8"
	}
	return h
}

// RenderORU writes a report as ORU^R01 [HL7 2.5.1 7.3.1]. order is nil when the report belongs to none; the identity
// is then the one that the instrument gave, as it gave it.
func RenderORU(r lab.Report, order *lab.Order, a Addressing) (*hl7.Message, error) {
	segments := []*hl7.SegmentBuilder{PID(personOf(r, order)), hl7.NewSegment("PV1").Set("1", "1").Set("2", "O")}
	segments = append(segments, orderSegments(r, order)...)
	for i, o := range r.Observed {
		segments = append(segments, obx(i+1, o, a.Now.Location()))
		for j, c := range o.Comments {
			segments = append(segments, hl7.NewSegment("NTE").Set("1", strconv.Itoa(j+1)).Set("2", "L").Set("3", c))
		}
	}
	if r.Specimen != "" {
		spm := hl7.NewSegment("SPM").Set("1", "1").Set("2.1.1", r.Specimen)
		if m := material(r, order); m != "" {
			spm.Set("4.1", m).Set("4.3", "HL70487")
		}
		segments = append(segments, spm)
	}
	return hl7.Build(a.Header("ORU", "R01", "ORU_R01"), segments...)
}

func personOf(r lab.Report, order *lab.Order) lab.Person {
	if order != nil {
		return order.Person
	}
	return lab.Person{ID: r.Person}
}

// PID writes a person [HL7 2.5.1 3.4.2]. The birth date stands only where the number proves it.
func PID(p lab.Person) *hl7.SegmentBuilder {
	s := hl7.NewSegment("PID").Set("1", "1")
	if p.ID.IsZero() {
		return s
	}
	s.Set("3.1", p.ID.Wire())
	if oid := p.ID.OID(); oid != "" {
		s.Set("3.4.2", oid).Set("3.4.3", "ISO").Set("3.5", "NI")
	}
	if p.Family != "" || p.Given != "" {
		s.Set("5.1", p.Family).Set("5.2", p.Given)
	}
	if born := p.ID.BirthDate(); born != "" {
		s.Set("7", born)
	}
	if p.Sex != "" {
		s.Set("8", p.Sex)
	}
	return s
}

func orderSegments(r lab.Report, order *lab.Order) []*hl7.SegmentBuilder {
	orc := hl7.NewSegment("ORC").Set("1", "RE")
	obr := hl7.NewSegment("OBR").Set("1", "1")
	if t, ok := testOf(r, order); ok {
		orc.Set("2.1", t.Placer)
		obr.Set("2.1", t.Placer)
		setCode(obr, "4", t.Code)
	} else if !r.Test.IsZero() {
		setCode(obr, "4", r.Test)
	}
	if r.Filler != "" {
		orc.Set("3.1", r.Filler)
		obr.Set("3.1", r.Filler)
	}
	if order != nil {
		orc.Set("4.1", order.ID)
		if order.Requester.HSA != "" {
			orc.Set("12.1", order.Requester.HSA)
		}
		if s, ok := order.Specimen(r.Specimen); ok && !s.Collected.IsZero() {
			obr.Set("7", hl7.FormatTime(s.Collected))
		}
	}
	obr.Set("25", string(Overall(r.Observed)))
	return []*hl7.SegmentBuilder{orc, obr}
}

// testOf finds the ordered test that the report answers: by placer number, else by the code of an observation.
func testOf(r lab.Report, order *lab.Order) (lab.Test, bool) {
	if order == nil {
		return lab.Test{}, false
	}
	for _, t := range order.Tests {
		if t.Placer == r.Placer {
			return t, true
		}
	}
	for _, t := range order.Tests {
		for _, o := range r.Observed {
			if t.Code.Code == o.Code.Code {
				return t, true
			}
		}
	}
	return lab.Test{}, false
}

// Overall is the status of a whole report: OBR-25 may not promise more than its least finished observation.
func Overall(obs []lab.Observation) lab.Status {
	if len(obs) == 0 {
		return lab.Cancel
	}
	out := obs[0].Status
	for _, o := range obs {
		if o.Status == lab.Correction && rank[out] >= rank[lab.Final] {
			out = lab.Correction
		}
		if rank[o.Status] < rank[out] && rank[o.Status] < rank[lab.Final] {
			out = o.Status
		}
	}
	return out
}

func material(r lab.Report, order *lab.Order) string {
	if order == nil {
		return ""
	}
	s, _ := order.Specimen(r.Specimen)
	return s.Material
}

func setCode(s *hl7.SegmentBuilder, field string, c lab.Code) {
	system := c.System
	if system == "" {
		system = "L"
	}
	s.Set(field+".1", c.Code).Set(field+".2", c.Text).Set(field+".3", system)
}

func obx(n int, o lab.Observation, zone *time.Location) *hl7.SegmentBuilder {
	s := hl7.NewSegment("OBX").Set("1", strconv.Itoa(n)).Set("2", o.Type)
	setCode(s, "3", o.Code)
	s.Set("4", o.Sub).Set("5", o.Value).Set("6.1", o.Unit).Set("7", o.Range)
	for i, f := range o.Flags {
		s.Set(fmt.Sprintf("8[%d]", i+1), f)
	}
	s.Set("11", string(o.Status))
	if !o.Measured.IsZero() {
		s.Set("14", hl7.FormatTime(o.Measured.In(zone)))
	}
	return s
}
