package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rorpost/hl7"
)

func hl7GetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get PATH [FILE…]",
		Short: "print the value at a path, one line for each message",
		Long: `Print the value at a path, one line for each message: unescaped, in UTF-8. What is absent or empty is an empty
line, the HL7 null is "". It exits with 1 when no message has the value.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := hl7.CheckPath(args[0]); err != nil {
				return usageError{err}
			}
			inputs, err := hl7Read(cmd, args[1:])
			if err != nil {
				return err
			}
			return hl7Get(cmd.OutOrStdout(), args[0], inputs)
		},
	}
}

func hl7Get(w io.Writer, path string, inputs []hl7Input) error {
	found := false
	for _, in := range inputs {
		m, err := hl7.Parse(in.raw)
		if err != nil {
			return fmt.Errorf("%s: %w", in, err)
		}
		v := m.Value(path)
		text := v.Text()
		if v.Kind() == hl7.Null {
			text = `""`
		}
		found = found || v.Kind() >= hl7.Null
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("no message has a value at %s", path)
	}
	return nil
}

// hl7Edits are the changes that fmt is told to make.
type hl7Edits struct {
	set     []string // PATH=TEXT
	charset string
	recode  bool
}

func hl7FormatCommand() *cobra.Command {
	var e hl7Edits
	c := &cobra.Command{
		Use:   "fmt [FILE…]",
		Short: "write messages back: the same bytes, unless told to change something",
		RunE: func(cmd *cobra.Command, args []string) error {
			e.recode = cmd.Flags().Changed("charset")
			if len(args) == 0 {
				args = []string{"-"}
			}
			for _, file := range args {
				b, err := hl7ReadFile(cmd.InOrStdin(), file)
				if err != nil {
					return err
				}
				if err := hl7Format(cmd.OutOrStdout(), b, e); err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&e.set, "set", nil, "`PATH=TEXT` to set in every message")
	c.Flags().StringVar(&e.charset, "charset", "", "character set to write, as in MSH-18: \"UNICODE UTF-8\", \"8859/1\" …")
	return c
}

// hl7Format writes the messages of b changed, and everything between them as it is. A message that cannot be changed is
// written as it is too, and is the error.
func hl7Format(w io.Writer, b []byte, e hl7Edits) error {
	var first error
	rest := b
	for i, raw := range hl7.Split(b) {
		changed, err := e.apply(raw)
		if err != nil && first == nil {
			first = fmt.Errorf("message %d: %w", i+1, err)
		}
		before := cap(rest) - cap(raw) // Items are parts of b.
		if _, err := w.Write(rest[:before]); err != nil {
			return err
		}
		if _, err := w.Write(changed); err != nil {
			return err
		}
		rest = rest[before+len(raw):]
	}
	if _, err := w.Write(rest); err != nil {
		return err
	}
	return first
}

// apply returns the changed message, or the message as it was when that fails.
func (e hl7Edits) apply(raw []byte) ([]byte, error) {
	m, err := hl7.Parse(raw)
	if err != nil {
		return raw, err
	}
	if e.recode {
		if m, err = hl7.Transcode(m, e.charset); err != nil {
			return raw, err
		}
	}
	for _, s := range e.set {
		path, text, ok := strings.Cut(s, "=")
		if !ok {
			return raw, usageError{errors.New("--set takes PATH=TEXT")}
		}
		if err := m.Set(path, text); err != nil {
			return raw, err
		}
	}
	return m.Bytes(), nil
}
