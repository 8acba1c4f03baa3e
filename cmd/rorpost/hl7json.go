package main

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"rorpost/hl7"
)

func hl7JSONCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "json [FILE…]",
		Short: "print each message as one JSON object",
		Long: `Print each message as one JSON object on a line: {"segments":[{"name","fields":[…]}…],"problems":[…]}.

The first of the fields is field 1 (of MSH the field separator). A field without delimiters is a string; any other is
an array of its repetitions, in which a repetition with components is an array of those, in which a component with
subcomponents is an array of those. null is the HL7 null, "" is empty. Text is unescaped and in UTF-8.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			inputs, err := hl7Read(cmd, args)
			if err != nil {
				return err
			}
			bad := 0
			for _, in := range inputs {
				ok, err := hl7JSON(cmd.OutOrStdout(), in.raw)
				if err != nil {
					return err
				}
				if !ok {
					bad++
				}
			}
			return hl7Bad(bad, len(inputs))
		},
	}
}

type hl7JSONMessage struct {
	Segments []hl7JSONSegment `json:"segments"`
	Problems []hl7JSONProblem `json:"problems"`
}

type hl7JSONSegment struct {
	Name   string `json:"name"`
	Fields []any  `json:"fields"`
}

type hl7JSONProblem struct {
	Code    string `json:"code"`
	Segment string `json:"segment,omitempty"`
	Field   int    `json:"field,omitempty"`
	Offset  int    `json:"offset"`
	Text    string `json:"text"`
}

// hl7JSON prints one message; ok is false when it cannot be read, which is then its only problem.
func hl7JSON(w io.Writer, raw []byte) (ok bool, err error) {
	out := hl7JSONMessage{Segments: []hl7JSONSegment{}, Problems: []hl7JSONProblem{}}
	m, err := hl7.Parse(raw)
	var syntax *hl7.SyntaxError
	if errors.As(err, &syntax) {
		out.Problems = append(out.Problems, hl7JSONProblem{"syntax", syntax.Segment, syntax.Field, syntax.Offset, syntax.Reason})
	}
	if err == nil {
		for _, s := range m.Segments() {
			fields := []any{}
			for _, v := range s.All() {
				fields = append(fields, hl7JSONField(v))
			}
			out.Segments = append(out.Segments, hl7JSONSegment{s.Name(), fields})
		}
		for _, warning := range m.Warnings() {
			out.Problems = append(out.Problems, hl7JSONProblem{string(warning.Code), warning.Segment, 0, warning.Offset, warning.Text})
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return err == nil, e.Encode(out)
}

func hl7JSONField(v hl7.Value) any {
	reps := v.Repetitions()
	list := make([]any, len(reps))
	plain := len(reps) == 1
	for i, rep := range reps {
		components := rep.Components()
		parts := make([]any, len(components))
		simple := len(components) == 1
		for j, component := range components {
			subs := component.Subcomponents()
			if len(subs) == 1 {
				parts[j] = hl7JSONText(component)
				continue
			}
			simple = false
			leaves := make([]any, len(subs))
			for k, sub := range subs {
				leaves[k] = hl7JSONText(sub)
			}
			parts[j] = leaves
		}
		list[i] = any(parts)
		if simple {
			list[i] = parts[0]
		}
		plain = plain && simple
	}
	if plain {
		return list[0]
	}
	return list
}

func hl7JSONText(v hl7.Value) any {
	if v.Kind() == hl7.Null {
		return nil
	}
	return v.Text()
}
