package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"rorpost/astm/lis1a"
)

// astmListening are the flags of listen.
type astmListening struct {
	port, out string
	count     int
}

func astmListenCommand() *cobra.Command {
	var s astmListening
	c := &cobra.Command{
		Use:   "listen",
		Short: "receive messages as a host, print or keep them, and acknowledge",
		Long: `Receive sessions as a host until interrupted, print their messages, and acknowledge each frame. With --out each session
is written to a file of its own as it was on the line, and a frame is acknowledged when it is on disk.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	f := c.Flags()
	f.StringVar(&s.port, "port", "listen://127.0.0.1:4001", "`PORT` of the instrument")
	f.StringVar(&s.out, "out", "", "`DIR`ectory for the sessions, one file each")
	f.IntVar(&s.count, "count", 0, "end after this many sessions; 0: never")
	return c
}

func (s astmListening) run(cmd *cobra.Command) error {
	if s.out != "" {
		if err := os.MkdirAll(s.out, 0o700); err != nil {
			return err
		}
	}
	r := &astmPrinter{w: cmd.OutOrStdout(), dir: s.out, left: s.count}
	for cmd.Context().Err() == nil {
		p, closePort, err := openPort(cmd.Context(), s.port, cmd.ErrOrStderr())
		if err != nil {
			return unlessStopped(cmd.Context(), err)
		}
		conn := lis1a.NewConn(p, lis1a.Options{Role: lis1a.Host, Dialect: lis1a.Tolerant()})
		err = conn.Run(cmd.Context(), r)
		closePort()
		switch {
		case errors.Is(err, errEnough):
			return nil
		case !errors.Is(err, io.EOF):
			return unlessStopped(cmd.Context(), err)
		}
	}
	return nil
}

// unlessStopped is nil when the program was asked to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// errEnough ends listening when all is received that was asked for.
var errEnough = errors.New("all sessions are received")

// astmPrinter prints sessions, and keeps them in files when it has a directory.
type astmPrinter struct {
	w      io.Writer
	dir    string
	left   int // Sessions until it has enough; 0: never.
	file   *os.File
	frames []lis1a.Frame
}

// Begin opens the file of a session.
func (r *astmPrinter) Begin(context.Context) error {
	r.frames = nil
	if r.dir == "" {
		return nil
	}
	f, err := os.CreateTemp(r.dir, time.Now().Format("20060102-150405")+"-*.astm")
	if err != nil {
		return err
	}
	r.file = f
	_, err = f.Write([]byte{lis1a.ENQ})
	return err
}

// Keep writes a frame to disk; only then it is acknowledged (P1).
func (r *astmPrinter) Keep(_ context.Context, f lis1a.Frame) error {
	if r.file != nil {
		if _, err := r.file.Write(f.Raw); err != nil {
			return err
		}
		if err := r.file.Sync(); err != nil {
			return err
		}
	}
	r.frames = append(r.frames, f)
	return nil
}

// End prints the session.
func (r *astmPrinter) End(_ context.Context, e lis1a.End) error {
	name, err := r.closeFile(e)
	if err != nil || len(r.frames) == 0 {
		return err
	}
	var raw []byte
	for _, f := range r.frames {
		raw = append(raw, f.Raw...)
	}
	in := astmRead(name, raw)
	if !e.Complete {
		in.problems = append(in.problems, "the session is not complete: "+e.Reason)
	}
	if err := astmShow(r.w, in); err != nil {
		return err
	}
	if r.left--; r.left == 0 {
		return errEnough
	}
	return nil
}

// closeFile ends the file of a session; one without frames is taken away.
func (r *astmPrinter) closeFile(e lis1a.End) (name string, err error) {
	if r.file == nil {
		return "received", nil
	}
	f := r.file
	r.file = nil
	if e.Complete {
		_, err = f.Write([]byte{lis1a.EOT})
	}
	err = errors.Join(err, f.Close())
	if len(r.frames) == 0 {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	if err != nil {
		return "", fmt.Errorf("keep the session: %w", err)
	}
	return filepath.Base(f.Name()), nil
}
