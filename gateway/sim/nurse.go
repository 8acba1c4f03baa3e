package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"rorpost/gateway/lab"
)

// Nurse takes the samples: scans the card, waits until the order is fetched, scans the tubes, and puts those that the
// unit measures itself into the analyzers.
type Nurse struct {
	Seed      uint64
	Clinic    *Clinic
	Scanner   io.Writer            // A scanner types what it reads and a CR.
	Patience  time.Duration        // How long she waits before she scans again.
	Analyzers map[string]*Analyzer // By the code of the test.
	Ledger    *Ledger
}

// ErrGaveUp is returned when the desk did not do what it should after several scans.
var ErrGaveUp = errors.New("the desk did not react to several scans")

// Visit is one patient from order to tubes.
func (x *Nurse) Visit(ctx context.Context, n int) error {
	o, err := x.Clinic.Order(ctx, n)
	if err != nil {
		return err
	}
	if FaultOf(n) == WrongDigitScan {
		x.Ledger.Injected(WrongDigitScan)
		if err := x.scan(WrongDigit(o.Person.Value)); err != nil {
			return err
		}
	}
	if err := x.until(ctx, o, lab.Fetched, func() error { return x.scan(o.Person.Value) }); err != nil {
		return fmt.Errorf("fetch order %s: %w", o.ID, err)
	}
	x.Ledger.Found(o.ID)
	tubes := tubesOf(o)
	err = x.until(ctx, o, lab.Collected, func() error {
		for i := range tubes {
			if err := x.scan(SpecimenID(x.Seed, n, i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("collect order %s: %w", o.ID, err)
	}
	for i, material := range tubes {
		x.measure(o, material, SpecimenID(x.Seed, n, i), n)
	}
	return nil
}

func (x *Nurse) scan(text string) error {
	x.Ledger.Scanned()
	_, err := io.WriteString(x.Scanner, text+"\r")
	return err
}

// until does something and waits for the order to come as far as wanted; it does it again when nothing happens.
func (x *Nurse) until(ctx context.Context, o lab.OrderWire, wanted lab.OrderStatus, do func() error) error {
	for range 6 {
		if err := do(); err != nil {
			return err
		}
		deadline := time.Now().Add(x.Patience)
		for time.Now().Before(deadline) {
			status, err := x.Clinic.Status(ctx, o)
			if err == nil && reached(status, wanted) {
				return nil
			}
			if err := pause(ctx, 25*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return ErrGaveUp
}

var stages = map[lab.OrderStatus]int{lab.Ordered: 0, lab.Fetched: 1, lab.Collected: 2, lab.Sent: 3, lab.Partial: 4, lab.Answered: 5, lab.Corrected: 5}

func reached(got, wanted lab.OrderStatus) bool { return stages[got] >= stages[wanted] }

func (x *Nurse) measure(o lab.OrderWire, material, specimen string, n int) {
	for _, t := range o.Tests {
		if a := x.Analyzers[t.Code.Code]; a != nil && t.Performer == lab.AtUnit && t.Material == material {
			a.Load(Tube{Specimen: specimen, Order: n})
		}
	}
}

// tubesOf are the kinds of tube of an order, in the order in which the desk asks for them.
func tubesOf(o lab.OrderWire) []string { return lab.Order{Tests: o.Tests}.Materials() }

// pause waits or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
