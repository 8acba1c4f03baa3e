package mllp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"rorpost/hl7"
)

// Defaults of a Client.
const (
	DialTimeout  = 10 * time.Second
	AckTimeout   = 30 * time.Second
	WriteTimeout = 30 * time.Second
)

// A Client sends messages to one address over a connection that it keeps. Its fields are set before the first use.
// It may be used by several goroutines; they send one after the other.
type Client struct {
	Address         string                                                               // host:port
	TLS             *tls.Config                                                          // nil is plain TCP. ServerName is taken from Address when empty.
	DialTimeout     time.Duration                                                        // TCP and TLS together; 0 is [DialTimeout].
	AckTimeout      time.Duration                                                        // From the last byte sent, and again after an accept acknowledgement; 0 is [AckTimeout].
	WriteTimeout    time.Duration                                                        // 0 is [WriteTimeout].
	MaxMessage      int                                                                  // Bytes of an answer; 0 is [MaxMessage].
	WaitApplication bool                                                                 // After CA, wait for the application acknowledgement when MSH-16 is AL.
	Dial            func(ctx context.Context, network, address string) (net.Conn, error) // nil is net.Dialer.

	sending   sync.Mutex // Held by Send and Connect.
	mu        sync.Mutex // Guards conn.
	conn      *link
	connected atomic.Bool
}

// Answer is the acknowledgement of a message.
type Answer struct {
	Info hl7.AckInfo
	Raw  []byte // As it came, without its frame. Nil when the message asked for no answer.
}

// link is one connection.
type link struct {
	net.Conn
	r        *bufio.Reader
	used     bool   // Something was sent on it before.
	promised string // Control id of a message whose application answer may still come here.
}

// Connected reports whether there is a connection, as far as is known.
func (c *Client) Connected() bool { return c.connected.Load() }

// Close ends the connection. A Send under way fails with a *LostError; a later one connects anew.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closeLocked()
}

func (c *Client) closeLocked() error {
	c.connected.Store(false)
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	return err
}

// drop closes a connection unless another has taken its place.
func (c *Client) drop(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == l {
		_ = c.closeLocked()
		return
	}
	_ = l.Close()
}

// Connect makes a connection unless there is a living one. The error is a *DialError.
func (c *Client) Connect(ctx context.Context) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	_, err := c.living(ctx)
	return err
}

// living returns a connection that the peer has not closed, as far as can be seen without sending.
func (c *Client) living(ctx context.Context) (*link, error) {
	c.mu.Lock()
	l := c.conn
	c.mu.Unlock()
	if l != nil {
		if l.alive() {
			return l, nil
		}
		c.drop(l)
	}
	l, err := c.dial(ctx)
	if err != nil {
		return nil, &DialError{Address: c.Address, Err: err}
	}
	c.mu.Lock()
	c.conn = l
	c.connected.Store(true)
	c.mu.Unlock()
	return l, nil
}

func (c *Client) dial(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, or(c.DialTimeout, DialTimeout))
	defer cancel()
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", c.Address)
	if err != nil {
		return nil, err
	}
	if c.TLS != nil {
		cfg := c.TLS.Clone()
		if cfg.ServerName == "" {
			cfg.ServerName, _, _ = net.SplitHostPort(c.Address)
		}
		secure := tls.Client(conn, cfg)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secure
	}
	return &link{Conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// Send sends one message and waits for its acknowledgement: MSA-2 must be MSH-10. What the answer says is for the caller
// to judge; Send fails only without one. A message in enhanced mode that asks for no acknowledgement has the empty
// Answer. The error is a *MessageError or *DialError (nothing was sent), or a *TimeoutError, *LostError or
// *MismatchError (it may have arrived).
func (c *Client) Send(ctx context.Context, msg []byte) (Answer, error) {
	x, err := newExchange(msg)
	if err != nil {
		return Answer{}, err
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	l, err := c.write(ctx, x)
	if err != nil {
		return Answer{}, err
	}
	if !x.answered {
		return Answer{}, nil
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	a, err := c.await(l, x)
	if err != nil {
		c.drop(l)
		return Answer{}, x.explain(ctx, err)
	}
	return a, nil
}

// write sends the frame. A kept connection that takes no byte was closed by the peer: nothing was sent, and one new
// connection is tried.
func (c *Client) write(ctx context.Context, x *exchange) (*link, error) {
	for {
		l, err := c.living(ctx)
		if err != nil {
			return nil, err
		}
		reused := l.used
		l.used = true
		x.started = time.Now()
		stop := context.AfterFunc(ctx, func() { _ = l.Close() })
		_ = l.SetDeadline(x.started.Add(or(c.WriteTimeout, WriteTimeout)))
		n, err := l.Write(x.frame)
		stop()
		if err == nil {
			x.started = time.Now()
			return l, nil
		}
		c.drop(l)
		if n > 0 || !reused || ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, x.explain(ctx, err)
		}
	}
}

// await reads answers until the one that ends the exchange.
func (c *Client) await(l *link, x *exchange) (Answer, error) {
	deadline := time.Now().Add(or(c.AckTimeout, AckTimeout))
	for {
		_ = l.SetReadDeadline(deadline)
		raw, _, err := Read(l.r, c.MaxMessage)
		if err != nil {
			return Answer{}, err
		}
		info, err := hl7.ReadAck(raw)
		switch {
		case err != nil:
			return Answer{}, &MismatchError{Want: x.control, Err: err}
		case info.ControlID != x.control && info.ControlID == l.promised && !info.Code.Accept():
			l.promised = "" // The application's answer to the message before, which its CA had already settled.
			continue
		case info.ControlID != x.control:
			return Answer{}, &MismatchError{Want: x.control, Got: info.ControlID}
		}
		if info.Code == hl7.CA && x.application {
			if c.WaitApplication {
				x.started = time.Now()
				deadline = x.started.Add(or(c.AckTimeout, AckTimeout))
				continue
			}
			l.promised = x.control
		}
		return Answer{Info: info, Raw: raw}, nil
	}
}

func or(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
