package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rorpost/astm"
	"rorpost/astm/lis1a"
	"rorpost/gateway/lab"
)

func devicesProbeCommand() *cobra.Command {
	var limit time.Duration
	var accept bool
	c := &cobra.Command{
		Use:   "probe PORT",
		Short: "say how far an analyzer gets: port open, bytes, valid frame, message",
		Long: `Open a port as a host and say how far the analyzer at its other end gets. Send a result from the analyzer meanwhile.

No frame is acknowledged, so that the analyzer keeps its results and sends them again later; a message of several
frames is seen whole only with --accept, and is then nowhere but on the screen.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), limit)
			defer cancel()
			return probe(ctx, cmd, args[0], accept)
		},
	}
	c.Flags().DurationVar(&limit, "for", time.Minute, "give up after this time")
	c.Flags().BoolVar(&accept, "accept", false, "acknowledge frames: the analyzer forgets its results")
	return c
}

// prober is told of what comes, and says the next step once.
type prober struct {
	w       io.Writer
	accept  bool
	bytes   bool
	frame   bool
	frames  []lis1a.Frame
	message bool
	done    context.CancelFunc
}

func probe(ctx context.Context, cmd *cobra.Command, spec string, accept bool) error {
	p, closePort, err := openPort(ctx, spec, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer closePort()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pr := &prober{w: cmd.OutOrStdout(), accept: accept, done: cancel}
	fmt.Fprintf(pr.w, "open: %s\n", p)
	conn := lis1a.NewConn(p, lis1a.Options{Role: lis1a.Host, Dialect: lis1a.Tolerant(), OnTrace: pr.heard})
	err = conn.Run(ctx, pr)
	return pr.verdict(err)
}

func (p *prober) heard(dir byte, _ []byte) {
	if dir == lis1a.FromInstrument && !p.bytes {
		p.bytes = true
		fmt.Fprintln(p.w, "bytes: seen")
	}
}

// Begin welcomes every session.
func (p *prober) Begin(context.Context) error { p.frames = nil; return nil }

var errNotKept = errors.New("a probe keeps nothing")

// Keep refuses frames, unless they are to be accepted.
func (p *prober) Keep(_ context.Context, f lis1a.Frame) error {
	if !p.frame {
		p.frame = true
		fmt.Fprintf(p.w, "frame: valid, %d bytes\n", len(f.Raw))
	}
	if p.frames = append(p.frames, f); !p.accept {
		p.look()
		p.frames = nil
		return errNotKept
	}
	return nil
}

// End looks at a session that was accepted.
func (p *prober) End(context.Context, lis1a.End) error {
	p.look()
	return nil
}

// look tells of a whole message, which ends the probe.
func (p *prober) look() {
	messages, err := astm.Parse(lis1a.Text(p.frames))
	if err != nil || p.message || !messages[0].Terminated {
		return
	}
	p.message = true
	sender := messages[0].Records[0].Get("5")
	fmt.Fprintf(p.w, "message: %d records from %q\n", len(messages[0].Records), sender)
	p.done()
}

// verdict says what to look at when it did not get far.
func (p *prober) verdict(err error) error {
	switch {
	case p.frame:
		return nil
	case p.bytes:
		return &lab.Fault{Class: lab.Park, Op: "probe", Err: errors.New("bytes came, but no valid frame"),
			Hint: "check the analyzer's host protocol (ASTM), and that speed, bits and parity are the same on both sides"}
	case errors.Is(err, context.DeadlineExceeded):
		return &lab.Fault{Class: lab.Park, Op: "probe", Err: errors.New("no bytes came"),
			Hint: "send a result from the analyzer; check the cable, and that its host connection is switched on"}
	}
	return err
}
