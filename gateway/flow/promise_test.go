package flow

import (
	"strings"
	"testing"

	"rorpost/gateway/lab"
	"rorpost/hl7"
)

// TestACollection walks from the card to what is owed: the laboratory's order, and the report to the order store.
func TestACollection(t *testing.T) {
	b := newBench(t)
	d := b.collected("EPH-1", woman, "77000000011", "77000000029")
	letters := owedTo(d, "laboratory")
	if len(letters) != 1 {
		t.Fatalf("%d messages are owed to the laboratory, want 1", len(letters))
	}
	m, err := hl7.Parse(letters[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"MSH-9.1": "ORM", "MSH-9.2": "O01", "MSH-9.3": "ORM_O01", "MSH-10": letters[0].Key, "MSH-11": "P", "MSH-12": "2.5.1", "MSH-18": "UNICODE UTF-8",
		"PID-3.1": woman, "PID-3.4.2": lab.OIDPersonnummer, "PID-3.4.3": "ISO", "PID-5.1": "Testsson", "PID-5.2": "Åsa", "PID-7": "19850101",
		"PV1-2": "O", "ORC-1": "NW", "ORC-2": "EPH-1-1", "ORC-4": "EPH-1", "ORC-12": "SE2321000016-TEST9", "ORC-17": unitA,
		"OBR-2": "EPH-1-1", "OBR-4.1": "S-TSH", "OBR-15": "SER", "NTE-3": "LID 77000000011",
	} {
		if got := m.Get(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if n := len(m.Find("OBR")); n != 1 {
		t.Errorf("the laboratory is asked for %d tests, want 1: the other is the unit's own", n)
	}
	if told := owedTo(d, OrderStore); len(told) != 1 || !strings.Contains(string(told[0].Payload), "/v1/orders/EPH-1/collected") {
		t.Errorf("the order store is owed %v, want the collection reported once", told)
	}
	follow := b.flow.Delivered(letters[0], nil)
	if len(follow) != 1 || !strings.Contains(string(follow[0].Payload), "/v1/orders/EPH-1/sent") {
		t.Errorf("after the acknowledgement %v is owed, want the order reported as sent", follow)
	}
}

// TestP4_BothOrNeither: one settlement owes journal and patient queue.
func TestP4_BothOrNeither(t *testing.T) {
	b := newBench(t)
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	d, replies, err := b.answer(oru("R1", woman, lab.OIDPersonnummer, "EPH-1-1", "77000000011", "5.10", "F"))
	if err != nil || len(replies) != 1 {
		t.Fatalf("%d replies, error %v", len(replies), err)
	}
	if ack, err := hl7.ReadAck(replies[0]); err != nil || ack.Code != hl7.AA || ack.ControlID != "R1" {
		t.Errorf("answered %+v, %v; want AA for R1", ack, err)
	}
	journal, queue := owedTo(d, "journal"), owedTo(d, "patients")
	if len(journal) != 1 || len(queue) != 1 || journal[0].OwedAt != queue[0].OwedAt {
		t.Fatalf("owed to the journal %d, to the queue %d; want one each, at the same time", len(journal), len(queue))
	}
	if journal[0].Key == queue[0].Key {
		t.Error("both deliveries have the same key")
	}
}

// TestP13_ValuesPassAsTheyWereWritten: every value, unit, range and flag reaches both sides letter by letter.
func TestP13_ValuesPassAsTheyWereWritten(t *testing.T) {
	b := newBench(t)
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	d, _, err := b.answer(oru("R1", woman, lab.OIDPersonnummer, "EPH-1-1", "77000000011", "05.100", "F"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := hl7.Parse(owedTo(d, "journal")[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.Find("OBX")[0].Raw()); got != "OBX|1|NM|S-TSH^S-TSH^L||05.100|mIU/L|0.3-4.2|H|||F" {
		t.Errorf("the journal gets %s", got)
	}
	for _, want := range []string{`"value":"05.100"`, `"unit":"mIU/L"`, `"range":"0.3-4.2"`, `"flags":["H"]`, `"status":"F"`} {
		if !strings.Contains(string(owedTo(d, "patients")[0].Payload), want) {
			t.Errorf("the patient queue does not get %s", want)
		}
	}
}

// TestP7_WrongIdentityIsParked: whatever disagrees parks, with nothing owed and a positive answer.
func TestP7_WrongIdentityIsParked(t *testing.T) {
	b := newBench(t)
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	tests := []struct{ name, message, reason string }{
		{"another person", oru("A", girl, lab.OIDPersonnummer, "EPH-1-1", "77000000011", "5", "F"), "not the identity of the order"},
		{"a number that cannot be", oru("B", "198501012383", lab.OIDPersonnummer, "EPH-1-1", "77000000011", "5", "F"), "check digit"},
		{"another order number", oru("C", woman, lab.OIDPersonnummer, "EPH-2-1", "77000000011", "5", "F"), "not among the tests"},
		{"an unknown specimen", oru("D", woman, lab.OIDPersonnummer, "EPH-1-1", "77000000099", "5", "F"), "no order is known for specimen 77000000099"},
		{"no specimen", oru("E", woman, lab.OIDPersonnummer, "EPH-1-1", "", "5", "F"), "no specimen id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, replies, err := b.answer(tt.message)
			if err != nil {
				t.Fatal(err)
			}
			if decision(d) != "parked" || !strings.Contains(reason(d), tt.reason) || d.Parked[0].Hint == "" {
				t.Errorf("%s: %q, hint %q; want it parked: %q", decision(d), reason(d), d.Parked[0].Hint, tt.reason)
			}
			if len(d.Deliveries) != 0 {
				t.Errorf("%d deliveries are owed, want none", len(d.Deliveries))
			}
			if ack, err := hl7.ReadAck(replies[0]); err != nil || ack.Code != hl7.AA {
				t.Errorf("answered %v, %v; want AA: it is kept, and a person looks", ack.Code, err)
			}
		})
	}
	if strings.Contains(b.log.String(), woman) || strings.Contains(b.log.String(), girl) {
		t.Error("the log names a person")
	}
}

// TestP11_ALatePreliminaryIsKeptAndNotPassedOn: and a correction goes to both.
func TestP11_ALatePreliminaryIsKeptAndNotPassedOn(t *testing.T) {
	b := newBench(t)
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	send := func(control, value, status string) (string, string, int) {
		d, _, err := b.answer(oru(control, woman, lab.OIDPersonnummer, "EPH-1-1", "77000000011", value, status))
		if err != nil {
			t.Fatal(err)
		}
		return decision(d), d.Settlements[0].Rule, len(owedTo(d, "journal")) + len(owedTo(d, "patients"))
	}
	for _, step := range []struct {
		control, value, status, decision, rule string
		owed                                   int
	}{
		{"1", "5.1", "P", "results", "both", 2},
		{"2", "5.2", "F", "results", "both", 2},
		{"3", "5.1", "P", "filtered", "an earlier status came after a later one", 0},
		{"4", "5.2", "F", "filtered", "the same result was passed on before", 0},
		{"5", "5.3", "C", "results", "both", 2},
		{"6", "5.2", "F", "filtered", "an earlier status came after a later one", 0},
	} {
		d, rule, owed := send(step.control, step.value, step.status)
		if d != step.decision || rule != step.rule || owed != step.owed {
			t.Errorf("message %s, status %s: %s by %q, %d owed; want %s by %q, %d", step.control, step.status, d, rule, owed, step.decision, step.rule, step.owed)
		}
	}
}

// TestP14_CodedSamplesNeverReachThePatientQueue: they flow by order and specimen, to the journal only.
func TestP14_CodedSamplesNeverReachThePatientQueue(t *testing.T) {
	b := newBench(t)
	b.order("EPH-7", "1980-1234", "")
	b.scan(b.flow, "1980-1234")
	b.scan(b.flow, "77000000011")
	if d := b.scan(b.flow, "77000000029"); decision(d) != "collected" {
		t.Fatalf("%s %s", decision(d), reason(d))
	}
	d, _, err := b.answer(oru("R1", "1980-1234", "", "EPH-7-1", "77000000011", "5", "F"))
	if err != nil {
		t.Fatal(err)
	}
	if j, q := len(owedTo(d, "journal")), len(owedTo(d, "patients")); j != 1 || q != 0 {
		t.Errorf("owed to the journal %d, to the queue %d (%s); want 1 and 0", j, q, reason(d))
	}
	if note := d.Settlements[0].Note; !strings.Contains(note, "not for the patient queue") {
		t.Errorf("the settlement notes %q, want the rule named", note)
	}
}

// TestP8_CollectedOnce: what one unit has fetched, another cannot collect.
func TestP8_CollectedOnce(t *testing.T) {
	b := newBench(t)
	other := b.gateway(unitB)
	b.order("EPH-1", woman, lab.OIDPersonnummer)
	if d := b.scan(b.flow, woman); decision(d) != "orders claimed" {
		t.Fatalf("the first unit: %s %s", decision(d), reason(d))
	}
	d := b.scan(other, woman)
	if decision(d) != "parked" || !strings.Contains(reason(d), "another unit") {
		t.Errorf("the second unit: %s %q; want it told that another unit has the order", decision(d), reason(d))
	}
	if d := b.scan(b.flow, "CANCEL"); decision(d) != "collection cancelled" || len(owedTo(d, OrderStore)) != 1 {
		t.Errorf("cancelled: %s, %d owed; want the order given back", decision(d), len(owedTo(d, OrderStore)))
	}
}

// TestP10_WithoutTheOrderStore: a scan parks at once with a hint, and a result waits instead of being parked for
// nothing.
func TestP10_WithoutTheOrderStore(t *testing.T) {
	b := newBench(t)
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	b.server.Close()
	d := b.scan(b.flow, girl)
	if decision(d) != "parked" || d.Parked[0].Hint != "the order store cannot be reached; scan again in a moment" {
		t.Errorf("a scan: %s, hint %q", decision(d), d.Parked[0].Hint)
	}
	d, _, err := b.answer(oru("R1", woman, lab.OIDPersonnummer, "EPH-1-1", "77000000011", "5", "F"))
	if err != nil || decision(d) != "results" {
		t.Errorf("a result of a specimen that was taken here: %s, %v; want it passed on", decision(d), err)
	}
	d, _, err = b.answer(oru("R2", woman, lab.OIDPersonnummer, "EPH-2-1", "77000000037", "5", "F"))
	if err == nil || decision(d) != "unsettled" {
		t.Errorf("a result of a specimen taken elsewhere: %s, %v; want it kept unsettled, to be tried again", decision(d), err)
	}
}

// TestP7_AMessageThatNamesNobody: the identity comes from the order of its specimens, if that is one person's.
func TestP7_AMessageThatNamesNobody(t *testing.T) {
	b := newBench(t)
	b.collected("EPH-1", woman, "77000000011", "77000000029")
	b.collected("EPH-2", girl, "77000000037", "77000000045")
	one := oru("R1", "", "", "", "77000000011", "5", "F")
	other := strings.Split(oru("R1", "", "", "", "77000000037", "6", "F"), "\r")
	d, _, err := b.answer(one + strings.Join(other[2:], "\r"))
	if err != nil || decision(d) != "parked" || !strings.Contains(reason(d), "belong to several") || len(d.Deliveries) != 0 {
		t.Errorf("two patients in a message that names none: %s %q, %d owed, %v; want it parked", decision(d), reason(d), len(d.Deliveries), err)
	}
	for i, message := range []string{oru("R2", "", "", "", "77000000011", "5", "F"), strings.Replace(oru("R3", "", "", "", "77000000037", "5", "F"), "PID|1||\r", "", 1)} {
		d, _, err := b.answer(message)
		if err != nil || decision(d) != "results" {
			t.Fatalf("message %d: %s %q, %v", i, decision(d), reason(d), err)
		}
		m, err := hl7.Parse(owedTo(d, "journal")[0].Payload)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := m.Get("PID-3.1"), []string{woman, girl}[i]; got != want {
			t.Errorf("message %d: the journal is told of another person, or of none", i)
		}
	}
}
