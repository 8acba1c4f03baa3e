package collect

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rorpost/gateway/lab"
)

var update = flag.Bool("update", false, "write the transcripts anew")

const unit = "SE2321000016-15CX"

// desk plays a transcript: lines that start with ">" are what is done, lines with "<" what comes of it.
type desk struct {
	now    time.Time
	orders []lab.Order
	state  State
}

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func play(t *testing.T, text string) string {
	t.Helper()
	d := desk{now: time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "<") {
			continue
		}
		out.WriteString(line)
		if do, ok := strings.CutPrefix(strings.TrimSpace(line), "> "); ok {
			for said := range strings.Lines(d.do(t, strings.Fields(do))) {
				out.WriteString("< " + strings.TrimRight(said, "\n") + "\n")
			}
		}
	}
	return out.String()
}

// do is one step. Between steps the state goes through the store's form, as it does at a real desk.
func (d *desk) do(t *testing.T, words []string) string {
	t.Helper()
	if words[0] != "order" && words[0] != "start" {
		s, err := Decode(d.state.Encode(), d.now)
		if err != nil {
			t.Fatal(err)
		}
		d.state = s
	}
	var err error
	switch words[0] {
	case "order": // order ID PERSON UNIT PLACER:MATERIAL… [LABEL=MATERIAL]
		d.orders = append(d.orders, anOrder(t, words[1:]))
		return ""
	case "start":
		d.state = Start(words[1], d.orders, unit, d.now)
	case "scan":
		material := ""
		if len(words) > 2 {
			material = words[2]
		}
		d.state, err = d.state.Specimen(words[1], material, d.now)
	case "wait":
		w, perr := time.ParseDuration(words[1])
		if perr != nil {
			t.Fatal(perr)
		}
		d.now = d.now.Add(w)
		return fmt.Sprintf("stale after 30m: %v\n", d.state.Stale(d.now, 30*time.Minute))
	case "confirm":
		var done []lab.Order
		d.state, done, err = d.state.Confirm(d.now)
		if err == nil {
			return tell(d.state) + finished(done)
		}
	default:
		t.Fatalf("no such step: %s", words[0])
	}
	if err != nil {
		return fmt.Sprintf("%v: %v\nhint: %s\n", lab.ClassOf(err), err, lab.HintOf(err))
	}
	return tell(d.state)
}

func anOrder(t *testing.T, w []string) lab.Order {
	t.Helper()
	id, err := lab.PersonIDFromWire("", w[1], time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	o := lab.Order{ID: w[0], Status: lab.Fetched, Person: lab.Person{ID: id, Family: "Öberg"}, ClaimedBy: w[2]}
	for _, s := range w[3:] {
		if placer, material, ok := strings.Cut(s, ":"); ok {
			o.Tests = append(o.Tests, lab.Test{Placer: placer, Material: material, Code: lab.Code{Code: "X"}})
		} else if label, material, ok := strings.Cut(s, "="); ok {
			o.Specimens = append(o.Specimens, lab.Specimen{ID: label, Material: material})
		}
	}
	return o
}

func tell(s State) string {
	out := s.String() + "\n"
	if n, ok := s.Next(); ok {
		out += fmt.Sprintf("next: %s for %s, %d tests\n", n.Material, n.Order, len(n.Tests))
	}
	return out
}

func finished(orders []lab.Order) string {
	var out strings.Builder
	for _, o := range orders {
		fmt.Fprintf(&out, "order %s %s\n", o.ID, o.Status)
		for _, sp := range o.Specimens {
			fmt.Fprintf(&out, "  %s %s at %s for %s\n", sp.ID, sp.Material, sp.Collected.Format("15:04:05"), strings.Join(sp.Placers, " "))
		}
	}
	return out.String()
}

func begun(t *testing.T, orders ...[]string) (State, time.Time) {
	t.Helper()
	now := time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)
	var list []lab.Order
	for _, o := range orders {
		list = append(list, anOrder(t, o))
	}
	return Start("C1", list, unit, now), now
}

