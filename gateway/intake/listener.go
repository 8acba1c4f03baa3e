package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"rorpost/gateway/store"
	"rorpost/hl7/mllp"
)

// ListenerConfig is one MLLP port. Zero fields mean the defaults of mllp.Server.
type ListenerConfig struct {
	Name         string
	Address      string // "0.0.0.0:2575"
	TLS          *tls.Config
	MaxMessage   int // Bytes.
	MaxConns     int
	Allow        []netip.Prefix // Senders; empty allows all.
	IdleTimeout  time.Duration
	ReadTimeout  time.Duration
	WriteTimeout time.Duration

	// Ack is how the listener words what it answers by itself, that is, refusals and "not yet": "auto" (or "") by
	// MSH-15 and MSH-16, "original" as if they were empty, "enhanced" as if MSH-15 were AL when it is empty.
	Ack string
}

// The values of ListenerConfig.Ack.
const (
	AckAuto     = "auto"
	AckOriginal = "original"
	AckEnhanced = "enhanced"
)

// Listener is one MLLP port: a message is kept, then settled, then answered.
type Listener struct {
	cfg    ListenerConfig
	store  *store.Store
	settle func(ctx context.Context, a store.Arrival) (replies [][]byte, err error)
	log    *slog.Logger
	board  *board
	later  *backlog

	mu      sync.Mutex
	address string
	open    int // Connections.
}

// NewListener returns a listener; it does no I/O. settle decides one arrival and returns what to answer, which it has
// also put on record (store.Settlement.Reply); it is called by several connections at once.
func NewListener(cfg ListenerConfig, s *store.Store, settle func(ctx context.Context, a store.Arrival) ([][]byte, error), log *slog.Logger) *Listener {
	l := &Listener{
		cfg: cfg, store: s, settle: settle, log: log.With("listener", cfg.Name),
		board: newBoard(Status{Name: cfg.Name, Kind: KindListener, Port: cfg.Address}),
	}
	l.later = newBacklog(cfg.Name, s, l.log, func(ctx context.Context, a store.Arrival) error {
		_, err := settle(ctx, a)
		return err
	})
	return l
}

// Addr returns the address that is listened on, or "" while there is none.
func (l *Listener) Addr() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.address
}

// Status says whether anybody has connected and sent.
func (l *Listener) Status() Status { return l.board.status() }

// Run listens until ctx ends; then no new message is read, and those in hand are answered. A port that cannot be opened
// is tried again with growing pauses.
func (l *Listener) Run(ctx context.Context) error {
	hard, cancel := graceful(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { l.later.run(ctx, hard) })
	for failures := 0; ctx.Err() == nil; {
		err := l.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		failures++
		l.log.Error("not listening", "address", l.cfg.Address, "failures", failures, "error", err)
		l.board.become(StateDown, "cannot listen: "+err.Error(), "another program may use this port; it is tried again by itself")
		sleep(ctx, pauseNow(failures))
	}
	l.board.become(StateDown, "the gateway is stopping", "")
	wg.Wait()
	return nil
}

func (l *Listener) serve(ctx context.Context) error {
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.cfg.Address)
	if err != nil {
		return err
	}
	l.setAddress(socket.Addr().String())
	defer l.setAddress("")
	l.log.Info("listening", "address", socket.Addr().String())
	l.board.become(StateOpen, listening, callHint)
	server := &mllp.Server{
		Handler: l.receive, OnEvent: l.event, TLS: l.cfg.TLS,
		MaxMessage: l.cfg.MaxMessage, MaxConns: l.cfg.MaxConns, Allow: l.cfg.Allow,
		IdleTimeout: l.cfg.IdleTimeout, ReadTimeout: l.cfg.ReadTimeout, WriteTimeout: l.cfg.WriteTimeout,
	}
	if err := server.Serve(ctx, socket); err != nil {
		return err
	}
	return errServed
}

const (
	listening = "listening; nobody is connected"
	callHint  = "the sender connects to the gateway: check the address that is set in it"
)

// errServed tells why serving is over when nothing else does.
var errServed = errors.New("the port was closed")

func (l *Listener) setAddress(a string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.address = a
}
