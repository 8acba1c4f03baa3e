package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// steps are what a start has done, so that a stop can undo it in the reverse order. Each running step has a context of
// its own: it ends only when everything that leans on it has ended.
type steps struct {
	list  []step
	ended chan ended
}

type step struct {
	name   string
	cancel context.CancelFunc // nil for a step that is only closed.
	done   chan struct{}
	close  func() error
}

type ended struct {
	name string
	err  error
}

// patience bounds how long one step may take to end.
const patience = 10 * time.Second

// running starts a goroutine that the stop will end.
func (s *steps) running(name string, run func(context.Context) error) {
	if s.ended == nil {
		s.ended = make(chan ended, 1)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.list = append(s.list, step{name: name, cancel: cancel, done: done})
	report := s.ended
	go func() {
		defer close(done)
		err := run(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		select {
		case report <- ended{name, err}:
		default: // Another step has already ended the run.
		}
	}()
}

// closing names what the stop will close.
func (s *steps) closing(name string, fn func() error) {
	s.list = append(s.list, step{name: name, close: fn})
}

// wait returns nil when ctx ends, or the error of a step that ended by itself.
func (s *steps) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case e := <-s.ended:
		return fmt.Errorf("%s ended: %w", e.name, e.err)
	}
}

// stop ends the steps, the last one first, each after everything that leans on it.
func (s *steps) stop(log *slog.Logger) error {
	var errs []error
	for _, st := range slices.Backward(s.list) {
		if st.close != nil {
			if err := st.close(); err != nil {
				errs = append(errs, fmt.Errorf("close the %s: %w", st.name, err))
			}
			continue
		}
		st.cancel()
		select {
		case <-st.done:
			log.Debug("stopped", "step", st.name)
		case <-time.After(patience):
			errs = append(errs, fmt.Errorf("%s did not end within %s", st.name, patience))
		}
	}
	return errors.Join(errs...)
}
