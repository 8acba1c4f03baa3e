// Rorpost is one program with many commands: the gateway, the order store, and the tools around them.
//
//	rorpost demo                 everything on this machine, with simulated peers
//	rorpost serve -c FILE        the gateway
//	rorpost central -c FILE      the order store and patient results queue
//	rorpost check FILE           is this configuration right?
//
// It exits with 0 when all is fine, 1 when the thing asked about is not, and 2 when it was used wrongly. Errors go to
// standard error, what was asked for to standard output.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // Listeners name time zones, and a small box may have no zone files.

	"github.com/spf13/cobra"

	"rorpost/gateway/lab"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// The exit codes; scripts depend on them.
const (
	exitFine    = 0
	exitNotFine = 1
	exitWrong   = 2
)

// usageError says that the program was used wrongly.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run executes one command line. The first interrupt asks it to stop, the second one ends it.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitFine
	}
	fmt.Fprintf(errs, "rorpost: %v\n", err)
	if hint := lab.HintOf(err); hint != "" {
		fmt.Fprintf(errs, "  hint: %s\n", hint)
	}
	if wrong := (usageError{}); errors.As(err, &wrong) {
		fmt.Fprintf(errs, "  hint: %s --help\n", cmd.CommandPath())
		return exitWrong
	}
	return exitNotFine
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "rorpost",
		Short: "a lab-integration gateway",
		Long: `Rörpost carries orders from the sampling desk to the laboratory, and results from laboratories and analyzers
to the patient's record and to the patient.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		newServeCommand(), newCentralCommand(), newDemoCommand(),
		newHL7Command(), newASTMCommand(), newDevicesCommand(),
		newCheckCommand(), newPasswordCommand(), newVersionCommand(),
	)
	strict(root)
	return root
}

// strict makes every misuse a [usageError], and an unknown command of a group an error instead of its help.
func strict(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	if !cmd.Runnable() {
		cmd.Args = unknownCommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q of %s; did you mean %q?", args[0], cmd.CommandPath(), near[0])
	}
	return fmt.Errorf("there is no command %q of %s", args[0], cmd.CommandPath())
}