func TestP7_ALabelIsNeverTwoTubesNorAPerson(t *testing.T) {
	s, now := begun(t, []string{"ORD1", "198501012382", unit, "P1:SER", "P2:BLD"})
	s, err := s.Specimen("LID000001", "", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{"LID000001", "lid000001", " LID000001 ", "198501012382", "850101-2382", ""} {
		next, err := s.Specimen(again, "", now)
		if lab.ClassOf(err) != lab.Reject || lab.HintOf(err) == "" {
			t.Errorf("got %v, want a rejection with a hint", err)
		}
		if !bytes.Equal(next.Encode(), s.Encode()) {
			t.Error("a refused step changed the state")
		}
		if err != nil && strings.Contains(err.Error()+lab.HintOf(err), "2382") {
			t.Errorf("the refusal tells the number: %v", err)
		}
	}
}

func TestP7_OrdersOfTwoPeopleAreNeverCollectedTogether(t *testing.T) {
	s, now := begun(t, []string{"ORD1", "198501012382", unit, "P1:SER"}, []string{"ORD2", "201201012380", unit, "P2:SER"})
	if _, err := s.Specimen("LID000001", "", now); lab.ClassOf(err) != lab.Park {
		t.Errorf("got %v, want it parked", err)
	}
}

func TestP8_AnOrderOfAnotherUnitIsNotCollected(t *testing.T) {
	for _, holder := range []string{"SE2321000016-OTHER", "-"} {
		s, now := begun(t, []string{"ORD1", "198501012382", holder, "P1:SER"})
		if _, err := s.Specimen("LID000001", "", now); lab.ClassOf(err) != lab.Park {
			t.Errorf("held by %s: got %v, want it parked", holder, err)
		}
	}
}

func TestP8_AConfirmedCollectionIsNotConfirmedAgain(t *testing.T) {
	s, now := begun(t, []string{"ORD1", "198501012382", unit, "P1:SER"})
	s, err := s.Specimen("LID000001", "", now)
	if err != nil {
		t.Fatal(err)
	}
	s, orders, err := s.Confirm(now)
	if err != nil || len(orders) != 1 {
		t.Fatalf("got %d orders, %v", len(orders), err)
	}
	if _, again, err := s.Confirm(now); err == nil || again != nil {
		t.Error("confirmed twice")
	}
	if _, err := s.Specimen("LID000002", "", now); err == nil {
		t.Error("a tube was bound after the end")
	}
}

func TestP9_ACollectionDoesNotPrintItsPerson(t *testing.T) {
	s, _ := begun(t, []string{"ORD1", "198501012382", unit, "P1:SER"})
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "state", s, "in", struct{ S State }{s})
	js, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%+v", &s), log.String(), string(js)} {
		if strings.Contains(out, "2382") || strings.Contains(out, "Öberg") {
			t.Errorf("the person is told: %s", out)
		}
	}
}

func TestDecodeRefusesWhatItDidNotWrite(t *testing.T) {
	now := time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)
	s, _ := begun(t, []string{"ORD1", "198501012382", unit, "P1:SER"})
	for name, b := range map[string][]byte{
		"nothing": nil, "no JSON": []byte("{"), "another version": []byte(`{"version":2,"id":"C1"}`),
		"a wrong number": bytes.Replace(s.Encode(), []byte("198501012382"), []byte("198501012383"), 1),
	} {
		if _, err := Decode(b, now); lab.ClassOf(err) != lab.Park || err == nil || strings.Contains(err.Error(), "198501") {
			t.Errorf("%s: got %v, want it parked", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"id":"C1"}`), "LID1")
	f.Add([]byte(`{"version":1,"id":"C1","orders":[{"id":"O","status":"fetched"}],"needs":[{"order":"O","material":"SER"}]}`), "LID1")
	now := time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, b []byte, label string) {
		s, err := Decode(b, now)
		if err != nil {
			return
		}
		if again, err := Decode(s.Encode(), now); err != nil || !bytes.Equal(again.Encode(), s.Encode()) {
			t.Fatalf("does not read itself back: %v", err)
		}
		if next, err := s.Specimen(label, "", now); err == nil && bytes.Equal(next.Encode(), s.Encode()) {
			t.Fatal("a tube was bound and nothing changed")
		}
	})
}
