package hl7

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// charsetKind is how a codec works.
type charsetKind uint8

const (
	kindUndeclared charsetKind = iota // Nothing, or nothing known, in MSH-18.
	kindASCII
	kindUTF8
	kindTable // One byte a character.
	kindWide  // More bytes a character, by x/text.
)

// codec is a character set. The zero codec is the undeclared one.
type codec struct {
	name  string // As MSH-18 says it.
	kind  charsetKind
	table *charmap.Charmap
	multi encoding.Encoding
	wide  func([]byte) int // Bytes of the first character, when its later bytes can look like delimiters.
}

// lookup finds a character set by its name in MSH-18 (table 0211) or by the names that senders use instead.
//
// Quirks, each met in the field: "UTF-8" and "UTF8" for UNICODE UTF-8; "WINDOWS-1252" and "WINDOWS-1251", which no
// edition lists; "ISO-8859-1" and "ISO8859-1" for 8859/1.
func lookup(name string) (codec, bool) {
	var buf [24]byte
	key := strings.TrimPrefix(strings.TrimPrefix(string(squeeze(buf[:0], name)), "UNICODE"), "ISO")
	c := codec{name: name}
	switch key {
	case "ASCII", "USASCII", "IR6", "646":
		c.kind = kindASCII
	case "UTF8":
		c.kind = kindUTF8
	case "GB180302000", "GB18030":
		c.kind, c.multi, c.wide = kindWide, simplifiedchinese.GB18030, wideGB18030
	case "GBK", "CP936":
		c.kind, c.multi, c.wide = kindWide, simplifiedchinese.GBK, wideTwo
	case "BIG5":
		c.kind, c.multi, c.wide = kindWide, traditionalchinese.Big5, wideTwo
	case "SHIFTJIS", "SJIS", "CP932", "WINDOWS31J":
		c.kind, c.multi, c.wide = kindWide, japanese.ShiftJIS, wideShiftJIS
	default:
		if c.table = table(key); c.table == nil {
			return codec{name: name}, false
		}
		c.kind = kindTable
	}
	return c, true
}

// squeeze keeps the letters and digits of a name, in upper case; what does not fit into out is no name that is known.
func squeeze(out []byte, name string) []byte {
	for i := 0; i < len(name) && len(out) < cap(out); i++ {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z':
			out = append(out, c-'a'+'A')
		case isAlnum(c):
			out = append(out, c)
		}
	}
	return out
}

func table(key string) *charmap.Charmap {
	switch strings.TrimPrefix(key, "WINDOWS") {
	case "88591":
		return charmap.ISO8859_1
	case "88592":
		return charmap.ISO8859_2
	case "88593":
		return charmap.ISO8859_3
	case "88594":
		return charmap.ISO8859_4
	case "88595":
		return charmap.ISO8859_5
	case "88596":
		return charmap.ISO8859_6
	case "88597":
		return charmap.ISO8859_7
	case "88598":
		return charmap.ISO8859_8
	case "88599":
		return charmap.ISO8859_9
	case "885910":
		return charmap.ISO8859_10
	case "885911":
		return charmap.Windows874 // A superset; 8859/11 itself differs in control characters only.
	case "885913":
		return charmap.ISO8859_13
	case "885914":
		return charmap.ISO8859_14
	case "885915":
		return charmap.ISO8859_15
	case "1251", "CP1251":
		return charmap.Windows1251
	case "1252", "CP1252":
		return charmap.Windows1252
	}
	return nil
}

func wideGB18030(b []byte) int {
	switch {
	case b[0] < 0x81 || len(b) < 2:
		return 1
	case isDigit(b[1]) && len(b) >= 4:
		return 4
	case b[1] >= 0x40:
		return 2
	}
	return 1
}

func wideTwo(b []byte) int {
	if b[0] < 0x81 || len(b) < 2 || b[1] < 0x40 {
		return 1
	}
	return 2
}

