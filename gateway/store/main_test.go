package store

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestMain lets the test binary be the process that is killed: see TestP1_KillLosesNothingAcknowledged.
func TestMain(m *testing.M) {
	if dir := os.Getenv("STORE_VICTIM"); dir != "" {
		victim(dir)
	}
	os.Exit(m.Run())
}

// start opens a store and runs it until the test ends or stop is called.
func start(t testing.TB, dir string, o Options) (s *Store, stop func()) {
	t.Helper()
	s, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	done := false
	stop = func() {
		if done {
			return
		}
		done = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(stop)
	return s, stop
}

func accept(t testing.TB, s *Store, source, control, body string) Receipt {
	t.Helper()
	r, err := s.Accept(t.Context(), Arrival{Kind: KindMLLP, Source: source, Control: control, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func settle(t testing.TB, s *Store, m Settlement) []Delivery {
	t.Helper()
	d, err := s.Settle(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// owedTo is one thing owed to each destination.
func owedTo(s *Store, arrival int64, destinations ...string) []Owed {
	var out []Owed
	for i, d := range destinations {
		out = append(out, Owed{
			Key: s.Key(arrival, "result", d, 0), Destination: d, Kind: "result",
			Payload: fmt.Appendf(nil, "payload %d of %d", i, arrival),
		})
	}
	return out
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// eventually waits for a condition of another goroutine.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatalf("%s: not within 10 s", what)
}
