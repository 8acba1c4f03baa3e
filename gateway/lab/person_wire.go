package lab

import (
	"strings"
	"time"
)

// maxWireID bounds an identifier from a message, in bytes; [HL7 2.5.1 2.A.14] gives CX.1 fifteen characters,
// and real systems send more.
const maxWireID = 250

// PersonIDFromWire reads an identifier from a message. Under a known OID the number must keep that system's
// rule, or it is an error. Under an unknown or empty OID ten or twelve digits that prove themselves become what
// they are, and anything else is carried as it is. No value, and HL7's null, are nobody.
func PersonIDFromWire(oid, value string, now time.Time) (PersonID, error) {
	value = strings.TrimSpace(value)
	oid = strings.TrimPrefix(strings.TrimSpace(oid), "urn:oid:")
	if value == "" || value == `""` {
		return PersonID{}, nil
	}
	if len(value) > maxWireID || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' }) {
		return PersonID{}, refuse("it is too long or has control characters", "the sender must correct it")
	}
	text := fold(value)
	r := rules{now: now}
	var i identity
	var err *PersonIDError
	switch oid {
	case OIDPersonnummer, OIDSamordningsnummer:
		i, err = sentPersonal(oid, text, r)
	case OIDStockholm, OIDVGR, OIDVarmland, OIDNationalReserve, OIDCarelink:
		i, err = sentReserve(oid, text)
	default:
		i = sentUnknown(oid, value, text, r)
	}
	if err != nil {
		return PersonID{}, err
	}
	return newPersonID(i), nil
}

// sentPersonal judges a number under one of the two national OIDs. Systems exist that send a samordningsnummer
// as a personnummer; it becomes what it is, with a warning.
func sentPersonal(oid, text string, r rules) (identity, *PersonIDError) {
	var i identity
	var err *PersonIDError
	if m := shapeLong.FindStringSubmatch(text); m != nil {
		i, err = personalNumber(m[1]+m[2], r)
	} else if m := shapeShort.FindStringSubmatch(text); m != nil {
		i, err = sentShort(oid, m[1]+m[3], m[2], r)
	} else {
		return identity{}, refuse("it has not the form of a personal number", "the sender must correct it")
	}
	if err == nil && i.oid != oid {
		i.warning = warnSystem
	}
	return i, err
}

// sentShort leaves the century of ten digits open where two are possible: [PersonID.Same] can still compare.
func sentShort(oid, ten, sign string, r rules) (identity, *PersonIDError) {
	i, err := shortNumber(ten, sign, r)
	if err == nil || !luhn(ten) || len(birthYears(ten, sign, r.now)) < 2 {
		return i, err
	}
	return identity{kind: IDOpaque, oid: oid, value: ten, warning: err.Reason}, nil
}

// sentReserve judges a number under the OID of a reserve system.
func sentReserve(oid, text string) (identity, *PersonIDError) {
	v := strings.NewReplacer("-", "", " ", "").Replace(text)
	long := shapeLong.MatchString(v)
	switch {
	case oid == OIDStockholm && long && v[:2] == "99":
		return stockholm(v)
	case oid == OIDCarelink && long:
		return carelink(v)
	case oid == OIDVGR && shapeVGR.MatchString(v):
		return vgr(v)
	case oid == OIDVarmland:
		return varmland(v)
	case oid == OIDNationalReserve && shapeNational.MatchString(v):
		return national(v)
	}
	return identity{}, refuse("it has not the form of its reserve number", "the sender must correct it")
}

// sentUnknown never refuses: what cannot be proven is carried as it came, under the OID it came with.
func sentUnknown(oid, value, text string, r rules) identity {
	i, err := recognise(text, r)
	if err != nil {
		return identity{kind: IDOpaque, oid: oid, value: value, warning: err.Reason}
	}
	if i.kind == IDCoded || i.kind == IDRegional {
		i.oid = oid
		return i
	}
	if oid != "" && !digits(i.value) {
		return identity{kind: IDRegional, oid: oid, value: i.value, warning: warnRegional}
	}
	return i
}
