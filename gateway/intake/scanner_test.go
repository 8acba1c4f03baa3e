package intake

import (
	"context"
	"testing"
	"time"

	"rorpost/gateway/store"
)

// till is a scanner, its port and what it has settled.
type till struct {
	*book
	*socket
	sc   *Scanner
	stop func()
}

func newTill(t *testing.T, s *store.Store) *till {
	x := &till{book: &book{s: s}, socket: newSocket()}
	x.sc = NewScanner(ScannerConfig{Name: "desk", Port: x.socket}, s, func(ctx context.Context, a store.Arrival) error {
		return x.settle(ctx, a, nil)
	}, quietLog())
	x.stop = start(t, x.sc.Run)
	return x
}

func (x *till) texts() (out []string) {
	for _, a := range x.arrivals() {
		out = append(out, string(a.Body))
	}
	return out
}

func TestScannerKeepsEachScanOnce(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	x := newTill(t, s)
	c := x.plug(t)
	until(t, "the port is open", func() bool { return x.sc.Status().State == StateOpen })
	for _, part := range []string{"S10", "01\r\n", "S1001\r", "S1002\rS1003\r", "S1004"} {
		c.Write([]byte(part))
	}
	want := []string{"S1001", "S1002", "S1003", "S1004"}
	until(t, "the last one, without an end, is settled", func() bool { return len(x.arrivals()) == len(want) })
	for i, got := range x.texts() {
		if got != want[i] {
			t.Errorf("scan %d: got %q, want %q", i, got, want[i])
		}
	}
	if a := x.arrivals()[0]; a.Kind != store.KindScan || a.Source != "desk" || a.Control != "" || time.Since(a.At) > time.Minute {
		t.Errorf("got %+v", a)
	}
	if st := x.sc.Status(); st.State != StateMessages || st.Messages != 4 {
		t.Errorf("got %+v, want four scans", st)
	}
}

// P10: a scanner that is plugged in again works again.
func TestP10_ScannerIsPluggedInAgain(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	x := newTill(t, s)
	c := x.plug(t)
	c.Write([]byte("S1001\r"))
	until(t, "it is settled", func() bool { return len(x.arrivals()) == 1 })
	c.Close()
	until(t, "it is seen", func() bool { return x.sc.Status().State == StateDown })
	x.plug(t).Write([]byte("S1002\r"))
	until(t, "the next one is settled", func() bool { return len(x.arrivals()) == 2 })
}

// P1: a scan that could not be kept is not acted on.
func TestP1_ScanThatCannotBeKeptIsNotActedOn(t *testing.T) {
	s, stop := newStore(t, t.TempDir())
	x := newTill(t, s)
	c := x.plug(t)
	stop()
	c.Write([]byte("S1001\r"))
	until(t, "it is refused", func() bool { return x.sc.Status().Rejected == 1 })
	if got := x.texts(); len(got) > 0 {
		t.Errorf("acted on %q", got)
	}
	if st := x.sc.Status(); st.Hint == "" {
		t.Errorf("got %+v, want a hint", st)
	}
	x.stop()
}
