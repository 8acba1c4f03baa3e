package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rorpost/hl7"
)

func hl7ShowCommand() *cobra.Command {
	var mask bool
	c := &cobra.Command{
		Use:   "show [FILE…]",
		Short: "list every value with its path",
		RunE: func(cmd *cobra.Command, args []string) error {
			inputs, err := hl7Read(cmd, args)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			defer out.Flush()
			bad := 0
			for _, in := range inputs {
				if err := hl7Show(out, in, mask); err != nil {
					bad++
				}
			}
			return hl7Bad(bad, len(inputs))
		},
	}
	c.Flags().BoolVar(&mask, "mask", false, "hide who it is about: everything in PID, NK1 and other segments that name people")
	return c
}

func hl7Bad(bad, of int) error {
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d messages cannot be read", bad, of)
}

// hl7Show lists one message. The error is that of Parse, already written.
func hl7Show(w io.Writer, in hl7Input, mask bool) error {
	m, err := hl7.Parse(in.raw)
	if err != nil {
		fmt.Fprintf(w, "%s: %v\n\n", in, err)
		return err
	}
	h := m.Header()
	fmt.Fprintf(w, "%s: %s %s, version %s, id %s, %d segments, %d bytes\n", in,
		hl7Printable(h.Type), hl7Printable(h.Event), hl7Printable(h.Version), hl7Printable(h.ControlID), len(m.Segments()), len(in.raw))
	counts, all := map[string]int{}, map[string]int{}
	for _, s := range m.Segments() {
		all[s.Name()]++
	}
	for _, s := range m.Segments() {
		name := s.Name()
		counts[name]++
		path := hl7Printable(name)
		if all[name] > 1 {
			path += "(" + strconv.Itoa(counts[name]) + ")"
		}
		hl7ShowSegment(w, s, path, mask && hl7Identifies(name))
	}
	for _, warning := range m.Warnings() {
		fmt.Fprintf(w, "! %s (%s)\n", warning, warning.Code)
	}
	fmt.Fprintln(w)
	return nil
}

// hl7ShowSegment lists the leaves: values that have no parts.
func hl7ShowSegment(w io.Writer, s hl7.Segment, path string, mask bool) {
	for n, v := range s.All() {
		field := path + "-" + strconv.Itoa(n)
		reps := v.Repetitions()
		for r, rep := range reps {
			at := field
			if len(reps) > 1 {
				at += "[" + strconv.Itoa(r+1) + "]"
			}
			components := rep.Components()
			for c, component := range components {
				part := at
				subs := component.Subcomponents()
				if len(components) > 1 || len(subs) > 1 {
					part += "." + strconv.Itoa(c+1)
				}
				for i, sub := range subs {
					leaf := part
					if len(subs) > 1 {
						leaf += "." + strconv.Itoa(i+1)
					}
					hl7ShowLeaf(w, leaf, sub, mask && n > 1)
				}
			}
		}
	}
}

func hl7ShowLeaf(w io.Writer, path string, v hl7.Value, mask bool) {
	var text string
	switch v.Kind() {
	case hl7.Absent, hl7.Empty:
		return
	case hl7.Null:
		text = `"" (null)`
	default:
		text = hl7Printable(v.Text())
	}
	if mask {
		text = "(masked)"
	}
	fmt.Fprintf(w, "  %-14s %s\n", path, text)
}

// hl7Identifies reports the segments that say who somebody is.
func hl7Identifies(name string) bool {
	return slices.Contains([]string{"PID", "PD1", "NK1", "MRG", "GT1", "IN1", "IN2", "IN3", "CON", "QRD", "QRF", "QPD", "ARV", "PRT"}, name)
}

// hl7Printable keeps what a terminal would obey out of text that came from elsewhere.
func hl7Printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 {
		return s
	}
	return strings.Trim(strconv.Quote(s), `"`)
}
