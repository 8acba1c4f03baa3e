package lab

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unique"
)

// IDKind says what kind of number identifies a person.
type IDKind uint8

// The kinds of identity that the gateway tells apart.
const (
	IDNone              IDKind = iota
	IDPersonnummer             // Personal identity number.
	IDSamordningsnummer        // Co-ordination number: day + 60.
	IDNationalReserve          // National reserve number (NRID).
	IDStockholm                // Region Stockholm reserve number.
	IDVGR                      // Västra Götaland reserve number.
	IDVarmland                 // Region Värmland reserve number.
	IDCarelink                 // Carelink/Inera reserve number.
	IDRegional                 // A regional format without a known OID.
	IDCoded                    // "1980-1234", on referrals that must not name the patient.
	IDOpaque                   // A number of somebody else's making, carried as it is.
)

var kindNames = [...]string{
	"nobody", "personnummer", "samordningsnummer", "nationellt reservnummer", "reservnummer Stockholm",
	"reservnummer VGR", "reservnummer Värmland", "reservnummer Carelink", "regionalt reservnummer",
	"coded id", "other id",
}

func (k IDKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown kind"
}

// Object identifiers of the numbering systems that the gateway knows.
const (
	OIDPersonnummer      = "1.2.752.129.2.1.3.1"
	OIDSamordningsnummer = "1.2.752.129.2.1.3.3"
	OIDNationalReserve   = "1.2.752.74.9.1"
	OIDStockholm         = "1.2.752.97.3.1.3"
	OIDVGR               = "1.2.752.113.11.0.2.1.1.1"
	OIDVarmland          = "1.2.752.74.9.2"
	OIDCarelink          = "1.2.752.129.2.1.3.2"
)

// PersonID is one person's number. It is comparable, and it cannot print itself: every verb of fmt, every
// marshaller and every logger gets a mask. The number is behind a handle, so that not even reflection over an
// unexported field shows more than an address. [PersonID.Wire] is the one way out.
type PersonID struct{ h unique.Handle[sealed] }

// sealed hides the identity from printers: fmt follows a pointer to a struct at the top level and after a wrong
// verb, but never a pointer to an interface.
type sealed interface{ open() identity }

// identity is what a PersonID stands for.
type identity struct {
	kind    IDKind
	oid     string
	value   string // As on the wire.
	warning string
}

func (i identity) open() identity { return i }

func newPersonID(i identity) PersonID { return PersonID{h: unique.Make[sealed](i)} }

func (p PersonID) identity() identity {
	if p == (PersonID{}) {
		return identity{}
	}
	return p.h.Value().open()
}

// Wire returns the number as it is sent in PID-3.1: twelve digits for a personnummer. It is the only exit.
func (p PersonID) Wire() string { return p.identity().value }

// OID names the numbering system; "" when none is known.
func (p PersonID) OID() string { return p.identity().oid }

// Kind says what kind of number it is.
func (p PersonID) Kind() IDKind { return p.identity().kind }

// IsZero reports whether nobody is named.
func (p PersonID) IsZero() bool { return p == PersonID{} }

// Warning is what a person at the desk should be told about an accepted number, or "".
func (p PersonID) Warning() string { return p.identity().warning }

// Linked reports whether the number may lead to a person: never for coded and anonymous ids, nor for numbers
// of an unknown system, which may be either.
func (p PersonID) Linked() bool {
	switch p.Kind() {
	case IDNone, IDCoded, IDOpaque:
		return false
	}
	return true
}

// Same reports whether two numbers name the same person. A missing system agrees with any; a ten-digit number
// whose century is open agrees with the twelve digits that end in it. Nobody is never the same as nobody.
func (p PersonID) Same(q PersonID) bool {
	a, b := p.identity(), q.identity()
	if a.value == "" || b.value == "" {
		return false
	}
	if a.kind == b.kind && a.value == b.value && a.oid == b.oid {
		return true
	}
	if a.oid != "" && b.oid != "" && a.oid != b.oid {
		return false
	}
	if (a.kind == IDCoded) != (b.kind == IDCoded) {
		return false
	}
	x, y := bare(a.value), bare(b.value)
	return x == y || openCentury(a, b, x, y) || openCentury(b, a, y, x)
}

// openCentury reports whether short is the last ten digits of a twelve-digit personal number.
func openCentury(open, full identity, short, long string) bool {
	return open.kind == IDOpaque && len(short) == 10 && digits(short) && len(long) == 12 &&
		(full.kind == IDPersonnummer || full.kind == IDSamordningsnummer) && strings.HasSuffix(long, short)
}

// bare is a number without what differs between ways of writing it.
func bare(s string) string { return strings.ReplaceAll(fold(s), "-", "") }

// BirthDate is what the number proves about the birth date: "19850101", "1985" when only the year is proven,
// "" when nothing is. A day or month that is not known is never made up.
func (p PersonID) BirthDate() string {
	i := p.identity()
	switch i.kind {
	case IDPersonnummer, IDVGR, IDVarmland, IDRegional:
		return datePart(i.value)
	case IDSamordningsnummer:
		return coordinationDate(i.value)
	case IDNationalReserve:
		return reserveDate(i.value)
	case IDCarelink, IDCoded:
		return i.value[:4]
	}
	return ""
}

// String masks: it says the kind and nothing else.
func (p PersonID) String() string {
	if p.IsZero() {
		return "nobody"
	}
	return p.Kind().String() + "(masked)"
}

// Format masks under every verb and flag.
func (p PersonID) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// GoString masks.
func (p PersonID) GoString() string { return p.String() }

// LogValue masks.
func (p PersonID) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText masks; there is no way back, [Order.Wire] is the form to keep.
func (p PersonID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalJSON masks.
func (p PersonID) MarshalJSON() ([]byte, error) { return []byte(`"` + p.String() + `"`), nil }

// Person is whose sample it is. It masks itself like [PersonID]; its names are plain strings for those who
// render a message, so keep it in exported fields or inside [Order], where the mask reaches it.
type Person struct {
	ID        PersonID
	Family    string
	Given     string
	Sex       string // HL7 table 0001: "F", "M", "U".
	Protected bool   // Skyddade personuppgifter: no address, phone or place anywhere but at the desk.
}

// String masks.
func (p Person) String() string {
	if p.Protected {
		return "protected person " + p.ID.String()
	}
	return "person " + p.ID.String()
}

// Format masks under every verb and flag.
func (p Person) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// GoString masks.
func (p Person) GoString() string { return p.String() }

// LogValue masks.
func (p Person) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText masks.
func (p Person) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalJSON masks.
func (p Person) MarshalJSON() ([]byte, error) { return []byte(`"` + p.String() + `"`), nil }
