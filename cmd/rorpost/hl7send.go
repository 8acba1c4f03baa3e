package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rorpost/hl7/mllp"
)

// hl7Sending are the flags of send.
type hl7Sending struct {
	to, ca, cert, key string
	tls, application  bool
	timeout           time.Duration
	count             int
}

func hl7SendCommand() *cobra.Command {
	var s hl7Sending
	c := &cobra.Command{
		Use:   "send --to HOST:PORT [FILE…]",
		Short: "send messages over MLLP, one line for each answer",
		Long: `Send messages over one MLLP connection, in order, and print one line for each answer. It exits with 1 unless all
are answered AA or CA.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.to == "" {
				return usageError{errors.New("--to says where: host:port")}
			}
			inputs, err := hl7Read(cmd, args)
			if err != nil {
				return err
			}
			client, err := s.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return s.run(cmd.Context(), client, inputs, cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&s.to, "to", "", "`HOST:PORT` of the receiver")
	f.BoolVar(&s.tls, "tls", false, "use TLS")
	f.StringVar(&s.ca, "ca", "", "`FILE` of the certificates that the receiver's must come from (default: the system's)")
	f.StringVar(&s.cert, "cert", "", "`FILE` of our own certificate")
	f.StringVar(&s.key, "key", "", "`FILE` of its key")
	f.DurationVar(&s.timeout, "timeout", mllp.AckTimeout, "how long to wait for each answer")
	f.BoolVar(&s.application, "application", false, "after CA, wait for the application's answer when MSH-16 asks for it")
	f.IntVar(&s.count, "count", 1, "send everything this many times, the same bytes each time")
	return c
}

func (s hl7Sending) client() (*mllp.Client, error) {
	c := &mllp.Client{Address: s.to, AckTimeout: s.timeout, WaitApplication: s.application}
	if !s.tls {
		return c, nil
	}
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, err
		}
		c.TLS.RootCAs = x509.NewCertPool()
		if !c.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in it", s.ca)
		}
	}
	if s.cert != "" {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, err
		}
		c.TLS.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// run sends; it stops when nobody answers the telephone, and goes on after any other failure.
func (s hl7Sending) run(ctx context.Context, client *mllp.Client, inputs []hl7Input, w io.Writer) error {
	bad, sent := 0, 0
	for range max(1, s.count) {
		for _, in := range inputs {
			sent++
			a, err := client.Send(ctx, in.raw)
			var dial *mllp.DialError
			switch {
			case errors.As(err, &dial) || ctx.Err() != nil:
				return err
			case err != nil:
				bad++
				fmt.Fprintf(w, "%s %v\n", in, err)
				continue
			case a.Raw == nil:
				fmt.Fprintf(w, "%s sent, no answer asked for\n", in)
				continue
			}
			if !a.Info.Code.Positive() {
				bad++
			}
			line := fmt.Sprintf("%s %s %s", in, a.Info.Code, hl7Printable(a.Info.ControlID))
			for _, more := range []string{a.Info.ErrorCode, a.Info.Text} {
				if more != "" {
					line += " " + hl7Printable(more)
				}
			}
			fmt.Fprintln(w, line)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d messages were not acknowledged with AA or CA", bad, sent)
	}
	return nil
}
