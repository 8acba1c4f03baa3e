package collect_test

import (
	"fmt"
	"time"

	"rorpost/gateway/collect"
	"rorpost/gateway/lab"
)

func Example() {
	now := time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)
	order := lab.Order{ID: "ORD1", ClaimedBy: "SE2321000016-15CX", Tests: []lab.Test{{Placer: "P1", Material: "SER"}}}

	state := collect.Start("C1", []lab.Order{order}, "SE2321000016-15CX", now)
	state, err := state.Specimen("LID000123", "", now.Add(time.Minute))
	fmt.Println(state, err)
	state, orders, err := state.Confirm(now.Add(2 * time.Minute))
	fmt.Println(state, err)
	fmt.Println(orders[0].Status, orders[0].Specimens[0].ID, orders[0].Specimens[0].Placers)
	// Output:
	// collection C1: ready, 1 of 1 tubes <nil>
	// collection C1: confirmed, 1 of 1 tubes <nil>
	// collected LID000123 [P1]
}
