package astm

import (
	"fmt"
	"strconv"
	"strings"
)

// path is a place in a record; repeat and component are 0 when they were not named.
type path struct {
	field, repeat, component int
}

// parsePath reads "4", "4[2]", "3.4" and "3[2].4".
func parsePath(s string) (path, error) {
	bad := fmt.Errorf("path %q is not like 4, 3.4 or 3[2].4", s)
	var p path
	field, component, dotted := strings.Cut(s, ".")
	if name, rest, indexed := strings.Cut(field, "["); indexed {
		inner, closed := strings.CutSuffix(rest, "]")
		if p.repeat = index(inner); p.repeat == 0 || !closed {
			return path{}, bad
		}
		field = name
	}
	if p.field = index(field); p.field == 0 {
		return path{}, bad
	}
	if dotted {
		if p.component = index(component); p.component == 0 {
			return path{}, bad
		}
	}
	return p, nil
}

// maxIndex bounds what a path may ask for, so that a builder cannot be made to fill the memory.
const maxIndex = 9999

// index reads a number from 1 on; 0 is none.
func index(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxIndex || s[0] == '+' {
		return 0
	}
	return n
}
