package mllp

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// session is one connection of a server.
type session struct {
	*serving
	conn net.Conn
	peer Peer
	r    *bufio.Reader
}

// run serves the connection until it ends.
func (x *session) run() {
	defer x.forget(x)
	err := x.open()
	if err == nil {
		x.tell(Event{Kind: EventOpened, Peer: x.peer})
		for err == nil {
			err = x.message()
		}
	}
	_ = x.conn.Close()
	if err == io.EOF || x.stopping() && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	x.tell(Event{Kind: EventClosed, Peer: x.peer, Err: err})
}

// open shakes hands.
func (x *session) open() error {
	if x.TLS != nil {
		if !x.readBy(x, or(x.ReadTimeout, ReadTimeout)) {
			return os.ErrDeadlineExceeded
		}
		_ = x.conn.SetWriteDeadline(time.Now().Add(or(x.ReadTimeout, ReadTimeout)))
		secure := tls.Server(x.conn, x.TLS)
		if err := secure.HandshakeContext(x.ctx); err != nil {
			x.tell(Event{Kind: EventHandshakeFailed, Peer: x.peer, Err: err})
			return err
		}
		if certs := secure.ConnectionState().PeerCertificates; len(certs) > 0 {
			x.peer.Certificate = certs[0].Subject.CommonName
		}
		x.secure(secure)
	}
	x.r = bufio.NewReaderSize(x.conn, 16<<10)
	return nil
}

// secure replaces the connection, which a stop may be looking at.
func (x *session) secure(conn net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.conn = conn
}

// message waits for one message, has it handled and answers it.
func (x *session) message() error {
	msg, err := x.receive()
	if err != nil {
		return err
	}
	replies, err := x.Handler(x.ctx, x.peer, msg)
	if err != nil {
		x.tell(Event{Kind: EventHandlerFailed, Peer: x.peer, Bytes: len(msg), Err: err})
		return err
	}
	for _, reply := range replies {
		_ = x.conn.SetWriteDeadline(time.Now().Add(or(x.WriteTimeout, WriteTimeout)))
		if err := Write(x.conn, reply); err != nil {
			x.tell(Event{Kind: EventWriteFailed, Peer: x.peer, Bytes: len(reply), Err: err})
			return err
		}
	}
	return nil
}

// receive waits for the beginning of a message without hurry and for its end with: one that trickles in for ever
// would hold the connection.
func (x *session) receive() ([]byte, error) {
	idle := x.IdleTimeout
	if idle == 0 {
		idle = IdleTimeout
	}
	limit := orInt(x.MaxMessage, MaxMessage)
	if !x.readBy(x, idle) {
		return nil, os.ErrDeadlineExceeded
	}
	skipped, err := seek(x.r, limit)
	x.garbage(skipped)
	if err != nil {
		return nil, x.readFailed(err, EventIdle)
	}
	if !x.readBy(x, or(x.ReadTimeout, ReadTimeout)) {
		return nil, os.ErrDeadlineExceeded
	}
	msg, broken, err := body(x.r, limit)
	x.garbage(broken)
	if err != nil {
		return nil, x.readFailed(err, EventSlow)
	}
	return msg, nil
}

func (x *session) garbage(n int) {
	if n > 0 {
		x.tell(Event{Kind: EventGarbage, Peer: x.peer, Bytes: n})
	}
}

// readFailed reports why reading ended, late being what a passed deadline means.
func (x *session) readFailed(err error, late EventKind) error {
	var large *TooLargeError
	switch {
	case errors.As(err, &large):
		x.tell(Event{Kind: EventTooLarge, Peer: x.peer, Bytes: large.Limit, Err: err})
	case errors.Is(err, os.ErrDeadlineExceeded) && !x.stopping():
		x.tell(Event{Kind: late, Peer: x.peer, Err: err})
	}
	return err
}
