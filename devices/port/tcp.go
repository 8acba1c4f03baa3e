package port

import (
	"context"
	"net"
	"time"
)

// tcpSource connects to a device.
type tcpSource struct{ spec Spec }

const dialTimeout = 10 * time.Second

func (s tcpSource) String() string { return s.spec.String() }

func (tcpSource) Close() error { return nil }

// Open connects.
func (s tcpSource) Open(ctx context.Context) (Port, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive()}
	c, err := d.DialContext(ctx, "tcp", s.spec.Address)
	if err != nil {
		return nil, &OpenError{Spec: s.String(), Hint: "is the device on, and is the address right?", Err: err}
	}
	return socket{c}, nil
}

// keepAlive finds within two minutes that the other side is gone without a word.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 15 * time.Second, Count: 4}
}

// socket is an open connection.
type socket struct{ net.Conn }

func (s socket) String() string { return s.RemoteAddr().String() }
