package mllp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Defaults of a Server.
const (
	MaxConns    = 256
	IdleTimeout = 30 * time.Minute // Between messages.
	ReadTimeout = 30 * time.Second // From the first byte of a message to its last, and for the TLS handshake.
	StopTimeout = 30 * time.Second // For the messages in hand when the server stops.
)

// A Handler takes one message and returns what to answer, in order; none is allowed. An error closes the connection
// without an answer: the sender keeps its message. The context ends when the server gives up waiting at its stop, not
// when the stop begins.
type Handler func(ctx context.Context, peer Peer, msg []byte) (replies [][]byte, err error)

// Peer is who sent a message.
type Peer struct {
	Address     string // host:port
	Certificate string // Common name of the client certificate, "" without one.
}

// A Server answers messages on a listener. Its fields are set before Serve. The zero durations and sizes are the
// defaults above; a negative IdleTimeout is none.
type Server struct {
	Handler    Handler
	TLS        *tls.Config
	MaxMessage int // Bytes; 0 is [MaxMessage]. A larger one closes the connection.
	MaxConns   int // Connections at one time; more are closed at once.

	IdleTimeout, ReadTimeout, WriteTimeout, StopTimeout time.Duration

	Allow   []netip.Prefix // Addresses that may connect; empty is all.
	OnEvent func(Event)    // Told by several goroutines; must not block.
}

// Serve accepts connections until the context ends, and returns after every connection has: messages in hand are
// answered first, for at most StopTimeout. It closes the listener. The error is that of the listener, nil after a stop.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	hard, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	run := &serving{Server: s, ctx: hard, open: map[*session]bool{}}
	err := run.accept(ctx, l)
	_ = l.Close()
	run.end()
	timer := time.AfterFunc(or(s.StopTimeout, StopTimeout), func() {
		giveUp()
		run.abort()
	})
	defer timer.Stop()
	run.conns.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// serving is one run of Serve.
type serving struct {
	*Server
	ctx   context.Context // Of the handlers.
	conns sync.WaitGroup
	mu    sync.Mutex // Guards what follows.
	open  map[*session]bool
	ended bool
}

// accept starts a goroutine for each connection; Serve waits for all of them.
func (s *serving) accept(ctx context.Context, l net.Listener) error {
	pause := 5 * time.Millisecond
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // Out of file descriptors, most likely: those in use will be given back.
			s.tell(Event{Kind: EventAcceptFailed, Err: err})
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		if x := s.admit(conn); x != nil {
			s.conns.Go(x.run)
		}
	}
}

// admit applies the allow-list and the limit of connections.
func (s *serving) admit(conn net.Conn) *session {
	peer := Peer{Address: conn.RemoteAddr().String()}
	x := &session{serving: s, conn: conn, peer: peer}
	var why error
	s.mu.Lock()
	switch {
	case !s.allowed(peer.Address):
		why = errors.New("the address is not on the allow-list")
	case len(s.open) >= orInt(s.MaxConns, MaxConns):
		why = errors.New("too many connections")
	default:
		s.open[x] = true
	}
	s.mu.Unlock()
	if why != nil {
		_ = conn.Close()
		s.tell(Event{Kind: EventRefused, Peer: peer, Err: why})
		return nil
	}
	return x
}

func (s *serving) allowed(address string) bool {
	if len(s.Allow) == 0 {
		return true
	}
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return false
	}
	ip := a.Addr().Unmap().WithZone("")
	for _, p := range s.Allow {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// end tells every connection to read nothing new.
func (s *serving) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for x := range s.open {
		_ = x.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// abort closes what did not end in time.
func (s *serving) abort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for x := range s.open {
		_ = x.conn.Close()
	}
}

// readBy sets how long a connection may read; false when the server is ending, after which the past deadline stays.
func (s *serving) readBy(x *session, within time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	var deadline time.Time
	if within > 0 {
		deadline = time.Now().Add(within)
	}
	_ = x.conn.SetReadDeadline(deadline)
	return true
}

func (s *serving) forget(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, x)
}

func (s *serving) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *serving) tell(e Event) {
	if s.OnEvent != nil {
		s.OnEvent(e)
	}
}

func orInt(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}
