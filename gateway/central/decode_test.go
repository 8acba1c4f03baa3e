package central

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"rorpost/gateway/lab"
)

// FuzzDecode checks that what is taken is JSON that means the same when it is written again, and that no refusal
// repeats a value.
func FuzzDecode(f *testing.F) {
	body, err := json.Marshal(orderFor("O1", anna))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(body), `{}`, `{"id":null,"tests":null}`, `{"tests":[{"code":{}}]}`, `[`, `{"a":{"b":[[[`, `{"created":"2026-01-01T00:00:00Z"} x`, "{\"id\":\"\xff\"}", `{"id":"\ud800"}`, `{"person":{"value":198501012382}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var w lab.OrderWire
		if err := decode([]byte(body), &w); err != nil {
			var p *Problem
			if !errors.As(err, &p) || p.Status != 400 || p.Hint == "" || strings.Contains(p.Text, "198501012382") {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if !json.Valid([]byte(body)) {
			t.Fatalf("taken, and no JSON: %q", body)
		}
		again, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		var second lab.OrderWire
		if err := decode(again, &second); err != nil {
			t.Fatalf("written again and refused: %v", err)
		}
	})
}

// FuzzDecodeResult does the same for a result.
func FuzzDecodeResult(f *testing.F) {
	body, err := json.Marshal(resultFor(anna, "O1", "41"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(body))
	f.Add(`{"observations":[{"flags":["H",null],"measured":"0001-01-01T00:00:00Z"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		var r patientResult
		if decode([]byte(body), &r) == nil && !json.Valid([]byte(body)) {
			t.Fatalf("taken, and no JSON: %q", body)
		}
	})
}

// A member that is given twice has two meanings, and is taken in neither.
func TestMembersAreGivenOnce(t *testing.T) {
	var w lab.OrderWire
	err := decode([]byte(`{"person":{"value":"a","value":"b"}}`), &w)
	if err == nil || !strings.Contains(err.Error(), "person.value is given twice") {
		t.Errorf("got %v", err)
	}
}
