package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/viper"
)

// Prefix begins the name of every environment variable that is looked at.
const Prefix = "RORPOST"

// overlay lets the environment override the scalars of the single sections. Only single values go through viper: it
// folds the case of keys and splits them at dots, so no table may.
func overlay(c *Config) Errors {
	v := viper.New()
	v.SetEnvPrefix(Prefix)
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	var errs Errors
	scalars(reflect.ValueOf(c).Elem(), "", func(path string, field reflect.Value) {
		if !v.IsSet(path) {
			return
		}
		if err := setText(field, v.GetString(path)); err != nil {
			errs = append(errs, &Error{File: "environment", What: fmt.Sprintf("%s: %v", variable(path), err),
				Hint: "it overrides " + path + " of the file"})
		}
	})
	return errs
}

// variable is the name of the environment variable that overrides a key.
func variable(path string) string {
	return Prefix + "_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// scalars visits every value that is neither a table nor a list.
func scalars(t reflect.Value, path string, visit func(path string, field reflect.Value)) {
	for i := range t.NumField() {
		key := t.Type().Field(i).Tag.Get("toml")
		if key == "" {
			continue
		}
		field := t.Field(i)
		_, text := field.Addr().Interface().(encoding.TextUnmarshaler)
		switch {
		case field.Kind() == reflect.Slice:
		case field.Kind() == reflect.Struct && !text:
			scalars(field, join(path, key), visit)
		default:
			visit(join(path, key), field)
		}
	}
}

func setText(field reflect.Value, text string) error {
	if u, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch field.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q found; want true or false", text)
		}
		field.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q found; want a whole number", text)
		}
		field.SetInt(int64(n))
	default:
		field.SetString(text)
	}
	return nil
}
