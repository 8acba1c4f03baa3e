package lab_test

import (
	"fmt"
	"time"

	"rorpost/gateway/lab"
)

func ExampleParsePersonID() {
	now := time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)
	id, err := lab.ParsePersonID("850101-2382", now)
	fmt.Println(id, err)
	fmt.Println(id.Wire(), id.OID(), id.BirthDate())

	_, err = lab.ParsePersonID("850101-2383", now)
	fmt.Println(err)
	// Output:
	// personnummer(masked) <nil>
	// 198501012382 1.2.752.129.2.1.3.1 19850101
	// the number was refused: the check digit does not match
}

func ExamplePersonIDFromWire() {
	now := time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)
	id, err := lab.PersonIDFromWire(lab.OIDVGR, "19810829M071", now)
	fmt.Println(id, err)
	coded, err := lab.PersonIDFromWire("", "1980-1234", now)
	fmt.Println(coded, coded.Linked(), err)
	// Output:
	// reservnummer VGR(masked) <nil>
	// coded id(masked) false <nil>
}
