package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rorpost/astm/lis1a"
	"rorpost/devices/port"
)

// astmSending are the flags of send.
type astmSending struct {
	to      string
	pace    int
	timeout time.Duration
	wait    time.Duration
}

func astmSendCommand() *cobra.Command {
	var s astmSending
	c := &cobra.Command{
		Use:   "send --to PORT [FILE…]",
		Short: "play files to a host, as an instrument does",
		Long: `Send the sessions of captures, and the messages of files of bare records, as an instrument: bid for the line, one answer to
each frame, EOT. A capture's own frames are sent as they are when they are in order; otherwise new ones are made of
their text. One line is printed for each; the exit status is 1 unless all are acknowledged to the last frame.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.to == "" {
				return usageError{errors.New("--to says where: tcp://host:port or serial:/dev/ttyUSB0")}
			}
			inputs, err := astmReadAll(cmd, args)
			if err != nil {
				return err
			}
			return s.run(cmd, inputs)
		},
	}
	f := c.Flags()
	f.StringVar(&s.to, "to", "", "`PORT` of the host")
	f.IntVar(&s.pace, "pace", 0, "send no faster than a line of this many bits per second, as 9600")
	f.DurationVar(&s.timeout, "timeout", 2*time.Minute, "give a message up after this time")
	f.DurationVar(&s.wait, "wait", 0, "afterwards receive for this time, and print what the host sends, as the answer to a query")
	return c
}

// astmTransmission is what one bid for the line sends.
type astmTransmission struct {
	name   string
	frames [][]byte
	made   bool // The frames are not the capture's.
	err    error
}

func (s astmSending) run(cmd *cobra.Command, inputs []astmInput) error {
	w := cmd.OutOrStdout()
	var all []astmTransmission
	for _, in := range inputs {
		all = append(all, astmTransmissions(in)...)
	}
	p, closePort, err := openPort(cmd.Context(), s.to, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer closePort()
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	conn := lis1a.NewConn(slowed(p, s.pace), lis1a.Options{Role: lis1a.Instrument, Dialect: lis1a.Tolerant()})
	ended := make(chan error, 1)
	go func() { ended <- conn.Run(ctx, &astmPrinter{w: w}) }()
	bad := 0
	for _, t := range all {
		if !s.send(ctx, conn, t, w) {
			bad++
		}
	}
	if s.wait > 0 {
		select {
		case <-time.After(s.wait):
		case err := <-ended:
			ended <- err
		case <-ctx.Done():
		}
	}
	cancel()
	<-ended
	return astmBad(bad, len(all), "messages were not acknowledged")
}

// send sends one message and says what became of it.
func (s astmSending) send(ctx context.Context, conn *lis1a.Conn, t astmTransmission, w io.Writer) bool {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := t.err
	if err == nil {
		err = conn.SendFrames(ctx, t.frames)
	}
	how := ""
	if t.made {
		how = ", framed anew"
	}
	if err != nil {
		fmt.Fprintf(w, "%s not acknowledged: %v%s\n", t.name, err, how)
		return false
	}
	fmt.Fprintf(w, "%s acknowledged, %d frames%s\n", t.name, len(t.frames), how)
	return true
}

// astmTransmissions are the sessions of a capture, or the messages of bare records.
func astmTransmissions(in astmInput) []astmTransmission {
	var out []astmTransmission
	add := func(t astmTransmission) {
		t.name = fmt.Sprintf("%s:%d", in.file, len(out)+1)
		if len(t.frames) == 0 && t.err == nil {
			t.err = lis1a.ErrEmpty
		}
		out = append(out, t)
	}
	if in.err != nil {
		add(astmTransmission{err: in.err})
		return out
	}
	for from := 0; from < len(in.frames); {
		to := from + 1
		for to < len(in.frames) && !in.frames[to].First {
			to++
		}
		add(astmSession(in.frames[from:to]))
		from = to
	}
	if len(in.frames) > 0 {
		return out
	}
	for _, m := range in.messages {
		var text []byte
		for _, r := range m.Records {
			if r.Type() == 0 {
				continue // A remark in the file.
			}
			text = append(append(text, r.Text()...), lis1a.CR)
		}
		add(astmTransmission{frames: lis1a.Encode(text, 0), made: true, err: lis1a.CheckText(text)})
	}
	return out
}

// astmSession keeps the frames of a session when they are in order.
func astmSession(frames []lis1a.Frame) astmTransmission {
	var raw [][]byte
	for _, f := range frames {
		raw = append(raw, f.Raw)
	}
	if _, problems := lis1a.Decode(bytes.Join(raw, nil)); len(problems) == 0 && frames[0].Number == 1 {
		return astmTransmission{frames: raw}
	}
	text := bytes.ReplaceAll(lis1a.Text(frames), []byte("\r\n"), []byte("\r"))
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r")) // Loggers change line ends.
	return astmTransmission{frames: lis1a.Encode(text, 0), made: true, err: lis1a.CheckText(text)}
}

// slowed is a port that is written to at the speed of a line.
func slowed(p port.Port, baud int) port.Port {
	if baud <= 0 {
		return p
	}
	return slowPort{p, baud}
}

type slowPort struct {
	port.Port
	baud int
}

// bitsPerByte on a line with one start and one stop bit.
const bitsPerByte = 10

// Write writes some bytes at a time, and returns when the last has left.
func (s slowPort) Write(b []byte) (int, error) {
	const atOnce = 8
	for done := 0; done < len(b); {
		part := b[done:min(len(b), done+atOnce)]
		left := time.After(time.Duration(len(part)*bitsPerByte) * time.Second / time.Duration(s.baud))
		n, err := s.Port.Write(part)
		if done += n; err != nil {
			return done, err
		}
		<-left
	}
	return len(b), nil
}
