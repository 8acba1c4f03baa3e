package orders

import (
	"strconv"
	"strings"

	"rorpost/gateway/lab"
	"rorpost/hl7"
)

// Letter is what an order message says besides the order: its header and where this laboratory wants the barcode.
type Letter struct {
	Header   hl7.Header
	Specimen string // "NTE" (a line "LID …"), "SPM" (a segment after OBR) or an OBR field such as "OBR-3".
	Unit     lab.Party
}

// RenderORM writes an order as ORM^O01 [HL7 2.5.1 4.4.1]: an ORC and an OBR for each test that has a specimen.
// ORM has no SPM in any version, so the specimen id goes where the laboratory's profile says.
func RenderORM(o lab.Order, pid *hl7.SegmentBuilder, l Letter) (*hl7.Message, error) {
	segments := []*hl7.SegmentBuilder{pid, hl7.NewSegment("PV1").Set("1", "1").Set("2", "O")}
	n := 0
	for _, t := range o.Tests {
		s, ok := specimenOf(o, t)
		if !ok {
			continue
		}
		n++
		segments = append(segments, commonOrder(o, t, l), request(n, t, s, l))
		segments = append(segments, label(s, l)...)
	}
	return hl7.Build(l.Header, segments...)
}

func specimenOf(o lab.Order, t lab.Test) (lab.Specimen, bool) {
	for _, s := range o.Specimens {
		for _, p := range s.Placers {
			if p == t.Placer {
				return s, true
			}
		}
	}
	return lab.Specimen{}, false
}

func commonOrder(o lab.Order, t lab.Test, l Letter) *hl7.SegmentBuilder {
	s := hl7.NewSegment("ORC").Set("1", "NW").Set("2.1", t.Placer).Set("4.1", o.ID).Set("9", l.Header.Time)
	if o.Requester.HSA != "" {
		s.Set("12.1", o.Requester.HSA).Set("12.2", o.Requester.Name)
	}
	if l.Unit.HSA != "" && !o.Person.Protected { // A unit is a place (P14).
		s.Set("17.1", l.Unit.HSA)
	}
	return s
}

func request(n int, t lab.Test, sp lab.Specimen, l Letter) *hl7.SegmentBuilder {
	s := hl7.NewSegment("OBR").Set("1", strconv.Itoa(n)).Set("2.1", t.Placer)
	s.Set("4.1", t.Code.Code).Set("4.2", t.Code.Text).Set("4.3", t.Code.System)
	if !sp.Collected.IsZero() {
		s.Set("7", hl7.FormatTime(sp.Collected))
	}
	s.Set("15.1", sp.Material)
	if field, ok := strings.CutPrefix(l.Specimen, "OBR-"); ok {
		s.Set(field, sp.ID)
	}
	return s
}

func label(sp lab.Specimen, l Letter) []*hl7.SegmentBuilder {
	switch l.Specimen {
	case "SPM":
		return []*hl7.SegmentBuilder{hl7.NewSegment("SPM").Set("1", "1").Set("2.1.1", sp.ID).Set("4.1", sp.Material).Set("4.3", "HL70487")}
	case "", "NTE":
		return []*hl7.SegmentBuilder{hl7.NewSegment("NTE").Set("1", "1").Set("3", "LID "+sp.ID)}
	}
	return nil
}
