package intake

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"rorpost/devices/barcode"
	"rorpost/devices/port"
	"rorpost/gateway/store"
)

// ScannerConfig is one barcode scanner on a serial line or socket.
type ScannerConfig struct {
	Name    string
	Profile string // For people only.
	Port    port.Source
}

// Scanner is one barcode scanner and the loop that keeps it read.
type Scanner struct {
	cfg    ScannerConfig
	store  *store.Store
	handle func(ctx context.Context, a store.Arrival) error
	log    *slog.Logger
	board  *board
}

// NewScanner returns a scanner; it does no I/O. handle acts on one scan at a time.
func NewScanner(cfg ScannerConfig, s *store.Store, handle func(ctx context.Context, a store.Arrival) error, log *slog.Logger) *Scanner {
	return &Scanner{
		cfg: cfg, store: s, handle: handle, log: log.With("device", cfg.Name),
		board: newBoard(Status{Name: cfg.Name, Kind: KindScanner, Profile: cfg.Profile, Port: cfg.Port.String()}),
	}
}

// Status says how far the scanner has got.
func (sc *Scanner) Status() Status { return sc.board.status() }

// Run opens the port, reads scans, and opens it again whenever it fails, until ctx ends.
func (sc *Scanner) Run(ctx context.Context) error {
	hard, cancel := graceful(ctx)
	defer cancel()
	work := newBacklog(sc.cfg.Name, sc.store, sc.log, sc.handle)
	var wg sync.WaitGroup
	wg.Go(func() { work.run(ctx, hard) })
	var again barcode.Debounce // Outlives the port: a scanner that is plugged in again repeats its last scan.
	keepOpen(ctx, sc.cfg.Port, sc.board, sc.log, func(p port.Port) error {
		return sc.read(ctx, p, func(scan []byte) {
			sc.board.heard(StateFrames, "", "")
			if !again.Repeat(string(scan), time.Now()) {
				sc.keep(hard, p.String(), scan, work)
			}
		})
	})
	wg.Wait()
	return sc.cfg.Port.Close()
}

// quiet is how long a scanner without a line end is silent after a scan.
const quiet = 100 * time.Millisecond

// read cuts what comes into scans until the port fails or ctx ends.
func (sc *Scanner) read(ctx context.Context, p port.Port, scan func([]byte)) error {
	sc.board.become(StateOpen, "the port is open; nothing was scanned yet", "scan a label; if nothing happens, the scanner may be set to keyboard mode")
	stop := context.AfterFunc(ctx, func() { p.Close() })
	defer stop()
	var cut barcode.Splitter
	buf := make([]byte, 1024)
	for ctx.Err() == nil {
		if err := p.SetReadDeadline(deadline(cut.Pending())); err != nil {
			return err
		}
		n, err := p.Read(buf)
		if n > 0 {
			sc.board.heard(StateBytes, "bytes come, but no scan is complete", "check the speed and parity of the scanner, and that it ends a scan with CR")
		}
		for _, s := range cut.Push(buf[:n]) {
			scan(s)
		}
		silent := n == 0 && (err == nil || errors.Is(err, os.ErrDeadlineExceeded))
		if silent && cut.Pending() {
			if s := cut.Flush(); s != nil {
				scan(s)
			}
		}
		if cut.Dropped > 0 {
			cut.Dropped = 0
			sc.board.reject("a scan was longer than any label", "check the speed and parity of the scanner")
		}
		if err != nil && !silent {
			if cut.Pending() {
				sc.board.reject("a scan broke off when the port closed", "scan again")
			}
			return err
		}
	}
	return ctx.Err()
}

func deadline(pending bool) time.Time {
	if pending {
		return time.Now().Add(quiet)
	}
	return time.Time{}
}

// keep makes a scan durable and has it acted on. A scan that cannot be kept is not acted on: the person scans again.
func (sc *Scanner) keep(ctx context.Context, peer string, scan []byte, work *backlog) {
	receipt, err := sc.store.Accept(ctx, store.Arrival{At: time.Now(), Kind: store.KindScan, Source: sc.cfg.Name, Peer: peer, Body: scan})
	if err != nil {
		sc.log.Error("a scan cannot be kept", "error", err)
		sc.board.reject("a scan cannot be kept on disk", "look at the gateway's disk, then scan again")
		return
	}
	sc.board.message()
	sc.log.Info("scan", "arrival", receipt.Arrival.ID, "bytes", len(scan))
	work.add(receipt.Arrival)
}
