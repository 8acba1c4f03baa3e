package port

import (
	"context"
	"errors"
	"net"
	"sync"
)

// listenSource waits for a device to connect. The first Open starts to listen, and the goroutine that accepts; Close
// ends both.
type listenSource struct {
	spec Spec

	mu       sync.Mutex
	listener net.Listener
	waiting  net.Conn // Connected, and not opened yet.
	current  net.Conn // The one that was opened last.
	failure  error    // Why the goroutine ended.
	closed   bool
	news     chan struct{} // Something of the above changed.
	accepts  sync.WaitGroup
}

func newListenSource(s Spec) *listenSource {
	return &listenSource{spec: s, news: make(chan struct{}, 1)}
}

func (s *listenSource) String() string { return s.spec.String() }

// Addr is the address that is listened on; nil before the first Open.
func (s *listenSource) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Open waits for the next connection.
func (s *listenSource) Open(ctx context.Context) (Port, error) {
	if err := s.listen(ctx); err != nil {
		return nil, &OpenError{Spec: s.String(), Hint: "another program may listen there, or the address is not this machine's", Err: err}
	}
	for {
		c, err := s.next()
		if c != nil || err != nil {
			return c, err
		}
		select {
		case <-s.news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *listenSource) listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if s.listener != nil {
		return nil
	}
	lc := net.ListenConfig{KeepAliveConfig: keepAlive()}
	l, err := lc.Listen(ctx, "tcp", s.spec.Address)
	if err != nil {
		return err
	}
	s.listener, s.failure = l, nil
	s.accepts.Go(func() { s.accept(l) })
	return nil
}

// next takes the connection that waits, if there is one.
func (s *listenSource) next() (Port, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &OpenError{Spec: s.String(), Err: net.ErrClosed}
	}
	if s.failure != nil {
		err := s.failure
		s.failure = nil
		return nil, &OpenError{Spec: s.String(), Err: err}
	}
	if s.waiting == nil {
		return nil, nil
	}
	s.current, s.waiting = s.waiting, nil
	return socket{s.current}, nil
}

// accept lets each new connection replace the one before it.
func (s *listenSource) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		s.mu.Lock()
		switch {
		case err != nil:
			_ = l.Close()
			s.listener, s.failure = nil, err
		case s.closed:
			_ = c.Close()
		default:
			s.replace(c)
		}
		s.mu.Unlock()
		select {
		case s.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (s *listenSource) replace(c net.Conn) {
	for _, old := range []net.Conn{s.waiting, s.current} {
		if old != nil {
			_ = old.Close()
		}
	}
	s.current, s.waiting = nil, c
}

// Close stops listening.
func (s *listenSource) Close() error {
	s.mu.Lock()
	s.closed = true
	var err error
	if s.listener != nil {
		err = s.listener.Close()
	}
	if s.waiting != nil {
		err = errors.Join(err, s.waiting.Close())
		s.waiting = nil
	}
	s.mu.Unlock()
	s.accepts.Wait()
	return err
}
