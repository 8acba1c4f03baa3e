package lab

import (
	"regexp"
	"strings"
	"time"
)

// label is what a tube's barcode looks like: letters, digits and few signs, with a digit in it.
var label = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9^._/-]{0,29}$`)

// ShownSpecimen is a specimen id as it may stand in a list, a reason or an error text. Staff type personal numbers and
// names where an analyzer asks for a specimen; what is no label, or could be a person's number, is not shown (P9).
func ShownSpecimen(id string) string {
	if id == "" {
		return "(none)"
	}
	if !label.MatchString(id) || !strings.ContainsAny(id, "0123456789") {
		return "(hidden: it is no label)"
	}
	if _, err := ParsePersonID(id, time.Now()); err == nil {
		return "(hidden: it could be a personal number)"
	}
	if p, err := PersonIDFromWire("", id, time.Now()); err == nil && p.Kind() != IDOpaque {
		return "(hidden: it could be a personal number)"
	}
	return id
}
