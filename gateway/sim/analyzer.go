package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"rorpost/astm"
	"rorpost/astm/lis1a"
	"rorpost/gateway/lab"
)

// Tube is what is put into an analyzer.
type Tube struct {
	Specimen string
	Order    int
}

// Analyzer speaks ASTM as an instrument: it asks the host what to run on a tube, and sends what it measured.
type Analyzer struct {
	Seed   uint64
	Model  string   // H-5.
	Test   lab.Code // What it measures; the code it writes is Local.
	Local  string
	Unit   string
	Low    float64
	High   float64
	Dial   func(ctx context.Context) (io.ReadWriteCloser, error) // Opens the line; called again after a failure.
	Ledger *Ledger

	mu     sync.Mutex
	tubes  []Tube
	busy   bool
	broken map[int]bool // Orders whose failure has been made.
	answer chan []string
}

// Load puts a tube into the analyzer.
func (x *Analyzer) Load(t Tube) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tubes = append(x.tubes, t)
}

// Idle tells whether the analyzer has nothing to do.
func (x *Analyzer) Idle() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.tubes) == 0 && !x.busy
}

func (x *Analyzer) next() (Tube, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy = len(x.tubes) > 0
	if !x.busy {
		return Tube{}, false
	}
	t := x.tubes[0]
	x.tubes = x.tubes[1:]
	return t, true
}

func (x *Analyzer) putBack(t Tube) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tubes, x.busy = append([]Tube{t}, x.tubes...), false
}

// Run works until ctx ends; when the line fails it is opened again and the tube that was in work is done again.
func (x *Analyzer) Run(ctx context.Context) error {
	x.broken = map[int]bool{}
	for ctx.Err() == nil {
		line, err := x.Dial(ctx)
		if err == nil {
			x.work(ctx, line)
			line.Close()
		}
		if pause(ctx, 300*time.Millisecond) != nil {
			break
		}
	}
	return nil
}

// work serves one connection.
func (x *Analyzer) work(ctx context.Context, line io.ReadWriteCloser) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wire := &faultyLine{ReadWriteCloser: line}
	conn := lis1a.NewConn(wire, lis1a.Options{Dialect: lis1a.Standard(), Role: lis1a.Instrument})
	x.answer = make(chan []string, 4)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer cancel()
		_ = conn.Run(ctx, &hostAnswers{to: x.answer})
	}()
	defer func() { <-ended }()
	defer line.Close()
	defer cancel()
	for ctx.Err() == nil {
		t, ok := x.next()
		if !ok {
			if pause(ctx, 20*time.Millisecond) != nil {
				return
			}
			continue
		}
		if err := x.measure(ctx, conn, wire, t); err != nil {
			x.putBack(t)
			return
		}
		x.done()
	}
}

func (x *Analyzer) done() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy = false
}

// measure asks what to run on a tube and sends the result.
func (x *Analyzer) measure(ctx context.Context, conn *lis1a.Conn, wire *faultyLine, t Tube) error {
	if err := conn.Send(ctx, x.message(fmt.Sprintf("Q|1|^%s||ALL", t.Specimen))); err != nil {
		return err
	}
	tests, err := x.wait(ctx)
	if err != nil {
		return err
	}
	if len(tests) == 0 {
		return nil // The host knows of nothing to run on this tube.
	}
	r := rand.New(rand.NewPCG(x.Seed, uint64(t.Order)))
	value := strconv.FormatFloat(x.Low+r.Float64()*(x.High-x.Low), 'f', 1, 64)
	x.fail(wire, t)
	text := x.message(
		"P|1", "O|1|"+t.Specimen+"||^^^"+x.Local+"|R",
		fmt.Sprintf("R|1|^^^%s|%s|%s||N||F||||%s", x.Local, value, x.Unit, measured(t)))
	if err := conn.Send(ctx, text); err != nil {
		return err
	}
	x.Ledger.Owes(fmt.Sprintf("%s %s", x.Model, t.Specimen), t.Specimen, None, []Value{{Specimen: t.Specimen, Code: x.Test.Code, Status: "F", Text: value}})
	if f := FaultOf(t.Order); f == BadChecksum || f == CableDrops {
		x.Ledger.Ended(f)
	}
	return nil
}

// fail arms the failure of this order, once.
func (x *Analyzer) fail(wire *faultyLine, t Tube) {
	f := FaultOf(t.Order)
	if x.broken[t.Order] || f != BadChecksum && f != CableDrops {
		return
	}
	x.broken[t.Order] = true
	x.Ledger.Injected(f)
	wire.arm(f)
}

// measured is when a tube was measured: it follows from the order, so that sending it again says the same.
func measured(t Tube) string {
	return time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(t.Order) * time.Minute).Format("20060102150405")
}

func (x *Analyzer) message(records ...string) []byte {
	text := "H|\\^&|||" + x.Model + "|||||||P|LIS2-A2|" + time.Now().Format("20060102150405") + "\r"
	for _, r := range records {
		text += r + "\r"
	}
	return []byte(text + "L|1|N\r")
}

// wait returns the tests that the host asks for; an analyzer waits ten seconds.
func (x *Analyzer) wait(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	select {
	case tests := <-x.answer:
		return tests, nil
	case <-ctx.Done():
		return nil, errors.New("the host did not answer the query")
	}
}

// hostAnswers collects what the host sends.
type hostAnswers struct {
	frames []lis1a.Frame
	to     chan<- []string
}

func (h *hostAnswers) Begin(context.Context) error { h.frames = nil; return nil }

func (h *hostAnswers) Keep(_ context.Context, f lis1a.Frame) error {
	h.frames = append(h.frames, f)
	return nil
}

func (h *hostAnswers) End(_ context.Context, e lis1a.End) error {
	if !e.Complete {
		return nil
	}
	messages, err := astm.Parse(lis1a.Text(h.frames))
	if err != nil {
		return nil
	}
	tests := []string{}
	for _, m := range messages {
		for _, r := range m.Records {
			if r.Type() == 'O' {
				tests = append(tests, r.Get("5.4"))
			}
		}
	}
	select {
	case h.to <- tests:
	default: // An answer that nobody waits for.
	}
	return nil
}

// faultyLine damages what is written, once, when it is armed.
type faultyLine struct {
	io.ReadWriteCloser
	mu    sync.Mutex
	armed Fault
}

func (l *faultyLine) arm(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = f
}

// SetReadDeadline passes through to lines that have one.
func (l *faultyLine) SetReadDeadline(t time.Time) error {
	if d, ok := l.ReadWriteCloser.(interface{ SetReadDeadline(time.Time) error }); ok {
		return d.SetReadDeadline(t)
	}
	return nil
}

// Write damages or cuts the next frame when the line is armed.
func (l *faultyLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	f := l.armed
	if len(p) > 10 {
		l.armed = None
	}
	l.mu.Unlock()
	switch {
	case len(p) <= 10 || f == None:
		return l.ReadWriteCloser.Write(p)
	case f == BadChecksum:
		bad := append([]byte(nil), p...)
		bad[5] ^= 0x01
		return l.ReadWriteCloser.Write(bad)
	}
	_, _ = l.ReadWriteCloser.Write(p[:len(p)/2])
	_ = l.ReadWriteCloser.Close()
	return 0, io.ErrClosedPipe
}
