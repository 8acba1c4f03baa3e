package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"time"

	"rorpost/astm/lis1a"
	"rorpost/devices"
	"rorpost/devices/port"
	"rorpost/gateway/store"
)

// StationConfig is one analyzer.
type StationConfig struct {
	Name    string
	Port    port.Source
	Profile *devices.Profile
}

// Station is one analyzer and the loop that keeps it talking.
type Station struct {
	cfg    StationConfig
	store  *store.Store
	handle func(ctx context.Context, a store.Arrival) (answer []byte, err error)
	log    *slog.Logger
	board  *board

	mu   sync.Mutex
	conn *lis1a.Conn // nil while the port is closed.
}

// NewStation returns a station; it does no I/O. handle settles one session and may return records for the analyzer, as
// the answer to its query; it is called for one session at a time.
func NewStation(cfg StationConfig, s *store.Store, handle func(ctx context.Context, a store.Arrival) ([]byte, error), log *slog.Logger) *Station {
	return &Station{
		cfg: cfg, store: s, handle: handle, log: log.With("device", cfg.Name),
		board: newBoard(Status{Name: cfg.Name, Kind: KindAnalyzer, Profile: cfg.Profile.Name, Port: cfg.Port.String()}),
	}
}

// Status says how far the analyzer has got.
func (st *Station) Status() Status { return st.board.status() }

// Run opens the port, receives, and opens it again whenever it fails, until ctx ends.
func (st *Station) Run(ctx context.Context) error {
	hard, cancel := graceful(ctx)
	defer cancel()
	work := newBacklog(st.cfg.Name, st.store, st.log, st.settle)
	var wg sync.WaitGroup
	wg.Go(func() { work.run(ctx, hard) })
	keepOpen(ctx, st.cfg.Port, st.board, st.log, func(p port.Port) error {
		return st.talk(ctx, hard, p, work)
	})
	wg.Wait()
	return st.cfg.Port.Close()
}

const (
	openHint  = "is the analyzer's host connection switched on?"
	bytesHint = "check that the analyzer's host protocol is ASTM, and that speed, bits and parity are the same on both sides"
)

// talk drives the link over an open port until one of them fails.
func (st *Station) talk(ctx, hard context.Context, p port.Port, work *backlog) error {
	st.board.become(StateOpen, "the port is open; no bytes yet", openHint)
	ear := &ear{Port: p, heard: func() {
		st.board.heard(StateBytes, "bytes come, but none of them make a frame yet", bytesHint)
	}}
	conn := lis1a.NewConn(ear, lis1a.Options{Dialect: st.cfg.Profile.Link(), Role: lis1a.Host})
	st.setConn(conn)
	defer st.setConn(nil)
	// Run ends with ctx by itself; only a write that hangs must be cut off.
	stop := context.AfterFunc(hard, func() { p.Close() })
	defer stop()
	r := &receiver{station: st, hard: hard, work: work, peer: p.String()}
	err := conn.Run(ctx, r)
	r.abandon("the connection was closed")
	return err
}

func (st *Station) setConn(c *lis1a.Conn) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.conn = c
}

// answerLifetime is how long after a query its answer is still worth sending: analyzers give up sooner.
const answerLifetime = time.Minute

// settle has a session settled, and sends the answer if there is one.
func (st *Station) settle(ctx context.Context, a store.Arrival) error {
	answer, err := st.handle(ctx, a)
	if err != nil || len(answer) == 0 {
		return err
	}
	st.mu.Lock()
	conn := st.conn
	st.mu.Unlock()
	if conn == nil || time.Since(a.At) > answerLifetime {
		st.board.remark("the answer to a query came too late for the analyzer", "ask again at the analyzer")
		return nil
	}
	if err := conn.Send(ctx, answer); err != nil {
		st.log.Warn("the answer to a query was not taken", "arrival", a.ID, "error", err)
		st.board.remark("the analyzer did not take the answer to its query: "+err.Error(), "ask again at the analyzer")
	}
	// The query is settled: the analyzer asks again if it still wants to know.
	return nil
}

// receiver keeps the frames of one session after the other. It is called by the link's goroutine only.
type receiver struct {
	station *Station
	hard    context.Context
	work    *backlog
	peer    string
	session *store.Session
	frames  []lis1a.Frame
}

// Begin starts a session.
func (r *receiver) Begin(context.Context) error {
	r.abandon("a new session began before its end")
	r.session = r.station.store.Begin(r.station.cfg.Name, r.peer)
	return nil
}

// Keep makes a frame durable; only then may the link acknowledge it (P1) [LIS01 6.3.2].
func (r *receiver) Keep(_ context.Context, f lis1a.Frame) error {
	if r.session == nil {
		r.session = r.station.store.Begin(r.station.cfg.Name, r.peer)
	}
	if err := r.session.Keep(r.hard, f.Raw); err != nil {
		r.station.log.Error("a frame cannot be kept", "error", err)
		r.station.board.reject("a frame was refused: it cannot be kept on disk", "look at the gateway's disk; the analyzer sends it again")
		return err
	}
	r.frames = append(r.frames, f)
	r.station.board.heard(StateFrames, "frames are understood; no session is complete yet", "")
	return nil
}

// End turns the session into an arrival and has it settled.
func (r *receiver) End(_ context.Context, e lis1a.End) error {
	if r.session == nil || len(r.frames) == 0 {
		r.session = nil
		return nil
	}
	control := ""
	if e.Complete {
		control = controlOf(lis1a.Text(r.frames))
	}
	receipt, err := r.seal(control, e.Complete)
	r.session, r.frames = nil, nil
	if err != nil {
		return err
	}
	board := r.station.board
	if e.Complete {
		board.message()
	} else {
		board.reject("the last session broke off: "+e.Reason, "send the result again from the analyzer's memory, if it does not do so by itself")
	}
	a := receipt.Arrival
	r.station.log.Info("session", "arrival", a.ID, "verdict", receipt.Verdict.String(), "complete", e.Complete, "bytes", len(a.Body))
	if a.State == store.Kept {
		r.work.add(a)
	} else {
		board.remark("the last session was a repetition of one that is already known", "")
	}
	return nil
}

// seal tries until the store takes it or the program stops: nothing else could be kept meanwhile either. A session that
// stays open is sealed by the store's next start.
func (r *receiver) seal(control string, complete bool) (store.Receipt, error) {
	for n := 1; ; n++ {
		receipt, err := r.session.Seal(r.hard, control, complete)
		if err == nil {
			return receipt, nil
		}
		r.station.log.Error("a session cannot be sealed", "error", err)
		r.station.board.remark("a session cannot be kept on disk", "look at the gateway's disk")
		if sleep(r.hard, pauseNow(n)); r.hard.Err() != nil {
			return store.Receipt{}, err
		}
	}
}

// abandon seals what a broken session left.
func (r *receiver) abandon(why string) {
	if len(r.frames) > 0 {
		// An error is in the log already, and the store's next start seals the session.
		_ = r.End(r.hard, lis1a.End{Reason: why})
	}
	r.session, r.frames = nil, nil
}

// controlOf names a session by its text, so that a full retransmission is a repetition (P2). A query has no name: asked
// again it is a new question, and may have another answer.
func controlOf(text []byte) string {
	for _, record := range strings.FieldsFunc(string(text), func(r rune) bool { return r == '\r' || r == '\n' }) {
		if strings.HasPrefix(record, "Q") {
			return ""
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
