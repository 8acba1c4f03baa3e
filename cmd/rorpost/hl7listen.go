package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// hl7Listening are the flags of listen, and what it counts.
type hl7Listening struct {
	listen, out, cert, key string
	mask                   bool

	mu   sync.Mutex // Guards what follows and the output.
	w    io.Writer
	last int64 // Number of the last message: nanoseconds, made to grow.
}

func hl7ListenCommand() *cobra.Command {
	s := &hl7Listening{}
	c := &cobra.Command{
		Use:   "listen",
		Short: "receive messages over MLLP, print or keep them, and acknowledge",
		Long: `Receive messages over MLLP until interrupted. Each is printed, or written to a file of its own with --out, and
then acknowledged as its MSH-15 and MSH-16 ask. One that cannot be correlated is answered AR, or not at all when it
is no message.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.w = cmd.OutOrStdout()
			return s.run(cmd.Context(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:2575", "`ADDRESS` to listen on")
	f.StringVar(&s.out, "out", "", "`DIR`ectory for the messages, one file each")
	f.StringVar(&s.cert, "cert", "", "`FILE` of the certificate for TLS")
	f.StringVar(&s.key, "key", "", "`FILE` of its key")
	f.BoolVar(&s.mask, "mask", false, "hide who messages are about when printing them")
	return c
}

func (s *hl7Listening) run(ctx context.Context, errs io.Writer) error {
	server := &mllp.Server{Handler: s.take, OnEvent: func(e mllp.Event) { s.report(errs, e) }}
	if s.cert != "" {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return err
		}
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	}
	if s.out != "" {
		if err := os.MkdirAll(s.out, 0o700); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(errs, "listening on %s\n", l.Addr())
	return server.Serve(ctx, l)
}

// report says what went wrong with a connection; that it came and went is not worth a line.
func (s *hl7Listening) report(errs io.Writer, e mllp.Event) {
	if e.Kind == mllp.EventOpened || e.Kind == mllp.EventClosed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(errs, "%s: %s", e.Peer.Address, e.Kind)
	if e.Bytes > 0 {
		fmt.Fprintf(errs, ", %d bytes", e.Bytes)
	}
	if e.Err != nil {
		fmt.Fprintf(errs, ": %v", e.Err)
	}
	fmt.Fprintln(errs)
}

// take keeps one message and then answers it.
func (s *hl7Listening) take(_ context.Context, peer mllp.Peer, msg []byte) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.last = max(s.last+1, now.UnixNano())
	if err := s.keep(peer, msg); err != nil {
		return nil, err
	}
	m, err := hl7.Parse(msg)
	if err != nil {
		return nil, err
	}
	reply := hl7.Reply{ControlID: "R" + strconv.FormatInt(s.last, 36), Time: now}
	if err := m.Correlatable(); err != nil {
		reply.Code, reply.Text = hl7.AR, err.Error()
		reply.Errors = []hl7.ErrorDetail{{Segment: "MSH", Field: 10, Code: "101", Text: err.Error()}}
		return [][]byte{hl7.Ack(m, reply)}, nil
	}
	if h := m.Header(); h.Type != "ACK" && len(m.Find("MSA")) == 0 { // An acknowledgement is never acknowledged.
		return hl7Answers(m, h, reply), nil
	}
	return nil, nil
}

func hl7Answers(m *hl7.Message, h hl7.Header, reply hl7.Reply) [][]byte {
	var out [][]byte
	id := reply.ControlID
	for i, code := range hl7.AckPlan(h.AcceptAck, h.ApplicationAck, true, true) {
		reply.Code = code
		reply.ControlID = id + string(rune('A'+i))
		out = append(out, hl7.Ack(m, reply))
	}
	return out
}

// keep prints the message, or writes its file and waits until the disk has it.
func (s *hl7Listening) keep(peer mllp.Peer, msg []byte) error {
	name := strconv.FormatInt(s.last, 10) + ".hl7"
	if s.out == "" {
		_ = hl7Show(s.w, hl7Input{peer.Address, 1, msg}, s.mask) // What cannot be read is shown as that.
		return nil
	}
	path := filepath.Join(s.out, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(msg)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		fmt.Fprintf(s.w, "%s %s %d bytes\n", path, peer.Address, len(msg))
	}
	return err
}
