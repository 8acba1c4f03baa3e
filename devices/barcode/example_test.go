package barcode_test

import (
	"fmt"

	"rorpost/devices/barcode"
)

func ExampleRead() {
	for _, raw := range []string{"]C0LID000123", "850101-2382", "CONFIRM", "]C10107300000000017"} {
		scan := barcode.Read([]byte(raw), barcode.Rules{})
		fmt.Printf("%v %q\n", scan.Kind, scan.Text)
	}
	// Output:
	// specimen "LID000123"
	// person "850101-2382"
	// control "CONFIRM"
	// unknown "0107300000000017"
}

func ExampleSplitter() {
	var s barcode.Splitter
	for _, read := range []string{"LID00", "0123\r\nLID000124\r", "\n"} {
		for _, scan := range s.Push([]byte(read)) {
			fmt.Printf("%s\n", scan)
		}
	}
	// Output:
	// LID000123
	// LID000124
}
