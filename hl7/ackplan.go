package hl7

// condition is a value of table 0155: when a level is to be acknowledged.
type condition uint8

const (
	condNever condition = iota
	condAlways
	condError
	condSuccess
)

// readCondition reads MSH-15 or MSH-16. Other values (an analyzer marks controls with 2) are no condition.
func readCondition(s string) (condition, bool) {
	switch s {
	case "AL":
		return condAlways, true
	case "ER":
		return condError, true
	case "SU":
		return condSuccess, true
	case "NE":
		return condNever, true
	}
	return condNever, false
}

func (c condition) asks(ok bool) bool {
	return c == condAlways || c == condError && !ok || c == condSuccess && ok
}

func enhancedMode(accept, application string) bool {
	_, a := readCondition(accept)
	_, b := readCondition(application)
	return a || b
}

// AckPlan says which acknowledgements a message gets, in order, once it is known whether it is in safe storage (kept)
// and whether the application took it (processed). Accept and application are MSH-15 and MSH-16. With neither valued
// the message is in original mode and gets exactly one of AA, AE and AR; in enhanced mode a level that is not valued
// is not acknowledged [HL7 2.5.1 2.9.2, 2.9.3]. A message that was not kept gets CE, or AR where only the
// application level is asked for: sent again later it may succeed.
func AckPlan(accept, application string, kept, processed bool) []Code {
	if !enhancedMode(accept, application) {
		switch {
		case !kept:
			return []Code{AR}
		case !processed:
			return []Code{AE}
		}
		return []Code{AA}
	}
	commit, _ := readCondition(accept)
	app, _ := readCondition(application)
	var plan []Code
	if !kept {
		switch {
		case commit.asks(false):
			return []Code{CE}
		case app.asks(false):
			return []Code{AR}
		}
		return nil
	}
	if commit.asks(true) {
		plan = append(plan, CA)
	}
	if app.asks(processed) {
		if processed {
			return append(plan, AA)
		}
		return append(plan, AE)
	}
	return plan
}
