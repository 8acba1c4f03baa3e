package hl7_test

import (
	"strings"
	"testing"

	"rorpost/hl7"
)

// results is an ORU of 1.5 KB with 12 OBX.
func results() []byte {
	var b strings.Builder
	b.WriteString("MSH|^~\\&|LAB^1.2.752.1^ISO|UNIT|RORPOST|UNIT|20260115103000+0100||ORU^R01^ORU_R01|20260115000123|P|2.5.1|||||SWE|UNICODE UTF-8\r")
	b.WriteString("PID|1||198501012382^^^&1.2.752.129.2.1.3.1&ISO^NI||Testsson^Tyra||19850101|F\r")
	b.WriteString("ORC|RE|P100045|F200077|G3\rOBR|1|P100045|F200077|BLOD^Blodstatus^L|||20260115090000+0100|||||||||||||||20260115102000+0100|||F\r")
	for i := range 12 {
		b.WriteString("OBX|" + itoa(i+1) + "|NM|NPU0" + itoa(1000+i) + "^Analys nummer " + itoa(i+1) + "^NPU||" + itoa(100+i) + ".5|10*9/L|90-120||||F|||20260115101500+0100||tekniker\r")
	}
	return []byte(b.String())
}

// large is an ORU of 1 MiB: one document, or many results.
func large(many bool) []byte {
	b := results()
	if !many {
		return append(append(append(b, "OBX|13|ED|PDF^Svar^L||^AP^PDF^Base64^"...), strings.Repeat("QUJDREVG", 1<<17-220)...), "||||||F\r"...)
	}
	line := b[strings.Index(string(b), "OBX|12"):]
	for len(b) < 1<<20 {
		b = append(b, line...)
	}
	return b
}

func BenchmarkParse(b *testing.B) {
	for name, msg := range map[string][]byte{"ack": []byte(ack), "oru": results(), "1MiB/document": large(false), "1MiB/segments": large(true)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := hl7.Parse(msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFiveFields(b *testing.B) {
	for name, msg := range map[string][]byte{"oru": results(), "1MiB/document": large(false)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				m, err := hl7.Parse(msg)
				if err != nil {
					b.Fatal(err)
				}
				n += len(m.Get("MSH-10")) + len(m.Get("PID-3.1")) + len(m.Get("OBR-2.1")) + len(m.Get("OBX(12)-5")) + len(m.Get("OBX(12)-14"))
			}
			if n == 0 {
				b.Fatal("nothing read")
			}
		})
	}
}

func BenchmarkEditAndEncode(b *testing.B) {
	msg := results()
	b.ReportAllocs()
	for b.Loop() {
		m, err := hl7.Parse(msg)
		if err == nil {
			err = m.Set("PID-5.1", "Någon")
		}
		if err != nil || len(m.Bytes()) == len(msg) {
			b.Fatal(err)
		}
	}
}

func BenchmarkAck(b *testing.B) {
	m, err := hl7.Parse(results())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		hl7.Ack(m, hl7.Reply{Code: hl7.AA, ControlID: "A1"})
	}
}
