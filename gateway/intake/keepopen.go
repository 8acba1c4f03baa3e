package intake

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"rorpost/devices/port"
)

const (
	plugHint = "check the cable and the power; the port is opened again by itself"
	steady   = 10 * time.Second // A port that stayed open so long was in order: the pauses start anew.
)

// ear tells when something is heard on a port.
type ear struct {
	port.Port
	heard func()
}

func (e *ear) Read(p []byte) (int, error) {
	n, err := e.Port.Read(p)
	if n > 0 {
		e.heard()
	}
	return n, err
}

// SetWriteDeadline bounds a write where the port can.
func (e *ear) SetWriteDeadline(t time.Time) error {
	if p, ok := e.Port.(interface{ SetWriteDeadline(time.Time) error }); ok {
		return p.SetWriteDeadline(t)
	}
	return errors.ErrUnsupported
}

// keepOpen opens a port, uses it until it fails, and opens it again, with growing pauses, until ctx ends.
func keepOpen(ctx context.Context, source port.Source, b *board, log *slog.Logger, use func(port.Port) error) {
	for failures := 0; ctx.Err() == nil; {
		if waitsForPeer(source) {
			b.become(StateWaiting, "nobody is connected", "the device connects to the gateway: check the address that is set in it")
		}
		p, err := source.Open(ctx)
		opened := err == nil
		if opened {
			log.Info("port open", "port", source.String())
			since := time.Now()
			err = use(p)
			p.Close()
			if time.Since(since) > steady || b.status().LastSeen.After(since) {
				failures = 0
			}
		}
		if ctx.Err() != nil {
			break
		}
		log.Info("port closed", "port", source.String(), "failures", failures, "error", err)
		if opened && waitsForPeer(source) {
			continue // Devices that connect to us hang up when they have said what they had to say.
		}
		failures++
		b.become(StateDown, closedBecause(err), hintOf(err))
		sleep(ctx, pauseNow(failures))
	}
	b.become(StateDown, "the gateway is stopping", "")
}

func hintOf(err error) string {
	var open *port.OpenError
	if errors.As(err, &open) && open.Hint != "" {
		return open.Hint + "; it is tried again by itself"
	}
	return plugHint
}

func closedBecause(err error) string {
	if err == nil {
		return "the port was closed"
	}
	return "the port is closed: " + err.Error()
}

// waitsForPeer tells whether opening means waiting for the device to connect.
func waitsForPeer(s port.Source) bool { return strings.HasPrefix(s.String(), "listen:") }
