package mllp_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// running is a server on the loopback interface.
type running struct {
	address string
	stop    context.CancelFunc
	done    chan error
	mu      sync.Mutex
	seen    []mllp.Event
	heard   chan mllp.EventKind
}

func start(t *testing.T, s *mllp.Server) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{address: l.Addr().String(), stop: cancel, done: make(chan error, 1), heard: make(chan mllp.EventKind, 100)}
	s.OnEvent = func(e mllp.Event) {
		r.mu.Lock()
		r.seen = append(r.seen, e)
		r.mu.Unlock()
		r.heard <- e.Kind
	}
	if s.Handler == nil {
		s.Handler = accept
	}
	go func() { r.done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-r.done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return r
}

// wait returns the first event of a kind.
func (r *running) wait(t *testing.T, kind mllp.EventKind) mllp.Event {
	t.Helper()
	for {
		select {
		case k := <-r.heard:
			if k != kind {
				continue
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no event %v", kind)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range r.seen {
			if e.Kind == kind {
				return e
			}
		}
	}
}

func accept(_ context.Context, _ mllp.Peer, msg []byte) ([][]byte, error) {
	m, err := hl7.Parse(msg)
	if err != nil {
		return nil, err
	}
	return [][]byte{hl7.Ack(m, hl7.Reply{Code: hl7.AA, ControlID: "K"})}, nil
}

func dial(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c, bufio.NewReader(c)
}

func answered(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	b, _, err := mllp.Read(r, 0)
	if err != nil {
		t.Fatalf("answer: %v", err)
	}
	a, err := hl7.ReadAck(b)
	if err != nil {
		t.Fatalf("answer: %v", err)
	}
	return string(a.Code) + " " + a.ControlID
}

func framed(id string) string { return "\x0b" + string(message(id)) + "\x1c\r" }

func closed(t *testing.T, r *bufio.Reader) {
	t.Helper()
	if b, err := r.ReadByte(); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("got byte %#x, %v, want the end of the connection", b, err)
	}
}

func TestServerAnswersInOrder(t *testing.T) {
	s := start(t, &mllp.Server{})
	c, r := dial(t, s.address)
	say(c, framed("M1")+framed("M2")+framed("M3"))
	for _, want := range []string{"AA M1", "AA M2", "AA M3"} {
		if got := answered(t, r); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, b := range []byte(framed("M4")) { // In pieces of one byte.
		say(c, string(rune(b)))
	}
	if got := answered(t, r); got != "AA M4" {
		t.Errorf("in pieces: got %s", got)
	}
}

// TestP5_GarbageIsCountedAndSurvived: nothing is dropped unseen.
func TestP5_GarbageIsCountedAndSurvived(t *testing.T) {
	s := start(t, &mllp.Server{})
	c, r := dial(t, s.address)
	say(c, "GET / HTTP/1.1"+framed("M1"))
	if got := answered(t, r); got != "AA M1" {
		t.Errorf("got %s", got)
	}
	if e := s.wait(t, mllp.EventGarbage); e.Bytes != 14 {
		t.Errorf("garbage: got %d bytes, want 14", e.Bytes)
	}
}

// TestP1_AHandlerErrorIsNotAnswered: the sender keeps its message.
func TestP1_AHandlerErrorIsNotAnswered(t *testing.T) {
	s := start(t, &mllp.Server{Handler: func(context.Context, mllp.Peer, []byte) ([][]byte, error) { return nil, errors.New("disk full") }})
	c, r := dial(t, s.address)
	say(c, framed("M1"))
	closed(t, r)
	if e := s.wait(t, mllp.EventHandlerFailed); e.Err.Error() != "disk full" {
		t.Errorf("got %v", e.Err)
	}
}

func TestServerLimits(t *testing.T) {
	for name, c := range map[string]struct {
		server mllp.Server
		send   string
		want   mllp.EventKind
	}{
		"size":       {mllp.Server{MaxMessage: 1000}, "\x0bMSH|" + strings.Repeat("x", 5000) + "\x1c\r", mllp.EventTooLarge},
		"garbage":    {mllp.Server{MaxMessage: 1000}, strings.Repeat("x", 5000), mllp.EventTooLarge},
		"idle":       {mllp.Server{IdleTimeout: 20 * time.Millisecond}, "", mllp.EventIdle},
		"slow":       {mllp.Server{ReadTimeout: 20 * time.Millisecond}, "\x0bMSH|", mllp.EventSlow},
		"allow-list": {mllp.Server{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, "", mllp.EventRefused},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, &c.server)
			conn, r := dial(t, s.address)
			say(conn, c.send)
			closed(t, r)
			s.wait(t, c.want)
		})
	}
}

