package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"rorpost/astm"
)

func astmShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [FILE…]",
		Short: "print messages for people",
		Long:  `Print each message with its records by level, and what is wrong with it. It exits with 1 when a file holds no message.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return astmEach(cmd, args, astmShow)
		},
	}
}

func astmJSONCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "json [FILE…]",
		Short: "print each message as one JSON object",
		Long: `Print each message as one JSON object on a line: {"frames":N,"records":[{"type","fields":[…]}…],"problems":[…]}.

The first of the fields is field 1, the record's letter; field 2 of the header is the definition of the delimiters. A
field without delimiters is a string; any other is an array of its repeats, in which a repeat with components is an
array of those. Text is unescaped and in UTF-8. frames is 0 for bare records. The problems of the line are told with the
first message of a file. A file without a message is an object with problems only, and the exit status is 1.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return astmEach(cmd, args, astmJSON)
		},
	}
}

// astmEach does something with each file.
func astmEach(cmd *cobra.Command, args []string, do func(io.Writer, astmInput) error) error {
	inputs, err := astmReadAll(cmd, args)
	if err != nil {
		return err
	}
	bad := 0
	for _, in := range inputs {
		if in.err != nil {
			bad++
		}
		if err := do(cmd.OutOrStdout(), in); err != nil {
			return err
		}
	}
	return astmBad(bad, len(inputs), "files hold no message")
}

func astmShow(w io.Writer, in astmInput) error {
	var b strings.Builder
	for i, m := range in.messages {
		fmt.Fprintf(&b, "%s: message %d of %d, ", in.file, i+1, len(in.messages))
		if m.frames > 0 {
			fmt.Fprintf(&b, "%d frames, ", m.frames)
		}
		fmt.Fprintf(&b, "%d records\n", len(m.Records))
		for _, r := range m.Records {
			fmt.Fprintf(&b, "  %s%s\n", indent(r), printable(r))
		}
		for _, p := range m.Problems {
			fmt.Fprintf(&b, "  ! %v\n", p)
		}
	}
	if in.err != nil {
		fmt.Fprintf(&b, "%s: %v\n", in.file, in.err)
	}
	for _, p := range in.problems {
		fmt.Fprintf(&b, "  ! on the line, %s\n", p)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// indent shows the level of a record [LIS02 5.5].
func indent(r astm.Record) string {
	switch r.Type() {
	case 'P', 'Q', 'S':
		return "  "
	case 'O':
		return "    "
	case 'R':
		return "      "
	case 'C', 'M':
		return "        "
	}
	return ""
}

// printable is a record as it was written, fit for a terminal.
func printable(r astm.Record) string {
	d := string([]byte{r.Delimiters().Field})
	fields := make([]string, r.Fields())
	for i := range fields {
		fields[i] = r.Get(fmt.Sprint(i + 1))
	}
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '·'
		}
		return c
	}, strings.Join(fields, d))
}

type astmJSONMessage struct {
	Frames   int              `json:"frames"`
	Records  []astmJSONRecord `json:"records"`
	Problems []string         `json:"problems"`
}

type astmJSONRecord struct {
	Type   string `json:"type"`
	Fields []any  `json:"fields"`
}

func astmJSON(w io.Writer, in astmInput) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	line := append([]string{}, in.problems...)
	if in.err != nil {
		return e.Encode(astmJSONMessage{len(in.frames), []astmJSONRecord{}, append(line, in.err.Error())})
	}
	for _, m := range in.messages {
		out := astmJSONMessage{Frames: m.frames, Records: []astmJSONRecord{}, Problems: line}
		for _, r := range m.Records {
			out.Records = append(out.Records, astmJSONOf(r))
		}
		for _, p := range m.Problems {
			out.Problems = append(out.Problems, p.String())
		}
		if err := e.Encode(out); err != nil {
			return err
		}
		line = []string{}
	}
	return nil
}

func astmJSONOf(r astm.Record) astmJSONRecord {
	out := astmJSONRecord{Fields: []any{}}
	if r.Type() != 0 {
		out.Type = string(rune(r.Type()))
	}
	for field := 1; field <= r.Fields(); field++ {
		out.Fields = append(out.Fields, astmJSONField(r, field))
	}
	return out
}

func astmJSONField(r astm.Record, field int) any {
	reps := max(1, r.Reps(field))
	list := make([]any, reps)
	plain := reps == 1
	for i := range list {
		parts := make([]any, max(1, r.Components(field, i+1)))
		for j := range parts {
			parts[j] = r.Get(fmt.Sprintf("%d[%d].%d", field, i+1, j+1))
		}
		if list[i] = any(parts); len(parts) == 1 {
			list[i] = parts[0]
		} else {
			plain = false
		}
	}
	if plain {
		return list[0]
	}
	return list
}
