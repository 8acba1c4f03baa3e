package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rorpost/config"
	"rorpost/devices"
	"rorpost/devices/port"
)

// knowledge is what the program knows and a configuration may name.
func knowledge() config.Options {
	return config.Options{Profiles: devices.Names(), Port: func(spec string) error {
		_, err := port.Parse(spec)
		return err
	}}
}

func newCheckCommand() *cobra.Command {
	var asJSON, example bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "say whether a configuration is right, without opening anything",
		Long: `Reads a configuration as serve and central would, with its certificates and with what the environment
overrides, and reports every mistake with its line. Opens no port and connects to nothing.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 && !example {
				return fmt.Errorf("want one configuration file, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if example {
				_, err := io.WriteString(cmd.OutOrStdout(), config.Example)
				return err
			}
			return check(cmd.OutOrStdout(), args[0], asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "report as JSON")
	cmd.Flags().BoolVar(&example, "example", false, "print the example configuration, with every key and its default")
	return cmd
}

// verdict is what check says of a file.
type verdict struct {
	File     string    `json:"file"`
	Fine     bool      `json:"fine"`
	Mistakes []mistake `json:"mistakes"`
	Warnings []string  `json:"warnings"`
}

type mistake struct {
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	What   string `json:"what"`
	Hint   string `json:"hint,omitempty"`
}

func check(out io.Writer, file string, asJSON bool) error {
	cfg, err := config.Load(file, knowledge())
	if err == nil {
		err = certificates(cfg)
	}
	if asJSON {
		if jsonErr := report(out, file, cfg, err); jsonErr != nil {
			return jsonErr
		}
	}
	if err != nil {
		return err
	}
	if asJSON {
		return nil
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintln(out, "warning: "+w)
	}
	_, err = fmt.Fprintf(out, "%s is fine: %d listeners, %d devices, %d destinations, %d routes, %d users\n", file,
		len(cfg.Listeners), len(cfg.Devices), len(cfg.Destinations), len(cfg.Routes), len(cfg.Users))
	return err
}

func report(out io.Writer, file string, cfg *config.Config, err error) error {
	v := verdict{File: file, Fine: err == nil, Mistakes: []mistake{}, Warnings: []string{}}
	var list config.Errors
	switch {
	case errors.As(err, &list):
		for _, e := range list {
			v.Mistakes = append(v.Mistakes, mistake{Line: e.Line, Column: e.Column, What: e.What, Hint: e.Hint})
		}
	case err != nil:
		v.Mistakes = append(v.Mistakes, mistake{What: err.Error()})
	}
	if cfg != nil {
		v.Warnings = append(v.Warnings, cfg.Warnings()...)
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// certificates reads every file that a TLS section names.
func certificates(cfg *config.Config) error {
	var errs []error
	try := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	server := func(what string, t config.ServerTLS) {
		_, err := t.Config()
		try(what, err)
	}
	client := func(what string, t config.ClientTLS) {
		_, err := t.Config()
		try(what, err)
	}
	server("web.tls", cfg.Web.TLS)
	server("central.tls", cfg.Central.TLS)
	client("orders.tls", cfg.Orders.TLS)
	for _, l := range cfg.Listeners {
		server("tls of listener "+l.Name, l.TLS)
	}
	for _, d := range cfg.Destinations {
		client("tls of destination "+d.Name, d.TLS)
	}
	return errors.Join(errs...)
}