func TestServerLimitsConnections(t *testing.T) {
	s := start(t, &mllp.Server{MaxConns: 1, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	first, r1 := dial(t, s.address)
	say(first, framed("M1"))
	answered(t, r1)
	_, r2 := dial(t, s.address)
	closed(t, r2)
	s.wait(t, mllp.EventRefused)
	_ = first.Close()
	s.wait(t, mllp.EventClosed)
}

// TestServerAnswersWhatIsInHandWhenItStops: the stop comes while a message is being handled; it is answered, the one behind
// it is not, and Serve returns.
func TestServerAnswersWhatIsInHandWhenItStops(t *testing.T) {
	entered, leave := make(chan string, 2), make(chan struct{})
	s := start(t, &mllp.Server{Handler: func(ctx context.Context, p mllp.Peer, msg []byte) ([][]byte, error) {
		m, _ := hl7.Parse(msg)
		entered <- m.Header().ControlID
		<-leave
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return accept(ctx, p, msg)
	}})
	idle, idleReader := dial(t, s.address)
	c, r := dial(t, s.address)
	say(c, framed("M1")+framed("M2"))
	<-entered
	s.stop()
	closed(t, idleReader)
	_ = idle.Close()
	close(leave)
	if got := answered(t, r); got != "AA M1" {
		t.Errorf("got %s", got)
	}
	closed(t, r)
	if len(entered) != 0 {
		t.Errorf("a message was begun after the stop: %s", <-entered)
	}
}

func TestServerGivesUpAfterStopTimeout(t *testing.T) {
	entered := make(chan struct{})
	s := start(t, &mllp.Server{StopTimeout: 20 * time.Millisecond, Handler: func(ctx context.Context, _ mllp.Peer, _ []byte) ([][]byte, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	c, r := dial(t, s.address)
	say(c, framed("M1"))
	<-entered
	s.stop()
	closed(t, r)
}

func TestTLSBothWays(t *testing.T) {
	pool, serverCert, clientCert := certificates(t)
	var who mllp.Peer
	s := start(t, &mllp.Server{
		TLS: &tls.Config{Certificates: []tls.Certificate{serverCert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert},
		Handler: func(ctx context.Context, p mllp.Peer, msg []byte) ([][]byte, error) {
			who = p
			return accept(ctx, p, msg)
		},
	})
	c := &mllp.Client{Address: s.address, TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{clientCert}}}
	defer c.Close()
	for _, id := range []string{"M1", "M2", "M3"} {
		if a, err := c.Send(t.Context(), message(id)); err != nil || a.Info.ControlID != id {
			t.Fatalf("%s: got %+v, %v", id, a.Info, err)
		}
	}
	if who.Certificate != "unit-1" {
		t.Errorf("certificate: got %q", who.Certificate)
	}
	var refused *mllp.DialError
	if err := (&mllp.Client{Address: s.address, TLS: &tls.Config{RootCAs: x509.NewCertPool()}}).Connect(t.Context()); !errors.As(err, &refused) {
		t.Errorf("a stranger's server: got %v", err)
	}
	s.wait(t, mllp.EventHandshakeFailed)
}

// TestClientReconnectsToARestartedServer: the server closed the idle connection; the client sees it before it sends.
func TestClientReconnectsToARestartedServer(t *testing.T) {
	s := start(t, &mllp.Server{IdleTimeout: 20 * time.Millisecond})
	c := &mllp.Client{Address: s.address}
	defer c.Close()
	for _, id := range []string{"M1", "M2"} {
		if _, err := c.Send(t.Context(), message(id)); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		s.wait(t, mllp.EventClosed)
	}
}

// certificates makes an authority, a server for 127.0.0.1 and a client called unit-1.
func certificates(t *testing.T) (*x509.CertPool, tls.Certificate, tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true,
		BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	make := func(serial int64, name string) tls.Certificate {
		c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
		der, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return pool, make(2, "server"), make(3, "unit-1")
}
