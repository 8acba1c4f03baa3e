package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Places is where the gateway and the centre are, or will be.
type Places struct {
	Central  string // Base URL of the centre.
	Answers  string // Address of the gateway's MLLP listener.
	Analyzer string // Address that the gateway's TCP analyzer port listens on.
}

// World is every peer of one gateway.
type World struct {
	Seed   uint64
	Places Places
	Ledger *Ledger

	Scanner *Line // The gateway opens Scanner.Name.
	Serial  *Line // The analyzer on the serial line.

	Lab      *Laboratory
	Journal  *Journal
	Clinic   *Clinic
	Nurse    *Nurse
	HbA1c    *Analyzer // On the serial line at 9600 baud.
	CRP      *Analyzer // On TCP.
	consumer *Consumer

	labListener, journalListener net.Listener
}

// NewWorld opens the peers' own ends: two listeners on loopback and two pseudo-terminals.
func NewWorld(seed uint64, p Places) (*World, error) {
	w := &World{Seed: seed, Places: p, Ledger: NewLedger()}
	if err := w.open(); err != nil {
		w.Close()
		return nil, err
	}
	unit := &Web{Base: p.Central}
	unit.Client.Timeout = 3 * time.Second
	w.Lab = &Laboratory{Seed: seed, Gateway: p.Answers, Delay: 800 * time.Millisecond, Ledger: w.Ledger}
	w.Journal = &Journal{Ledger: w.Ledger}
	w.Clinic = &Clinic{Seed: seed, Store: unit, Ledger: w.Ledger}
	w.consumer = &Consumer{Queue: unit, Ledger: w.Ledger}
	w.HbA1c = &Analyzer{Seed: seed, Model: "DCA VANTAGE^04.04.00.00^SIM0001", Test: hba1c, Local: "HbA1c", Unit: "mmol/mol",
		Low: 28, High: 90, Dial: w.Serial.Dial, Ledger: w.Ledger}
	w.CRP = &Analyzer{Seed: seed, Model: "Afinion 2^Sim", Test: crp, Local: "CRP", Unit: "mg/L", Low: 1, High: 150, Dial: w.dial, Ledger: w.Ledger}
	w.Nurse = &Nurse{Seed: seed, Clinic: w.Clinic, Scanner: w.Scanner, Patience: 2 * time.Second, Ledger: w.Ledger,
		Analyzers: map[string]*Analyzer{hba1c.Code: w.HbA1c, crp.Code: w.CRP}}
	return w, nil
}

func (w *World) open() (err error) {
	if w.Scanner, err = OpenLine(0); err != nil {
		return err
	}
	if w.Serial, err = OpenLine(9600); err != nil {
		return err
	}
	if w.labListener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen as the laboratory: %w", err)
	}
	if w.journalListener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen as the journal: %w", err)
	}
	return nil
}

func (w *World) dial(ctx context.Context) (io.ReadWriteCloser, error) {
	d := net.Dialer{Timeout: time.Second}
	return d.DialContext(ctx, "tcp", w.Places.Analyzer)
}

// LabAddress is where the laboratory takes orders.
func (w *World) LabAddress() string { return w.labListener.Addr().String() }

// JournalAddress is where the journal takes results.
func (w *World) JournalAddress() string { return w.journalListener.Addr().String() }

// Close gives the listeners and lines back.
func (w *World) Close() {
	for _, l := range []net.Listener{w.labListener, w.journalListener} {
		if l != nil {
			_ = l.Close()
		}
	}
	for _, l := range []*Line{w.Scanner, w.Serial} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// Run lets every peer live until ctx ends.
func (w *World) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i, run := range []func(context.Context) error{
		func(ctx context.Context) error { return w.Lab.Serve(ctx, w.labListener) },
		func(ctx context.Context) error { return w.Journal.Serve(ctx, w.journalListener) },
		w.Lab.Run, w.consumer.Run, w.HbA1c.Run, w.CRP.Run,
	} {
		wg.Go(func() { errs[i] = run(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Idle tells whether no peer has anything left to say, and everything that is owed has arrived.
func (w *World) Idle() bool {
	return w.Lab.Idle() && w.HbA1c.Idle() && w.CRP.Idle() && w.Ledger.Settled()
}

// Pace is who comes, and how fast.
type Pace struct {
	First int           // Number of the first order.
	Count int           // How many come; 0 means until ctx ends.
	Every time.Duration // One each interval.
}

// Visits lets patients come. A visit that fails, because the gateway is away, is told to problem and not repeated.
func (w *World) Visits(ctx context.Context, p Pace, problem func(error)) {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for n := p.First; p.Count == 0 || n < p.First+p.Count; n++ {
		if err := w.Nurse.Visit(ctx, n); err != nil && ctx.Err() == nil {
			problem(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
