package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rorpost/astm"
	"rorpost/devices"
	"rorpost/devices/port"
	"rorpost/gateway/lab"
)

func newDevicesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "devices",
		Short: "find, try and test analyzers",
	}
	c.AddCommand(devicesPortsCommand(), devicesProbeCommand(), devicesTestCommand())
	return c
}

func devicesPortsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "ports",
		Short: "list the serial ports of this machine",
		Long: `List the serial ports of this machine, by the name to put into the configuration. Each is opened for a moment: do not do
it while the gateway runs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ports, err := port.List()
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(append([]port.Info{}, ports...))
			}
			for _, p := range ports {
				fmt.Fprintf(cmd.OutOrStdout(), "%s (%s)\n", p.Spec(), p.Name)
			}
			if len(ports) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "no serial ports")
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	return c
}

func devicesTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test PROFILE FILE",
		Short: "say what a profile reads from a recorded session",
		Long: `Read a capture or a file of records by a profile, and print the results as the gateway would understand them. It exits
with 1 when there are none.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := devices.Load(args[0])
			if err != nil {
				return &lab.Fault{Class: lab.Reject, Op: "load the profile", Hint: "the profiles are " + strings.Join(devices.Names(), ", "), Err: err}
			}
			inputs, err := astmReadAll(cmd, args[1:])
			if err != nil {
				return err
			}
			return devicesTest(cmd.OutOrStdout(), p, inputs[0])
		},
	}
}

func devicesTest(w io.Writer, p *devices.Profile, in astmInput) error {
	for _, problem := range in.problems {
		fmt.Fprintf(w, "! on the line, %s\n", problem)
	}
	if in.err != nil {
		return in.err
	}
	results := 0
	for _, m := range in.messages {
		var header, patient, order astm.Record
		for _, r := range m.Records {
			switch r.Type() {
			case 'H':
				header = r
			case 'P':
				patient, order = r, astm.Record{}
			case 'O':
				order = r
				fmt.Fprintf(w, "specimen %q%s\n", p.SpecimenID(patient, order), ifControl(p.IsControl(header, patient, order)))
			case 'R':
				results++
				code := p.CodeOf(r)
				fmt.Fprintf(w, "  %s %s (%s): %q %q flags %q status %s\n", code.System, code.Code, p.LocalCode(r), p.Value(r), p.Unit(r), p.Flags(r), p.Status(r))
			}
		}
	}
	if results == 0 {
		return fmt.Errorf("%s holds no results", in.file)
	}
	return nil
}

func ifControl(is bool) string {
	if is {
		return ", quality control"
	}
	return ""
}
