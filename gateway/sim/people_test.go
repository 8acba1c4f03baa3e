package sim

import (
	"bufio"
	"os"
	"testing"
	"time"

	"rorpost/gateway/lab"
)

// TestEveryPatientIsOnTheAgencysList: the population uses only published test numbers.
func TestEveryPatientIsOnTheAgencysList(t *testing.T) {
	f, err := os.Open("../../../shared/corpus/personal-numbers/personnummer.txt")
	if err != nil {
		t.Skip("the published list of test numbers is not beside the project: ", err)
	}
	defer f.Close()
	list := map[string]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		list[s.Text()] = true
	}
	missing := 0
	for n := range 20000 {
		if !list[Patient(1, n).Value] {
			missing++
		}
	}
	// The list has a handful of gaps in its days.
	if missing > 20 {
		t.Errorf("%d of 20000 patients have a number that is not on the list", missing)
	}
}

func TestPatientsAreValidAndDifferent(t *testing.T) {
	seen := map[string]bool{}
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for n := range 20000 {
		p := Patient(1, n)
		if seen[p.Value] {
			t.Fatalf("patient %d has the number of an earlier one", n)
		}
		seen[p.Value] = true
		if _, err := lab.PersonIDFromWire(p.OID, p.Value, now); err != nil {
			t.Fatalf("patient %d: %v", n, err)
		}
		if _, err := lab.ParsePersonID(WrongDigit(p.Value), now); err == nil {
			t.Fatalf("patient %d: the misread number was taken for a right one", n)
		}
	}
}

func TestEveryFaultComesInTheFirstOrders(t *testing.T) {
	seen := map[Fault]bool{}
	for n := 1; n <= 30; n++ {
		f := FaultOf(n)
		seen[f] = true
		o := Order(1, n, time.Time{})
		atUnit := 0
		for _, test := range o.Tests {
			if test.Performer == lab.AtUnit {
				atUnit++
			}
		}
		if (f.AtSerial() || f.AtTCP()) && atUnit == 0 {
			t.Errorf("order %d is to fail at an analyzer and has no test for one", n)
		}
	}
	for _, f := range Faults {
		if !seen[f] {
			t.Errorf("%s does not occur in the first 30 orders", f)
		}
	}
}

// TestAccount: the ledger sees what is lost and what comes twice.
func TestAccount(t *testing.T) {
	l := NewLedger()
	a, b := Value{Specimen: "1", Code: "X", Status: "F", Text: "5"}, Value{Specimen: "2", Code: "X", Status: "F", Text: "6"}
	l.Owes("m1", "1", None, []Value{a})
	l.Owes("m2", "2", None, []Value{b})
	l.AtJournal(a, "k1")
	l.AtQueue(a, "1")
	l.AtJournal(b, "k2")
	if got := l.Account(); got.Lost != 1 || got.Duplicated != 0 {
		t.Errorf("got %d lost, %d duplicated; want 1 and 0: the patient queue has not seen the second", got.Lost, got.Duplicated)
	}
	if one := l.OneSided(); len(one) != 1 {
		t.Errorf("got %v on one side only, want the second", one)
	}
	l.AtJournal(a, "k1")
	if got := l.Account().Duplicated; got != 0 {
		t.Errorf("the same id again counts as %d duplicates, want 0: the receiver dedupes by it", got)
	}
	l.AtJournal(a, "k3")
	if got := l.Account().Duplicated; got != 1 {
		t.Errorf("got %d duplicated, want 1: the same value came under two ids", got)
	}
	l.AtLaboratory("o", "c1")
	l.AtLaboratory("o", "c2")
	if got := l.Account().Duplicated; got != 2 {
		t.Errorf("got %d duplicated, want 2: an order came under two ids", got)
	}
}
