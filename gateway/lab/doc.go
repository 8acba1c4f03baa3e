// Package lab is the vocabulary of the gateway: who a patient is, what is ordered, what is in a tube, what was
// measured, and what went wrong. It holds values and rules, and does no input or output.
//
// Identity is a type that cannot print itself: [PersonID] and [Person] mask themselves in every form of
// formatting, logging and JSON. The one way out is [PersonID.Wire].
package lab
