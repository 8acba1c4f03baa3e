package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rorpost/config"
	"rorpost/gateway"
	"rorpost/gateway/central"
)

// daemonFlags are common to the programs that stay.
type daemonFlags struct {
	file          string
	stopWithStdin bool
}

func (f *daemonFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "config", "c", "", "configuration file (default: $RORPOST_CONFIG, ./rorpost.toml or /etc/rorpost/rorpost.toml)")
	cmd.Flags().BoolVar(&f.stopWithStdin, "stop-with-stdin", false, "stop when standard input closes")
	if err := cmd.Flags().MarkHidden("stop-with-stdin"); err != nil {
		panic(err) // The flag was added one line above.
	}
}

func newServeCommand() *cobra.Command {
	var f daemonFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "run the gateway",
		Long: `Runs the gateway until it is asked to stop (SIGINT, SIGTERM): then nothing new is taken, and what is in hand
is finished. A second signal ends it at once; even then nothing that was acknowledged is lost.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return daemon(cmd, f, func(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
				g, err := gateway.New(cfg, gateway.Options{Log: log, Version: version().Version})
				if err != nil {
					return err
				}
				return g.Run(ctx)
			})
		},
	}
	f.add(cmd)
	return cmd
}

func newCentralCommand() *cobra.Command {
	var f daemonFlags
	cmd := &cobra.Command{
		Use:   "central",
		Short: "run the order store and the patient results queue",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return daemon(cmd, f, func(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
				tls, err := cfg.Central.TLS.Config()
				if err != nil {
					return fmt.Errorf("central.tls: %w", err)
				}
				c, err := central.New(central.Config{Dir: cfg.Central.Dir, Listen: cfg.Central.Listen, TLS: tls, Sources: cfg.Central.Sources, Consumers: cfg.Central.Consumers, Log: log})
				if err != nil {
					return err
				}
				return c.Run(ctx)
			})
		},
	}
	f.add(cmd)
	return cmd
}

// daemon reads the configuration, sets up the log, and runs until a signal or, when asked, the end of standard input.
func daemon(cmd *cobra.Command, f daemonFlags, run func(context.Context, *config.Config, *slog.Logger) error) error {
	file, err := configFile(f.file)
	if err != nil {
		return err
	}
	cfg, err := config.Load(file, knowledge())
	if err != nil {
		return err
	}
	log := newLog(cmd.ErrOrStderr(), cfg.Log)
	for _, w := range cfg.Warnings() {
		log.Warn("the configuration is suspicious", "what", w)
	}
	ctx := cmd.Context()
	if f.stopWithStdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go watch(cmd.InOrStdin(), cancel)
	}
	return run(ctx, cfg, log)
}

// watch calls ended when in ends. It is the one goroutine that outlives its command: a read from a terminal or a pipe
// cannot be broken off, and the process is about to end anyway.
func watch(in io.Reader, ended func()) {
	_, _ = io.Copy(io.Discard, in)
	ended()
}

// configFile finds the configuration: what was asked for, or the usual places.
func configFile(asked string) (string, error) {
	if asked == "" {
		asked = os.Getenv(config.Prefix + "_CONFIG")
	}
	if asked != "" {
		return asked, nil
	}
	usual := []string{"rorpost.toml", filepath.Join("/etc", "rorpost", "rorpost.toml")}
	for _, path := range usual {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", usageError{errors.New("no configuration: give one with -c FILE, or put it at " + usual[0] + " or " + usual[1])}
}
