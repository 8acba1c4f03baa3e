package results

import (
	"strings"
	"testing"

	"rorpost/astm"
	"rorpost/devices"
	"rorpost/gateway/lab"
)

func fromASTM(t *testing.T, records ...string) []lab.Report {
	t.Helper()
	p, err := devices.Load("generic-astm")
	if err != nil {
		t.Fatal(err)
	}
	messages, err := astm.Parse([]byte("H|\\^&\r" + strings.Join(records, "\r") + "\rL|1|N\r"))
	if err != nil {
		t.Fatal(err)
	}
	return FromASTM(messages, p, "device")
}

// TestP7_AResultStaysWithItsPatient: a session may hold many patients; a result without an order record is a report
// without a specimen, and never the patient's before it.
func TestP7_AResultStaysWithItsPatient(t *testing.T) {
	got := fromASTM(t,
		"P|1", "O|1|7701||^^^A", "R|1|^^^A|1|u||N||F", "C|1|I|first|G",
		"P|2", "C|1|P|about the second patient|G", "R|1|^^^A|2|u||N||F",
		"P|3", "O|1|7703||^^^A", "R|1|^^^A|3|u||N||F", "O|2|7704||^^^A", "R|1|^^^A|4|u||N||F")
	want := []struct{ specimen, value string }{{"7701", "1"}, {"", "2"}, {"7703", "3"}, {"7704", "4"}}
	if len(got) != len(want) {
		t.Fatalf("%d reports, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].Specimen != w.specimen || len(got[i].Observed) != 1 || got[i].Observed[0].Value != w.value {
			t.Errorf("report %d: specimen %q with %d results; want specimen %q with the value %s", i, got[i].Specimen, len(got[i].Observed), w.specimen, w.value)
		}
	}
	if c := got[0].Observed[0].Comments; len(c) != 1 || c[0] != "first" {
		t.Errorf("the first result has the comments %q, want its own only", c)
	}
}

// TestQueryAnswer: what this unit measures on the tube, by the analyzer's own codes; or the explicit word that there is
// nothing.
func TestQueryAnswer(t *testing.T) {
	p, err := devices.Load("siemens-dca-vantage")
	if err != nil {
		t.Fatal(err)
	}
	order := lab.Order{ID: "EPH-1",
		Tests:     []lab.Test{{Placer: "1", Code: lab.Code{Code: "NPU27300"}, Performer: lab.AtUnit}, {Placer: "2", Code: lab.Code{Code: "S-TSH"}, Performer: lab.AtLaboratory}},
		Specimens: []lab.Specimen{{ID: "7701", Placers: []string{"1", "2"}}}}
	text, n := AnswerQuery([]string{"7701"}, []lab.Order{order}, p, noon)
	messages, err := astm.Parse(text)
	if err != nil || n != 1 {
		t.Fatalf("%d specimens, %v", n, err)
	}
	var o, l astm.Record
	for _, r := range messages[0].Records {
		switch r.Type() {
		case 'O':
			o = r
		case 'L':
			l = r
		}
	}
	if o.Get("3") != "7701" || o.Get("5.4") != "HbA1c" || o.Get("26") != "Q" || l.Get("3") != "F" {
		t.Errorf("got %q", text)
	}
	if text, n = AnswerQuery([]string{"7709"}, nil, p, noon); n != 0 || !strings.Contains(string(text), "L|1|I\r") {
		t.Errorf("for an unknown tube %q; want no information", text)
	}
}
