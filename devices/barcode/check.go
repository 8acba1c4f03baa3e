package barcode

import "strings"

// Check names how the last character of a label checks those before it.
type Check string

// The checks that labels in use have.
const (
	None  Check = "none"  // Also "".
	Luhn  Check = "luhn"  // Modulus 10, every second digit doubled.
	Mod10 Check = "mod10" // Modulus 10 with weights 3 and 1, as in EAN.
	Mod11 Check = "mod11" // Modulus 11 with weights 2 to 7 from the right; 10 is written X, 11 is written 0.
	Mod43 Check = "mod43" // Code 39's sum of character values.
)

// Checks lists the names that a configuration may give.
func Checks() []Check { return []Check{None, Luhn, Mod10, Mod11, Mod43} }

// Known reports whether the name is one of [Checks] or empty.
func (c Check) Known() bool {
	for _, k := range Checks() {
		if c == k {
			return true
		}
	}
	return c == ""
}

// Valid reports whether the last character of text is the right one. A check that is not [Check.Known] never is.
func (c Check) Valid(text string) bool {
	if len(text) < 2 {
		return false
	}
	body, last := text[:len(text)-1], text[len(text)-1]
	switch c {
	case None, "":
		return true
	case Luhn:
		return digits(text) && luhn(text)
	case Mod10:
		return digits(text) && '0'+byte((10-weighted(body, []int{3, 1})%10)%10) == last
	case Mod11:
		return digits(body) && mod11(body) == last
	case Mod43:
		return mod43(body, last)
	}
	return false
}

// weighted sums the digits times the weights, which repeat from the right.
func weighted(body string, weights []int) int {
	sum := 0
	for i := range len(body) {
		sum += int(body[len(body)-1-i]-'0') * weights[i%len(weights)]
	}
	return sum
}

func mod11(body string) byte {
	switch n := 11 - weighted(body, []int{2, 3, 4, 5, 6, 7})%11; n {
	case 10:
		return 'X'
	case 11:
		return '0'
	default:
		return '0' + byte(n)
	}
}

func mod43(body string, last byte) bool {
	const values = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"
	sum := 0
	for i := range len(body) {
		v := strings.IndexByte(values, body[i])
		if v < 0 {
			return false
		}
		sum += v
	}
	return values[sum%43] == last
}

func luhn(text string) bool {
	sum := 0
	for i := range len(text) {
		n := int(text[len(text)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
