//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package mllp

// peek cannot look without reading on this system.
func (l *link) peek() peeked { return peekUnknown }