func wideShiftJIS(b []byte) int {
	if b[0] >= 0xa0 && b[0] < 0xe0 { // Half-width katakana.
		return 1
	}
	return wideTwo(b)
}

// declared is the codec that MSH-18 or the options name. Further repetitions of MSH-18 need escapes to switch to, and
// those are kept as they are.
func (m *Message) declared() codec {
	if m.options.Override {
		if c, ok := lookup(m.options.Charset); ok {
			return c
		}
	}
	raw := m.charsetField()
	if len(raw) > 0 {
		if c, ok := lookup(string(raw)); ok {
			return c
		}
	}
	if m.options.Charset != "" {
		if c, ok := lookup(m.options.Charset); ok {
			c.name = string(raw)
			return c
		}
	}
	return codec{name: string(raw)}
}

// charsetField is MSH-18[1] of the first segment; its bytes are read before the character set is known.
func (m *Message) charsetField() []byte {
	if len(m.segs) == 0 {
		return nil
	}
	return m.value(0, element{field: 18, repetition: 1}).raw
}

// What the bytes of a message turned out to be, where MSH-18 leaves it open or is not true.
const (
	contentUnknown uint32 = iota
	contentUTF8
	contentLatin1
)

// sniff looks once at the whole message, so that one message is not read in two ways.
func (m *Message) sniff() uint32 {
	c := m.content.Load()
	if c == contentUnknown {
		c = contentLatin1
		if utf8.Valid(m.raw) {
			c = contentUTF8
		}
		m.content.Store(c)
	}
	return c
}

// decode turns bytes of the message into UTF-8. What a character set lacks becomes U+FFFD; the bytes stay.
func (m *Message) decode(b []byte) string {
	if isASCII(b) {
		return string(b)
	}
	switch m.codec.kind {
	case kindTable:
		return decodeTable(m.codec.table, b)
	case kindWide:
		out, err := m.codec.multi.NewDecoder().Bytes(b)
		if err != nil {
			return strings.ToValidUTF8(string(b), "\uFFFD")
		}
		return string(out)
	}
	if m.sniff() == contentUTF8 {
		return string(b)
	}
	return decodeTable(charmap.ISO8859_1, b)
}

func decodeTable(t *charmap.Charmap, b []byte) string {
	var out strings.Builder
	out.Grow(len(b) + len(b)/8 + 4)
	for _, c := range b {
		out.WriteRune(t.DecodeByte(c))
	}
	return out.String()
}

// encode turns text into bytes of the message's character set; the rune is the first one that it lacks, -1 for none.
func (m *Message) encode(text string) ([]byte, rune) {
	if isASCIIText(text) {
		return []byte(text), -1
	}
	return m.writer().encode(text)
}

// writer is the codec that new text is written in. An undeclared message takes what it already contains and is ASCII
// otherwise, as the standard says [HL7 2.5.1 2.14.9.18].
func (m *Message) writer() codec {
	c := m.codec
	open := c.kind == kindUndeclared || c.kind == kindASCII
	switch {
	case !open && c.kind != kindUTF8, isASCII(m.raw):
		return c
	case m.sniff() == contentUTF8:
		return codec{name: c.name, kind: kindUTF8}
	}
	return codec{name: c.name, kind: kindTable, table: charmap.ISO8859_1}
}

func (c codec) encode(text string) ([]byte, rune) {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		var ok bool
		if out, ok = c.appendRune(out, r); !ok {
			return nil, r
		}
	}
	return out, -1
}

func (c codec) appendRune(out []byte, r rune) ([]byte, bool) {
	switch {
	case r == utf8.RuneError:
		return out, false
	case r < utf8.RuneSelf:
		return append(out, byte(r)), true
	}
	switch c.kind {
	case kindUTF8:
		return utf8.AppendRune(out, r), true
	case kindTable:
		b, ok := c.table.EncodeRune(r)
		return append(out, b), ok
	case kindWide:
		b, err := c.multi.NewEncoder().String(string(r))
		return append(out, b...), err == nil
	}
	return out, false
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if (b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7])&0x80 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isASCIIText(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
