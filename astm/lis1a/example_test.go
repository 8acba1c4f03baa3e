package lis1a_test

import (
	"context"
	"fmt"
	"net"
	"sync"

	"rorpost/astm/lis1a"
)

// host prints what it receives.
type host struct {
	frames []lis1a.Frame
	ended  chan struct{}
}

func (h *host) Begin(context.Context) error { return nil }

func (h *host) Keep(_ context.Context, f lis1a.Frame) error {
	h.frames = append(h.frames, f) // Write it to disk here: nil permits the acknowledgement.
	return nil
}

func (h *host) End(_ context.Context, e lis1a.End) error {
	fmt.Printf("complete: %v\n%q\n", e.Complete, lis1a.Text(h.frames))
	close(h.ended)
	return nil
}

func ExampleConn() {
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	h := &host{ended: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = lis1a.NewConn(ours, lis1a.Options{Role: lis1a.Host, Dialect: lis1a.Tolerant()}).Run(ctx, h)
	})
	instrument := lis1a.NewConn(theirs, lis1a.Options{Role: lis1a.Instrument})
	wg.Go(func() { _ = instrument.Run(ctx, &host{}) })
	if err := instrument.Send(ctx, []byte("H|\\^&\rL|1|N\r")); err != nil {
		fmt.Println(err)
	}
	<-h.ended // The last frame is acknowledged; the session ends with the EOT that follows it.
	cancel()
	wg.Wait()
	// Output:
	// complete: true
	// "H|\\^&\rL|1|N\r"
}

func ExampleDecode() {
	frames, problems := lis1a.Decode([]byte("\x05\x021H|\\^&\r\x03E5\r\n\x022L|1|N\r\x0305\r\n\x04"))
	fmt.Printf("%d frames, %d problems: %q\n", len(frames), len(problems), lis1a.Text(frames))
	// Output:
	// 2 frames, 0 problems: "H|\\^&\rL|1|N\r"
}
