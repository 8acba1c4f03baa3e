package hl7

// Header is what MSH says [HL7 2.5.1 2.14.9]. The four application and facility fields are raw: escaped, with their
// components, in UTF-8 and with the standard delimiters ("LAB^1.2.3^ISO"). The rest is text.
type Header struct {
	SendingApplication, SendingFacility     string // MSH-3, MSH-4.
	ReceivingApplication, ReceivingFacility string // MSH-5, MSH-6.
	Time                                    string // MSH-7, as written.
	Type, Event, Structure                  string // MSH-9.1, .2, .3.
	ControlID                               string // MSH-10.
	ProcessingID                            string // MSH-11.1: P, T or D.
	Version                                 string // MSH-12.1.
	AcceptAck, ApplicationAck               string // MSH-15, MSH-16.
	Charset                                 string // MSH-18, first repetition.
}

// Header reads the first MSH. It is empty when the message has none, as a batch may.
func (m *Message) Header() Header {
	i := m.nth("MSH", 1)
	if i < 0 {
		return Header{}
	}
	text := func(e element) string { return m.value(i, e).Text() }
	return Header{
		SendingApplication: m.rawText(i, 3), SendingFacility: m.rawText(i, 4),
		ReceivingApplication: m.rawText(i, 5), ReceivingFacility: m.rawText(i, 6),
		Time: text(element{field: 7}),
		Type: text(element{field: 9, component: 1}), Event: text(element{field: 9, component: 2}), Structure: text(element{field: 9, component: 3}),
		ControlID: text(element{field: 10}), ProcessingID: text(element{field: 11, component: 1}), Version: text(element{field: 12, component: 1}),
		AcceptAck: text(element{field: 15}), ApplicationAck: text(element{field: 16}),
		Charset: text(element{field: 18, repetition: 1}),
	}
}

func (m *Message) rawText(i, field int) string {
	s := m.decodePiece(m.value(i, element{field: field}).raw)
	if std := Standard(); m.delims != std {
		std.Truncation = m.delims.Truncation
		if m.delims != std {
			return exchange(s, m.delims, Standard())
		}
	}
	return s
}

// segment lays the header out, without the delimiters: its field numbers are those of MSH less one.
func (h Header) segment() (*SegmentBuilder, error) {
	switch {
	case h.Type == "":
		return nil, &PathError{Path: "MSH-9", Reason: "a message has a type"}
	case h.ControlID == "":
		return nil, &PathError{Path: "MSH-10", Reason: "a message has a control id"}
	}
	if h.Version == "" {
		h.Version = "2.5.1"
	}
	if h.ProcessingID == "" {
		h.ProcessingID = "P"
	}
	return (&SegmentBuilder{name: "MSH"}).
		SetRaw("2", h.SendingApplication).SetRaw("3", h.SendingFacility).
		SetRaw("4", h.ReceivingApplication).SetRaw("5", h.ReceivingFacility).
		Set("6", h.Time).Set("8.1", h.Type).Set("8.2", h.Event).Set("8.3", h.Structure).
		Set("9", h.ControlID).Set("10", h.ProcessingID).Set("11", h.Version).
		Set("14", h.AcceptAck).Set("15", h.ApplicationAck).Set("17", h.Charset), nil
}

func containsControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '|' {
			return true
		}
	}
	return false
}
