//go:build linux || darwin || freebsd || netbsd || openbsd

package mllp

import (
	"crypto/tls"
	"net"
	"syscall"
)

// peek looks at the socket without waiting and without taking anything: about a microsecond.
func (l *link) peek() peeked {
	conn := l.Conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	sc, ok := conn.(*net.TCPConn)
	if !ok {
		return peekUnknown
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return peekClosed
	}
	seen := peekUnknown
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EAGAIN || err == syscall.EWOULDBLOCK:
			seen = peekQuiet
		case err == syscall.EINTR || n > 0:
		default:
			seen = peekClosed
		}
	})
	if err != nil {
		return peekClosed
	}
	return seen
}
