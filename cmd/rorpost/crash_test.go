package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rorpost/gateway/sim"
)

// crashRounds is how often the gateway is killed; RORPOST_CRASH_ROUNDS asks for more.
func crashRounds(t *testing.T) int {
	n := 20
	if s := os.Getenv("RORPOST_CRASH_ROUNDS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("RORPOST_CRASH_ROUNDS=%s: want a number", s)
		}
	}
	if testing.Short() {
		n = 3
	}
	return n
}

// TestP1_P2_P4_KilledUnderLoad kills the gateway at random moments while patients come and results arrive, starts it
// again, and lets the peers' own records tell: nothing that was acknowledged is lost (P1), nothing arrives under two
// ids (P2), and what reached the journal reached the patient queue (P4).
func TestP1_P2_P4_KilledUnderLoad(t *testing.T) {
	if !canSimulate() {
		t.Skip("this system has no pseudo-terminals: the scanner and the serial analyzer cannot be simulated")
	}
	d := newTestDemo(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := d.start(ctx); err != nil {
		t.Fatal(err)
	}
	peers, stopPeers := context.WithCancel(ctx)
	defer stopPeers()
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.world.Run(peers) })
	visits, stopVisits := context.WithCancel(ctx)
	defer stopVisits()
	wg.Go(func() { d.world.Visits(visits, sim.Pace{First: 1, Every: 100 * time.Millisecond}, func(error) {}) })
	rounds := crashRounds(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	luck := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds {
		time.Sleep(time.Duration(200+luck.IntN(1200)) * time.Millisecond) // The moment is the point of the test.
		d.gateway.kill()
		if err := d.restart(ctx); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	stopVisits()
	d.settle(time.Now().Add(90 * time.Second))
	r := d.account()
	stopPeers()
	wg.Wait()
	t.Logf("%d kills: %d orders at the laboratory, %d result messages with %d values, %d at the journal, %d at the patient queue",
		rounds, r.OrdersSent, r.ResultMessages, r.Values, r.Journal, r.Queue)
	if r.Values < rounds {
		t.Errorf("only %d values came through %d rounds: the test was not under load", r.Values, rounds)
	}
	if r.Lost != 0 || r.Duplicated != 0 || r.Owed != 0 {
		t.Errorf("lost %d %v, duplicated %d %v, owed %d; want none", r.Lost, r.LostWhat, r.Duplicated, r.DuplicatedWhat, r.Owed)
	}
	if one := d.world.Ledger.OneSided(); len(one) > 0 {
		t.Errorf("on one side only: %v", one)
	}
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	noIdentityInLogs(t, d.dir)
}

// canSimulate tells whether this system has pseudo-terminals.
func canSimulate() bool {
	line, err := sim.OpenLine(0)
	if err != nil {
		return false
	}
	return line.Close() == nil
}

// newTestDemo is a demo in the test's own folder, with this test binary as the program.
func newTestDemo(t *testing.T) *demo {
	t.Helper()
	t.Setenv(runMain, "1")
	d, err := newDemo(demoFlags{seed: 7, listen: "127.0.0.1:0", dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d
}

// restart brings the gateway up again on the same data and addresses.
func (d *demo) restart(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if d.gateway, err = startChild(d.program, "serve", filepath.Join(d.dir, "gateway.toml"), d.dir); err != nil {
		return err
	}
	_, err = d.gateway.ready(ctx, "http://"+d.places.Web+"/healthz")
	return err
}

// noIdentityInLogs fails the test when a log of the children holds what could be a personal number (P9).
func noIdentityInLogs(t *testing.T, dir string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs in the demo's folder: %v", err)
	}
	for _, path := range logs {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			if len(personalNumbers([]byte(line))) > 0 || strings.Contains(line, maskText) {
				t.Errorf("%s line %d holds a personal number, or one that the last defence took out", filepath.Base(path), i+1)
			}
		}
	}
}

// TestDemoAccount runs the whole demo for fifty patients.
func TestDemoAccount(t *testing.T) {
	if !canSimulate() {
		t.Skip("this system has no pseudo-terminals")
	}
	d := newTestDemo(t)
	d.flags.patients = 50
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := d.start(ctx); err != nil {
		t.Fatal(err)
	}
	d.live(ctx)
	r := d.account()
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	if err := r.verdict(); err != nil {
		t.Error(err)
	}
	if r.Found < 30 || r.ResultMessages < 60 {
		t.Errorf("%d orders and %d result messages came through, want at least 30 and 60", r.Found, r.ResultMessages)
	}
	for name, n := range r.FaultsInjected {
		if n == 0 || r.FaultsAsDesigned[name] == 0 {
			t.Errorf("failure %q: %d made, %d ended as designed; want at least one", name, n, r.FaultsAsDesigned[name])
		}
	}
	noIdentityInLogs(t, d.dir)
	t.Log(summary(r))
}

func summary(r demoReport) string {
	return fmt.Sprintf("%d scans, %d orders, %d result messages, %d values; ready after %.0f ms, %.0f MiB idle, %.0f MiB loaded",
		r.Scans, r.Found, r.ResultMessages, r.Values, r.ReadyMS, r.IdleMiB, r.LoadedMiB)
}
