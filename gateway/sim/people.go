package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"rorpost/gateway/lab"
)

// Patient n of a population; the same seed and number always give the same one. No two numbers below 25,000 share a
// personal number.
func Patient(seed uint64, n int) lab.PersonWire {
	day := time.Date(1978, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, (n/2*37+int(seed%1000))%testDays)
	serial, sex := 238, "F"
	if n%2 == 1 {
		serial, sex = 239, "M"
	}
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	digits := day.Format("20060102") + fmt.Sprint(serial)
	return lab.PersonWire{
		OID: lab.OIDPersonnummer, Value: digits + checkDigit(digits[2:]),
		Family: families[r.IntN(len(families))], Given: given[r.IntN(len(given))], Sex: sex,
	}
}

// testDays is the number of days from 1 January 1978 to 31 December 2012.
const testDays = 12784

// The names say that these are test data.
var (
	families = []string{"Testsson", "Provberg", "Exempelqvist", "Låtsasström", "Övningslöf", "Demogård"}
	given    = []string{"Test-Åsa", "Test-Örjan", "Test-Märta", "Test-Björn", "Test-Ylva", "Test-Göran"}
)

// checkDigit is Luhn's, over the nine digits without century.
func checkDigit(nine string) string {
	sum := 0
	for i, c := range nine {
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return fmt.Sprint((10 - sum%10) % 10)
}

// WrongDigit returns the number with its last digit changed.
func WrongDigit(number string) string {
	last := number[len(number)-1]
	return number[:len(number)-1] + string('0'+(last-'0'+1)%10)
}

// The tests that the clinic may order. Codes are local to the simulator but for those that are named NPU.
var (
	hba1c    = lab.Code{Code: "NPU27300", Text: "B-HbA1c", System: "NPU"}
	crp      = lab.Code{Code: "NPU19748", Text: "P-CRP", System: "NPU"}
	atTheLab = []labTest{
		{lab.Code{Code: "NPU02613", Text: "P-Litium", System: "NPU"}, "mmol/L", "0.5-0.8", 0.4, 0.9},
		{lab.Code{Code: "S-TSH", Text: "S-TSH", System: "L"}, "mIU/L", "0.3-4.2", 0.2, 6},
		{lab.Code{Code: "P-PSA", Text: "P-PSA", System: "L"}, "µg/L", "< 4.0", 0.1, 9},
		{lab.Code{Code: "P-ALAT", Text: "P-ALAT", System: "L"}, "µkat/L", "< 1.1", 0.2, 2},
	}
)

type labTest struct {
	code         lab.Code
	unit, ranges string
	low, high    float64
}

// Order n, as the patient orders it: one or two tests at the laboratory, and often one on an analyzer of the unit.
func Order(seed uint64, n int, now time.Time) lab.OrderWire {
	r := rand.New(rand.NewPCG(seed+1, uint64(n)))
	id := fmt.Sprintf("EPH-%d-%05d", seed, n)
	o := lab.OrderWire{
		ID: id, Status: lab.Ordered, Person: Patient(seed, n), Created: now,
		Requester: lab.Party{HSA: "SE2321000016-TEST", Name: "Testmottagningen"},
	}
	add := func(c lab.Code, material string, by lab.Performer) {
		o.Tests = append(o.Tests, lab.Test{Placer: fmt.Sprintf("%s-%d", id, len(o.Tests)+1), Code: c, Material: material, Performer: by})
	}
	first := r.IntN(len(atTheLab))
	add(atTheLab[first].code, "SER", lab.AtLaboratory)
	if r.IntN(2) == 0 {
		add(atTheLab[(first+1)%len(atTheLab)].code, "SER", lab.AtLaboratory)
	}
	switch fault := FaultOf(n); {
	case fault.AtSerial() || fault == None && n%4 == 0:
		add(hba1c, "BLD", lab.AtUnit)
	case fault.AtTCP() || fault == None && n%4 == 1:
		add(crp, "BLD", lab.AtUnit)
	}
	return o
}

// SpecimenID is the barcode on tube t of order n: ten digits and Luhn's check digit. Eleven digits are no personal number.
func SpecimenID(seed uint64, n, t int) string {
	digits := fmt.Sprintf("77%02d%05d%d", seed%100, n%100000, t%10)
	return digits + checkDigit(digits)
}
