package devices_test

import (
	"fmt"

	"rorpost/astm"
	"rorpost/devices"
)

func ExampleLoad() {
	p, err := devices.Load("siemens-dca-vantage")
	if err != nil {
		fmt.Println(err)
		return
	}
	messages, err := astm.Parse([]byte("H|\\^&\rP|1|LID000123\rO|1||011^0101\rR|1|^^^HbA1c|48|mmol/mol||||F\rL|1|N\r"))
	if err != nil {
		fmt.Println(err)
		return
	}
	records := messages[0].Records
	code := p.CodeOf(records[3])
	fmt.Println(p.SpecimenID(records[1], records[2]), code.System, code.Code, p.Value(records[3]), p.Unit(records[3]))
	// Output: LID000123 NPU NPU27300 48 mmol/mol
}
