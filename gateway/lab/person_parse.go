package lab

import (
	"regexp"
	"strings"
	"time"
	"unicode"
)

// PersonIDError says why a number was refused. It never contains the number.
type PersonIDError struct {
	Reason string
	Hint   string
}

func (e *PersonIDError) Error() string { return "the number was refused: " + e.Reason }

func refuse(reason, hint string) *PersonIDError { return &PersonIDError{Reason: reason, Hint: hint} }

// maxPersonID bounds what is looked at, in bytes; the longest known number has 13 characters.
const maxPersonID = 64

var (
	shapeShort    = regexp.MustCompile(`^(\d{6})([-+ ]?)(\d{4})$`)
	shapeLong     = regexp.MustCompile(`^(\d{8})[-+ ]?(\d{4})$`)
	shapeCoded    = regexp.MustCompile(`^\d{4}-\d{4}$`)
	shapeLettered = regexp.MustCompile(`^(\d{8})[- ]?([0-9A-Z]{4})$`)
	shapeSkane    = regexp.MustCompile(`^\d{6}[DEF][A-Z][01][A-Z]$`)
)

// ParsePersonID reads what was scanned or typed at the desk: a personnummer or samordningsnummer with ten or
// twelve digits, a reserve number, or a coded id ("1980-1234"). Dashes and digits of other scripts are folded.
// The error is a [*PersonIDError] and never contains the text. An accepted number may carry a
// [PersonID.Warning].
func ParsePersonID(text string, now time.Time) (PersonID, error) {
	if len(text) > maxPersonID {
		return PersonID{}, refuse("it is too long", "scan or type the personal number only")
	}
	i, err := recognise(fold(text), rules{now: now, desk: true})
	if err != nil {
		return PersonID{}, err
	}
	return newPersonID(i), nil
}

// rules are the circumstances in which a number is judged. At the desk an age that nobody reaches is a slip
// of the finger; on the wire it is only worth a warning.
type rules struct {
	now  time.Time
	desk bool
}

// recognise finds what kind of number a folded text is, and judges it by the rule of that kind.
func recognise(text string, r rules) (identity, *PersonIDError) {
	if text == "" {
		return identity{}, refuse("it is empty", "scan or type the personal number")
	}
	if m := shapeShort.FindStringSubmatch(text); m != nil {
		return shortNumber(m[1]+m[3], m[2], r)
	}
	if m := shapeLong.FindStringSubmatch(text); m != nil {
		return longNumber(m[1]+m[2], r)
	}
	if shapeCoded.MatchString(text) {
		return codedNumber(text, r)
	}
	if m := shapeLettered.FindStringSubmatch(text); m != nil {
		return letteredNumber(m[1]+m[2], r)
	}
	if shapeSkane.MatchString(text) {
		return identity{kind: IDRegional, value: text, warning: warnRegional}, nil
	}
	return identity{}, refuse("it has the form of no known number",
		"a personal number has 10 or 12 digits, a reserve number 12 characters")
}

// shortNumber finds the century of a ten-digit number: "-" says under 100 years of age this calendar year,
// "+" says 100 or more, and no sign leaves it open. Two possible centuries are asked about, never guessed.
func shortNumber(ten, sign string, r rules) (identity, *PersonIDError) {
	var found []identity
	var first *PersonIDError
	for _, year := range birthYears(ten, sign, r.now) {
		i, err := personalNumber(year+ten[2:], r)
		if err == nil {
			found = append(found, i)
		} else if first == nil {
			first = err
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return identity{}, refuse("two centuries are possible", "type the birth year with four digits")
	case first != nil:
		return identity{}, first
	}
	return identity{}, refuse("no birth year fits its sign", "type the birth year with four digits")
}

// longNumber tells twelve digits apart; the ranges of the systems do not overlap.
func longNumber(v string, r rules) (identity, *PersonIDError) {
	switch day := number(v[6:8]); {
	case v[:2] == "99":
		return stockholm(v)
	case day >= 32 && day <= 59:
		return carelink(v)
	}
	return personalNumber(v, r)
}

// letteredNumber tells the reserve numbers with letters apart.
func letteredNumber(v string, r rules) (identity, *PersonIDError) {
	if shapeNational.MatchString(v) {
		return national(v)
	}
	if shapeVGR.MatchString(v) {
		if i, err := vgr(v); err == nil {
			return i, nil
		}
	}
	if i, err := varmland(v); err == nil {
		return i, nil
	}
	if datePart(v) == "" {
		return identity{}, refuse("its first eight digits are not a date", "check the number against its source")
	}
	return identity{kind: IDRegional, value: v, warning: warnRegional}, nil
}

func codedNumber(v string, r rules) (identity, *PersonIDError) {
	if year := number(v[:4]); year > r.now.Year() || r.now.Year()-year > maxAge {
		return identity{}, refuse("its year is not a possible birth year", "a coded id is birth year, dash, four digits")
	}
	return identity{kind: IDCoded, value: v}, nil
}

// fold brings the ways of writing a number to one: plain digits, plain dash and plus, capitals, no space around.
func fold(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		switch {
		case c >= '\u2010' && c <= '\u2015', c == '\u2212', c == '\uFE58', c == '\uFE63', c == '\uFF0D':
			return '-'
		case c == '\uFF0B', c == '\uFE62':
			return '+'
		case c >= '\uFF10' && c <= '\uFF19':
			return c - '\uFF10' + '0'
		case unicode.IsSpace(c):
			return ' '
		case c == '\u200B', c == '\u200E', c == '\u200F', c == '\uFEFF':
			return -1
		}
		return unicode.ToUpper(c)
	}, s))
}
