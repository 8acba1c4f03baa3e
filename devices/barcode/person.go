package barcode

import "regexp"

var (
	shapeDigits = regexp.MustCompile(`^(\d{2})?(\d{2})(\d{2})(\d{2})([-+ ]?)(\d{4})$`)
	shapeLetter = regexp.MustCompile(`^\d{4}(\d{2})(\d{2})-?[0-9A-Za-z]{4}$`)
	shapeCoded  = regexp.MustCompile(`^(18|19|20)\d{2}-\d{4}$`)
)

// personal reports whether a text has the form of a person's number, and whether its check digit proves it.
// Months 00 and days over 31 are in use (co-ordination and reserve numbers).
func personal(text string) (looks, proven bool) {
	if m := shapeDigits.FindStringSubmatch(text); m != nil {
		ten := m[2] + m[3] + m[4] + m[6]
		if m[1] == "99" { // Region Stockholm's reserve numbers: the check is over eight digits.
			return true, luhn(ten[2:])
		}
		dated := m[3] <= "12" && m[4] >= "01" && m[4] <= "91"
		centuried := m[1] == "" || m[1] == "18" || m[1] == "19" || m[1] == "20"
		return dated && centuried, dated && centuried && luhn(ten)
	}
	if shapeCoded.MatchString(text) {
		return true, false
	}
	if m := shapeLetter.FindStringSubmatch(text); m != nil {
		return m[1] >= "01" && m[1] <= "12" && m[2] >= "01" && m[2] <= "31" && text[:2] >= "18", false
	}
	return false, false
}
