package lab

import (
	"fmt"
	"regexp"
	"time"
)

// maxAge is the age in whole years above which a birth year is taken for a slip: the check digit does not
// cover the century, so that 19 typed as 18 passes every other check.
const maxAge = 125

const (
	warnRegional = "the number has a regional format that has no check; compare it with its source"
	warnDate     = "the date in the number does not exist, though the number is well formed"
	warnNational = "the check digit of the national reserve number does not match"
	warnAge      = "the number says an age of more than 125 years"
	warnSystem   = "the number was sent under another system than its own"
)

var (
	shapeNational = regexp.MustCompile(`^(00|2[1-9]|[3-9]\d)\d{6}[A-HJ-NPR-UX-Z]{2}[0-9A-HJ-NPR-UX-Z]\d$`)
	shapeVGR      = regexp.MustCompile(`^\d{8}[KMX](0[6-9]|[1-8]\d)\d$`)
	shapeVarmland = regexp.MustCompile(`^(18|19|20)\d{6}S[FUXPL]\d[A-UW-Z1-9]$`)
)

// personalNumber judges twelve digits as a personnummer or, with 60 added to the day, a samordningsnummer.
func personalNumber(v string, r rules) (identity, *PersonIDError) {
	if !luhn(v[2:]) {
		return identity{}, refuse("the check digit does not match", "one digit is wrong; read the number again")
	}
	if v[8:11] == "000" {
		return identity{}, refuse("the birth number is 000", "read the number again")
	}
	if number(v[6:8]) >= 60 {
		return coordination(v, r)
	}
	day := datePart(v)
	if day == "" {
		return identity{}, refuse("the date does not exist", "read the number again")
	}
	i := identity{kind: IDPersonnummer, oid: OIDPersonnummer, value: v}
	return aged(i, day, r)
}

// coordination judges a samordningsnummer. Month 00 and day 60 say that the date is not verified; a date that
// cannot exist occurs among issued numbers, so it only warns.
func coordination(v string, r rules) (identity, *PersonIDError) {
	month, day := number(v[4:6]), number(v[6:8])-60
	if month > 12 || day > 31 {
		return identity{}, refuse("the date does not exist", "read the number again")
	}
	i := identity{kind: IDSamordningsnummer, oid: OIDSamordningsnummer, value: v}
	date := coordinationDate(v)
	if len(date) == 4 {
		if month != 0 && day != 0 {
			i.warning = warnDate
		}
		date += "0101"
	}
	return aged(i, date, r)
}

// aged refuses a birth date that is yet to come, and an age that nobody reaches. The date exists.
func aged(i identity, date string, r rules) (identity, *PersonIDError) {
	if date > r.now.Format("20060102") {
		return identity{}, refuse("the date is yet to come", "read the number again, and check the clock of this box")
	}
	if date > r.now.AddDate(-maxAge-1, 0, 0).Format("20060102") {
		return i, nil
	}
	if r.desk {
		return identity{}, refuse("it says an age of more than 125 years", "check the century")
	}
	i.warning = warnAge
	return i, nil
}

// birthYears lists the years, as four digits, that a ten-digit number can mean, the youngest first.
func birthYears(ten, sign string, now time.Time) []string {
	var years []string
	for century := now.Year() / 100; century >= now.Year()/100-2; century-- {
		year := century*100 + number(ten[:2])
		age := now.Year() - year // Reached this calendar year: what "-" and "+" go by.
		switch {
		case age < 0, sign == "-" && age >= 100, sign == "+" && age < 100, age > maxAge+1:
			continue
		}
		years = append(years, fmt.Sprintf("%04d", year))
	}
	return years
}

// stockholm judges 99yyyyNNNNNC, Luhn over characters 5 to 11. Its year is not tested: numbers in use break
// the documented range.
func stockholm(v string) (identity, *PersonIDError) {
	if !luhn(v[4:]) {
		return identity{}, refuse("the check digit of the reserve number does not match", "read the number again")
	}
	return identity{kind: IDStockholm, oid: OIDStockholm, value: v}, nil
}

// carelink judges a number with day 32 to 59 and the check digit of a personnummer.
func carelink(v string) (identity, *PersonIDError) {
	month, day := number(v[4:6]), number(v[6:8])
	if month < 1 || month > 12 || day < 32 || day > 59 {
		return identity{}, refuse("the date does not exist", "read the number again")
	}
	if !luhn(v[2:]) {
		return identity{}, refuse("the check digit does not match", "one digit is wrong; read the number again")
	}
	return identity{kind: IDCarelink, oid: OIDCarelink, value: v}, nil
}

// vgr judges yyyymmdd, K M or X, two digits and a check digit: Luhn over characters 3 to 11 with the letter
// worth 5, 7 or 8. The second digit pair is even for a woman, odd for a man, 80 to 89 when unknown.
func vgr(v string) (identity, *PersonIDError) {
	worth := map[byte]string{'K': "5", 'M': "7", 'X': "8"}
	if !luhn(v[2:8] + worth[v[8]] + v[9:]) {
		return identity{}, refuse("the check digit of the reserve number does not match", "read the number again")
	}
	if datePart(v) == "" {
		return identity{}, refuse("the date does not exist", "read the number again")
	}
	return identity{kind: IDVGR, oid: OIDVGR, value: v}, nil
}

func varmland(v string) (identity, *PersonIDError) {
	if !shapeVarmland.MatchString(v) || datePart(v) == "" {
		return identity{}, refuse("it has not the form of its reserve number", "read the number again")
	}
	return identity{kind: IDVarmland, oid: OIDVarmland, value: v}, nil
}

// national judges XXYYMMDDNNGC. A check digit that does not match only warns: a published example fails it.
func national(v string) (identity, *PersonIDError) {
	i := identity{kind: IDNationalReserve, oid: OIDNationalReserve, value: v}
	if !nationalCheck(v) {
		i.warning = warnNational
	}
	return i, nil
}

// nationalCheck is Luhn over characters 3 to 11 with letters by their ASCII codes, the digits of each product
// added.
func nationalCheck(v string) bool {
	sum := 0
	for i := 2; i < 11; i++ {
		n := int(v[i] - '0')
		if v[i] >= 'A' {
			n = int(v[i])
		}
		if i%2 == 0 {
			n *= 2
		}
		for ; n > 0; n /= 10 {
			sum += n % 10
		}
	}
	return (10-sum%10)%10 == int(v[11]-'0')
}

// luhn reports whether the last digit is the modulus-10 check of those before it.
func luhn(v string) bool {
	sum := 0
	for i := range len(v) {
		n := int(v[len(v)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// datePart returns the first eight characters if they are a date, else "".
func datePart(v string) string {
	if len(v) < 8 {
		return ""
	}
	if _, err := time.Parse("20060102", v[:8]); err != nil {
		return ""
	}
	return v[:8]
}

// coordinationDate is the date in a samordningsnummer, or its year when month, day or both prove nothing.
func coordinationDate(v string) string {
	if date := datePart(v[:6] + fmt.Sprintf("%02d", number(v[6:8])-60)); date != "" {
		return date
	}
	return v[:4]
}

// reserveDate is the date in a national reserve number: the century is moved by a multiple of three.
func reserveDate(v string) string {
	if v[:2] == "00" {
		return ""
	}
	return datePart(fmt.Sprintf("%02d", 18+(number(v[:2])-18)%3) + v[2:])
}

// number reads decimal digits; the shapes have seen to it that there is nothing else.
func number(s string) int {
	n := 0
	for _, c := range []byte(s) {
		n = n*10 + int(c-'0')
	}
	return n
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
