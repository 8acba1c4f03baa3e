package central

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

func bad(text, hint string) *Problem { return &Problem{http.StatusBadRequest, text, hint} }

// read decodes a request body strictly: one JSON object, no member that is not known, none twice, nothing after it.
func read(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return &Problem{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", big.Limit), "send less at a time"}
	case err != nil:
		return bad("the body broke off", "send it again")
	}
	return decode(body, into)
}

// decode looks at the shape first, so that it can say where a body is wrong without repeating what is in it: a value
// may be a person's number.
func decode(body []byte, into any) error {
	w := walker{json.NewDecoder(bytes.NewReader(body))}
	if err := w.value(reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	if _, err := w.dec.Token(); !errors.Is(err, io.EOF) {
		return bad("something follows the JSON object", "send one object")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return notJSON()
	}
	return nil
}

func notJSON() *Problem { return bad("the body is not JSON", "send one JSON object in UTF-8") }

// walker compares JSON with a type.
type walker struct{ dec *json.Decoder }

func (w walker) value(t reflect.Type, path string) error {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return w.leaf(t, path, `a time such as "2026-01-31T08:00:00Z"`)
	case t.Kind() == reflect.Pointer:
		return w.value(t.Elem(), path)
	case t.Kind() == reflect.Struct:
		given := map[string]bool{}
		return w.composite('{', path, "an object", func() error { return w.member(t, path, given) })
	case t.Kind() == reflect.Slice:
		return w.composite('[', path, "a list", func() error { return w.list(t.Elem(), path) })
	}
	return w.leaf(t, path, map[reflect.Kind]string{reflect.String: "a text", reflect.Bool: "true or false"}[t.Kind()])
}

func (w walker) leaf(t reflect.Type, path, want string) error {
	err := w.dec.Decode(reflect.New(t).Interface())
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return notJSON()
	case want == "":
		want = "a number"
	}
	return bad(fmt.Sprintf("member %s has the wrong type", path), "it must be "+want)
}

// composite reads an object or a list; null is none.
func (w walker) composite(open json.Delim, path, want string, members func() error) error {
	tok, err := w.dec.Token()
	switch {
	case err != nil:
		return notJSON()
	case tok == nil && path != "":
		return nil
	case tok != open && path == "":
		return bad("the body is not a JSON object", "send one JSON object")
	case tok != open:
		return bad(fmt.Sprintf("member %s has the wrong type", path), "it must be "+want)
	}
	for w.dec.More() {
		if err := members(); err != nil {
			return err
		}
	}
	if _, err := w.dec.Token(); err != nil {
		return notJSON()
	}
	return nil
}

func (w walker) list(t reflect.Type, path string) error { return w.value(t, path+"[]") }

// member reads one member of an object. Given twice it would have two meanings.
func (w walker) member(t reflect.Type, path string, given map[string]bool) error {
	tok, err := w.dec.Token()
	name, ok := tok.(string)
	if err != nil || !ok {
		return notJSON()
	}
	names := map[string]reflect.Type{}
	var allowed []string
	for f := range fields(t) {
		n, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names[n] = f.Type
		allowed = append(allowed, n)
	}
	if path != "" {
		path += "."
	}
	inner, ok := names[name]
	if !ok {
		slices.Sort(allowed)
		return bad(fmt.Sprintf("unknown member %s", path+harmless(name)), "allowed are: "+strings.Join(allowed, ", "))
	}
	if given[name] {
		return bad(fmt.Sprintf("member %s is given twice", path+name), "give every member once")
	}
	given[name] = true
	return w.value(inner, path+name)
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// harmless repeats a member's name only if it cannot be more than a name.
func harmless(name string) string {
	letters := func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
	if name == "" || len(name) > 40 || strings.ContainsFunc(name, letters) {
		return "(a name that is not one)"
	}
	return name
}
