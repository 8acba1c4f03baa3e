package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Options is what the rest of the program knows.
type Options struct {
	Profiles []string                // Known device profiles; nil: any name is taken.
	Port     func(spec string) error // Checks a device's port; nil: only its form is checked.
}

// Load reads a file and lets the environment override its scalars. The error is [Errors], or the system's.
func Load(path string, o Options) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return parse(path, b, o, overlay)
}

// Parse reads a document; name stands for it in errors. The environment is not looked at. The error is [Errors].
func Parse(name string, document []byte, o Options) (*Config, error) {
	return parse(name, document, o, func(*Config) Errors { return nil })
}

func parse(name string, document []byte, o Options, override func(*Config) Errors) (*Config, error) {
	c := Default()
	where := locate(document)
	if err := toml.NewDecoder(bytes.NewReader(document)).DisallowUnknownFields().Decode(c); err != nil {
		return nil, explain(name, err, where)
	}
	if err := single(name, where); err != nil {
		return nil, err
	}
	c.complete(func(path string) bool { _, ok := where[path]; return ok })
	if errs := override(c); len(errs) > 0 {
		return nil, errs
	}
	k := &checker{c: c, o: o, file: name, where: where}
	k.all()
	if len(k.errs) > 0 {
		return nil, k.errs.sorted()
	}
	k.suspicious()
	c.warnings = k.warnings
	return c, nil
}

// explain turns the decoder's errors into ours.
func explain(name string, err error, where map[string]place) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		var list Errors
		for i := range unknown.Errors {
			line, column := unknown.Errors[i].Position()
			list = append(list, unknownKey(name, keyAt(where, line, column), line, column))
		}
		return list.sorted()
	}
	if path, p, ok := untexted(where); ok {
		return Errors{{File: name, Line: p.line, Column: p.column, What: wrongValue(strings.Split(key(path), "."), p.kind.String(), "")}}
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		line, column := wrong.Position()
		return Errors{{File: name, Line: line, Column: column, What: wrongValue(wrong.Key(), "", strings.TrimPrefix(wrong.Error(), "toml: "))}}
	}
	return Errors{{File: name, What: strings.TrimPrefix(err.Error(), "toml: ")}}
}

// keyAt finds the key that stands at a position; the decoder does not say in which inline table a key stands.
func keyAt(where map[string]place, line, column int) []string {
	for path, p := range where {
		if p.line == line && p.column == column {
			return strings.Split(key(path), ".")
		}
	}
	return nil
}

// untexted finds the first value that must be a text in quotes and is a bare number: the decoder hands those to
// UnmarshalText and then loses their position.
func untexted(where map[string]place) (string, place, bool) {
	for _, path := range slices.Sorted(maps.Keys(where)) {
		p, t := where[path], typeAt(strings.Split(key(path), "."))
		if t != nil && needsText(t) && p.kind != unstable.String && p.kind != unstable.Array && p.kind != 0 {
			return path, p, true
		}
	}
	return "", place{}, false
}

func needsText(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t == reflect.TypeFor[Duration]() || t == reflect.TypeFor[Network]() || t == reflect.TypeFor[Secret]()
}

func unknownKey(name string, path []string, line, column int) *Error {
	parent, last := path, ""
	var known []string
	for depth := range path { // The first part that is not known is the wrong one.
		if keys := keysOf(path[:depth]); !slices.Contains(keys, path[depth]) {
			parent, last, known = path[:depth], path[depth], keys
			break
		}
	}
	out := &Error{File: name, Line: line, Column: column, What: fmt.Sprintf("unknown key %q in %s; want %s", last, section(parent), quoted(known))}
	if near := nearest(last, known); near != "" {
		out.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return out
}

// section names a table as it is written.
func section(path []string) string {
	if len(path) == 0 {
		return "the file"
	}
	t := typeAt(path[:1])
	if t != nil && t.Kind() == reflect.Slice {
		if len(path) == 1 {
			return "[[" + path[0] + "]]"
		}
		return strings.Join(path[1:], ".") + " of [[" + path[0] + "]]"
	}
	return "[" + strings.Join(path, ".") + "]"
}

var decoding = regexp.MustCompile(`(?:TOML|toml) (\w+)`)

// wrongValue says what a key wants, where the decoder only names a Go type. found is its word for the value.
func wrongValue(path []string, found, message string) string {
	t := typeAt(path)
	if t == nil || len(path) == 0 {
		return message
	}
	if m := decoding.FindStringSubmatch(message); m != nil {
		found = m[1]
	}
	if found == "" {
		return strings.Join(path, ".") + ": " + message
	}
	return fmt.Sprintf("%s: found %s; want %s", strings.Join(path, "."), plainly(found), wanted(t))
}

// plainly says the decoder's and the parser's words for a value in ours.
func plainly(kind string) string {
	switch strings.ToLower(kind) {
	case "string":
		return "a text"
	case "integer":
		return "a whole number"
	case "float":
		return "a number"
	case "bool", "boolean":
		return "true or false"
	case "array":
		return "a list"
	case "table", "inlinetable", "inline":
		return "a table"
	}
	return "a date or a time"
}

// single finds lists of tables that are written as one table. The decoder takes [device] for an item of the list.
func single(name string, where map[string]place) error {
	var list Errors
	for _, key := range keysOf(nil) {
		p, ok := where[key]
		if ok && p.kind != unstable.Array && typeAt([]string{key}).Kind() == reflect.Slice {
			list = append(list, &Error{File: name, Line: p.line, Column: p.column,
				What: fmt.Sprintf("[%s] may stand many times; want [[%s]]", key, key)})
		}
	}
	if len(list) > 0 {
		return list.sorted()
	}
	return nil
}

func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return `a duration in quotes, as in "500ms", "30s", "15m", "2h" or "90d"`
	case reflect.TypeFor[Bytes]():
		return `a size, as in 65536 or "4MiB"`
	case reflect.TypeFor[Network]():
		return `an address or a network in quotes, as in "10.1.0.0/16"`
	case reflect.TypeFor[Secret]():
		return "a text in quotes"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text in quotes"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct && t.Elem() != reflect.TypeFor[Network]() {
			return "a list of tables, each begun by a line [[…]]"
		}
		return `a list in brackets, as in ["a", "b"]`
	}
	return "a table"
}

// typeAt follows keys through the types; nil when there is no such key.
func typeAt(path []string) reflect.Type {
	t := reflect.TypeFor[Config]()
	for _, key := range path {
		if t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		f, ok := fieldOf(t, key)
		if !ok {
			return nil
		}
		t = f.Type
	}
	return t
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	for f := range t.Fields() {
		if f.Tag.Get("toml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// keysOf lists the keys of a table, in the order of the types.
func keysOf(path []string) []string {
	t := typeAt(path)
	if t != nil && t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for f := range t.Fields() {
		if key := f.Tag.Get("toml"); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
