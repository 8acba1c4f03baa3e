package astm_test

import (
	"fmt"

	"rorpost/astm"
)

func ExampleParse() {
	messages, err := astm.Parse([]byte("H|\\^&|||Maker^Model\rP|1\rO|1|4711\rR|1|^^^CRP|8|mg/L||H||F\rL|1|N\r"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range messages[0].Records {
		if r.Type() == 'R' {
			fmt.Println(r.Get("3.4"), r.Get("4"), r.Get("5"))
		}
	}
	// Output:
	// CRP 8 mg/L
}

func ExampleNewMessage() {
	m, err := astm.NewMessage(astm.DefaultDelimiters(),
		astm.NewRecord('H').Set("5", "rorpost"),
		astm.NewRecord('O').Set("2", "1").Set("3", "4711").Set("5.4", "CRP"),
		astm.NewRecord('L').Set("2", "1").Set("3", "N"))
	fmt.Printf("%q %v\n", m.Bytes(), err)
	// Output:
	// "H|\\^&|||rorpost\rO|1|4711||^^^CRP\rL|1|N\r" <nil>
}
