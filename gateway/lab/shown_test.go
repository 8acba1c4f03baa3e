package lab

import "testing"

// TestP9_ASpecimenIDThatIsAPersonIsNotShown: staff type numbers and names where an analyzer asks for a specimen.
func TestP9_ASpecimenIDThatIsAPersonIsNotShown(t *testing.T) {
	for _, id := range []string{"198501012382", "19850101-2382", "8501012382", "850101-2382", "196109732393", "Testsson Åsa", "Testsson", "TESTSSON^ASA"} {
		if got := ShownSpecimen(id); got == id || got == "" {
			t.Errorf("%s is shown as %q", id, got)
		}
	}
	for _, id := range []string{"77010000999", "BU24R554", "113", "LID-9010004711", "660^0090"} {
		if got := ShownSpecimen(id); got != id {
			t.Errorf("label %s is shown as %q", id, got)
		}
	}
}
