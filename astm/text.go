package astm

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// unescape undoes the escapes of a field [LIS02 6.6]. An escape that is not known stays as it is.
func unescape(text []byte, d Delimiters) []byte {
	if d.Escape == 0 || bytes.IndexByte(text, d.Escape) < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		i := bytes.IndexByte(text, d.Escape)
		if i < 0 {
			break
		}
		out, text = append(out, text[:i]...), text[i:]
		n := bytes.IndexByte(text[1:], d.Escape)
		if n < 0 {
			break
		}
		meaning, known := escapeOf(text[1:1+n], d)
		if !known {
			out, text = append(out, text[0]), text[1:]
			continue
		}
		out, text = append(out, meaning...), text[n+2:]
	}
	return append(out, text...)
}

// escapeOf is the meaning of what stands between two escape characters.
func escapeOf(code []byte, d Delimiters) (meaning []byte, known bool) {
	switch string(code) {
	case "F":
		return []byte{d.Field}, true
	case "S":
		return []byte{d.Component}, true
	case "R":
		return []byte{d.Repeat}, true
	case "E":
		return []byte{d.Escape}, true
	case "H", "N":
		return nil, true // Highlighting on and off.
	}
	if len(code) > 1 && code[0] == 'X' {
		b, err := hex.DecodeString(string(code[1:]))
		return b, err == nil
	}
	return nil, false
}

// escape writes text so that it is one component [LIS02 6.6].
func escape(text []byte, d Delimiters) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		code := ""
		switch {
		case c == d.Field:
			code = "F"
		case c == d.Component:
			code = "S"
		case c == d.Repeat:
			code = "R"
		case d.Escape != 0 && c == d.Escape:
			code = "E"
		case c < ' ' && c != '\t', c == 0x7F:
			code = fmt.Sprintf("X%02X", c)
		default:
			out = append(out, c)
			continue
		}
		if d.Escape == 0 {
			return nil, fmt.Errorf("byte %#02x needs an escape character, and the message has none", c)
		}
		out = append(out, d.Escape)
		out = append(append(out, code...), d.Escape)
	}
	return out, nil
}

// decode returns text as UTF-8.
func decode(text []byte, latin1 bool) string {
	if !latin1 && utf8.Valid(text) {
		return string(text)
	}
	var b strings.Builder
	for _, c := range text {
		b.WriteRune(rune(c)) // ISO 8859-1 is the first 256 characters of Unicode.
	}
	return b.String()
}

// encode writes text in a character set.
func encode(text string, set Charset) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("text is not UTF-8")
	}
	if set == UTF8 {
		return []byte(text), nil
	}
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if c > 0xFF {
			return nil, &CharsetError{Rune: c}
		}
		out = append(out, byte(c))
	}
	return out, nil
}
