package hl7_test

import (
	"fmt"
	"strings"
	"time"

	"rorpost/hl7"
)

func ExampleParse() {
	m, err := hl7.Parse([]byte("MSH|^~\\&|LAB|U|RP|U|20260115||ORU^R01|C1|P|2.5.1\rOBX|1|NM|HBA1C^HbA1c||42|mmol/mol\r"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range m.Find("OBX") {
		fmt.Println(s.Get("3.2"), s.Get("5"), s.Get("6"))
	}
	// Output: HbA1c 42 mmol/mol
}

func ExampleMessage_Get() {
	m, _ := hl7.Parse([]byte("MSH|^~\\&|LAB\rPID|1||A1^^^H&1.2.3&ISO~B2||Jansson\\T\\Co^Eva|\"\"\r"))
	fmt.Println(m.Get("PID-3[2].1"), m.Get("PID-3.4.2"), m.Get("PID-5.1"))
	fmt.Println(m.Value("PID-2").Kind(), m.Value("PID-6").Kind(), m.Value("PID-30").Kind())
	// Output:
	// B2 1.2.3 Jansson&Co
	// empty null absent
}

func ExampleBuild() {
	m, err := hl7.Build(
		hl7.Header{SendingApplication: "RP", ReceivingApplication: "LAB", Type: "ORM", Event: "O01", ControlID: "K1", Version: "2.5.1"},
		hl7.NewSegment("PID").Set("1", "1").Set("3.1", "198501012382").Set("3.5", "NI"),
		hl7.NewSegment("ORC").Set("1", "NW").Set("2.1", "P1"),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.ReplaceAll(string(m.Bytes()), "\r", "\n"))
	// Output:
	// MSH|^~\&|RP||LAB||||ORM^O01|K1|P|2.5.1
	// PID|1||198501012382^^^^NI
	// ORC|NW|P1
}

func ExampleAck() {
	m, _ := hl7.Parse([]byte("MSH|^~\\&|LAB|U|RP|V|20260115||ORU^R01^ORU_R01|C1|P|2.5.1\rPID|1\r"))
	h := m.Header()
	for i, code := range hl7.AckPlan(h.AcceptAck, h.ApplicationAck, true, true) {
		answer := hl7.Ack(m, hl7.Reply{Code: code, ControlID: fmt.Sprint("A", i), Time: time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)})
		fmt.Println(strings.ReplaceAll(string(answer), "\r", "\n"))
	}
	// Output:
	// MSH|^~\&|RP|V|LAB|U|20260115090000+0000||ACK^R01^ACK|A0|P|2.5.1
	// MSA|AA|C1
}
