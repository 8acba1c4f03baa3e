package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rorpost/astm"
	"rorpost/astm/lis1a"
	"rorpost/devices/port"
	"rorpost/gateway/lab"
)

func newASTMCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "astm",
		Short: "read, send and receive the records of analyzers",
		Long: `Read, send and receive the records of analyzers (ASTM E1394, LIS02-A2), as they stand on the line (ASTM E1381, LIS01-A2)
or without their frames; which of them a file holds is found out. The file - is standard input.

A port is serial:/dev/ttyUSB0?baud=9600&mode=8N1, tcp://host:port or listen://address:port.`,
	}
	c.AddCommand(astmShowCommand(), astmJSONCommand(), astmSendCommand(), astmListenCommand())
	return c
}

// astmInput is one file.
type astmInput struct {
	file     string
	frames   []lis1a.Frame // None: the file holds bare records.
	problems []string      // Of the line.
	messages []astmMessage
	err      error // Why there are no messages.
}

// astmMessage is one message of a file.
type astmMessage struct {
	*astm.Message
	frames int // The number of frames it came in.
}

// astmReadAll reads files; none is standard input.
func astmReadAll(cmd *cobra.Command, files []string) ([]astmInput, error) {
	if len(files) == 0 {
		files = []string{"-"}
	}
	var out []astmInput
	for _, file := range files {
		raw, err := hl7ReadFile(cmd.InOrStdin(), file)
		if err != nil {
			return nil, err
		}
		out = append(out, astmRead(file, raw))
	}
	return out, nil
}

// astmRead reads one file, a capture of a line or bare records.
func astmRead(file string, raw []byte) astmInput {
	in := astmInput{file: file}
	text := raw
	if bytes.IndexByte(raw, lis1a.STX) >= 0 {
		frames, problems := lis1a.Decode(raw)
		for _, p := range problems {
			in.problems = append(in.problems, p.String())
		}
		if in.frames = frames; len(frames) > 0 {
			text = lis1a.Text(frames)
		}
	}
	messages, err := astm.Parse(text)
	if in.err = err; err != nil {
		return in
	}
	ends := frameEnds(in.frames)
	at := 0
	for _, m := range messages {
		from := at
		at += len(m.Bytes())
		in.messages = append(in.messages, astmMessage{m, framesIn(ends, from, at)})
	}
	return in
}

// frameEnds are where the frames end in their joined text.
func frameEnds(frames []lis1a.Frame) []int {
	ends := make([]int, len(frames))
	for i, f := range frames {
		joined := lis1a.Text([]lis1a.Frame{f})
		ends[i] = len(joined)
		if i > 0 {
			ends[i] += ends[i-1]
		}
	}
	return ends
}

// framesIn counts the frames that hold a part of a text.
func framesIn(ends []int, from, to int) int {
	n, begin := 0, 0
	for _, end := range ends {
		if begin < to && end > from {
			n++
		}
		begin = end
	}
	return n
}

// astmBad says how many of the files were not as they should be.
func astmBad(bad, all int, what string) error {
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d %s", bad, all, what)
}

// openPort opens the port of a specification.
func openPort(ctx context.Context, text string, errs io.Writer) (port.Port, func(), error) {
	spec, err := port.Parse(text)
	if err != nil {
		return nil, nil, usageError{err}
	}
	source := port.New(spec)
	if spec.Kind == port.Listen {
		fmt.Fprintf(errs, "waiting for a device on %s\n", spec.Address)
	}
	p, err := source.Open(ctx)
	if err != nil {
		_ = source.Close()
		return nil, nil, hinted(err)
	}
	return p, func() { _ = p.Close(); _ = source.Close() }, nil
}

// hinted gives the hint of a port's error to whoever prints it.
func hinted(err error) error {
	var o *port.OpenError
	if !errors.As(err, &o) {
		return err
	}
	return &lab.Fault{Class: lab.Retry, Op: "open " + o.Spec, Hint: o.Hint, Err: o.Err}
}
