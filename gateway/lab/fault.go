package lab

import (
	"errors"
	"fmt"
)

// Class says what a fault asks for.
type Class uint8

const (
	Retry  Class = iota + 1 // Try again later, by itself.
	Park                    // A person must look at it.
	Reject                  // The sender must send something else.
)

func (c Class) String() string {
	switch c {
	case Retry:
		return "retry"
	case Park:
		return "park"
	case Reject:
		return "reject"
	}
	return "unclassified"
}

// Fault is the daemon's one error with a decision in it. Neither Hint nor Err may carry a person's identity.
type Fault struct {
	Class Class
	Op    string // What was being done: "look up orders".
	Hint  string // What a person at the bench can do; may be empty.
	Err   error
}

func (f *Fault) Error() string {
	if f.Err == nil {
		return f.Op
	}
	return fmt.Sprintf("%s: %v", f.Op, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

// ClassOf returns the class of the first Fault in err's chain; an error that nobody classified asks for a person.
func ClassOf(err error) Class {
	var f *Fault
	if errors.As(err, &f) {
		return f.Class
	}
	return Park
}

// HintOf returns the hint of the first Fault in err's chain, or "".
func HintOf(err error) string {
	var f *Fault
	if errors.As(err, &f) {
		return f.Hint
	}
	return ""
}
