package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rorpost/hl7"
)

func newHL7Command() *cobra.Command {
	c := &cobra.Command{
		Use:   "hl7",
		Short: "read, change, send and receive HL7 v2 messages",
		Long: `Read, change, send and receive HL7 v2 messages.

A file holds one message or many: after one another, in MLLP frames, or in batches. The file - is standard input.
A path is PID-3[2].4.1: segment, field, repetition, component, subcomponent; OBX(3)-5 is of the third OBX.`,
	}
	c.AddCommand(hl7ShowCommand(), hl7JSONCommand(), hl7GetCommand(), hl7FormatCommand(), hl7SendCommand(), hl7ListenCommand())
	return c
}

// hl7Input is one message of a file.
type hl7Input struct {
	file   string
	number int // In the file, from 1.
	raw    []byte
}

func (i hl7Input) String() string { return fmt.Sprintf("%s:%d", i.file, i.number) }

// hl7Read reads the messages of files; none is standard input.
func hl7Read(cmd *cobra.Command, files []string) ([]hl7Input, error) {
	if len(files) == 0 {
		files = []string{"-"}
	}
	var out []hl7Input
	for _, file := range files {
		b, err := hl7ReadFile(cmd.InOrStdin(), file)
		if err != nil {
			return nil, err
		}
		for i, raw := range hl7.Split(b) {
			out = append(out, hl7Input{file, i + 1, raw})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no message in %v", files)
	}
	return out, nil
}

func hl7ReadFile(in io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(file)
}
