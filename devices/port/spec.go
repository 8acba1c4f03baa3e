package port

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Kind is how a device is connected.
type Kind string

// The kinds.
const (
	Serial Kind = "serial"
	TCP    Kind = "tcp"
	Listen Kind = "listen"
)

// Spec says where a device is.
type Spec struct {
	Kind    Kind
	Address string // A device file or COM port, or host:port.
	Baud    int    // Bits per second; serial only.
	Mode    string // Data bits, parity and stop bits, as "8N1"; serial only.
}

// String is the specification as Parse reads it.
func (s Spec) String() string {
	if s.Kind == Serial {
		return fmt.Sprintf("serial:%s?baud=%d&mode=%s", s.Address, s.Baud, s.Mode)
	}
	return string(s.Kind) + "://" + s.Address
}

// SpecError says what is wrong with a specification.
type SpecError struct {
	Spec   string
	Reason string // What is wrong, and what was expected.
}

func (e *SpecError) Error() string { return fmt.Sprintf("port %q: %s", e.Spec, e.Reason) }

const wantKinds = "want serial:/dev/ttyUSB0?baud=9600&mode=8N1, tcp://host:port or listen://address:port"

// Parse reads a specification. The error is a *SpecError.
func Parse(text string) (Spec, error) {
	bad := func(format string, args ...any) (Spec, error) {
		return Spec{}, &SpecError{Spec: text, Reason: fmt.Sprintf(format, args...)}
	}
	kind, rest, ok := strings.Cut(text, ":")
	if !ok {
		return bad("it does not say what kind of port it is; %s", wantKinds)
	}
	var s Spec
	var reason string
	switch kind {
	case "serial":
		s, reason = parseSerial(rest)
	case "tcp", "listen":
		s, reason = parseSocket(Kind(kind), rest)
	case "rfc2217":
		reason = "RFC 2217 is not built; set the speed in the device server, and use tcp:// with its raw TCP mode"
	default:
		reason = fmt.Sprintf("%q is no kind of port; %s", kind, wantKinds)
	}
	if reason != "" {
		return bad("%s", reason)
	}
	return s, nil
}

func parseSerial(rest string) (s Spec, reason string) {
	address, query, _ := strings.Cut(rest, "?")
	address = strings.TrimPrefix(address, "//")
	if address == "" {
		return s, "it names no device; want serial:/dev/ttyUSB0 or serial:COM3"
	}
	s = Spec{Kind: Serial, Address: address, Baud: 9600, Mode: "8N1"}
	values, err := url.ParseQuery(query)
	if err != nil {
		return s, fmt.Sprintf("what follows the question mark is not like baud=9600&mode=8N1: %q", query)
	}
	for key, list := range values {
		if len(list) > 1 {
			return s, key + " is given twice"
		}
		switch value := list[0]; key {
		case "baud":
			if s.Baud, err = strconv.Atoi(value); err != nil || s.Baud < 50 || s.Baud > 4_000_000 {
				return s, fmt.Sprintf("baud %q is no number from 50 to 4000000", value)
			}
		case "mode":
			if s.Mode = strings.ToUpper(value); !validMode(s.Mode) {
				return s, fmt.Sprintf("mode %q is not like 8N1: data bits 5 to 8, parity N, E, O, M or S, stop bits 1, 1.5 or 2", value)
			}
		default:
			return s, fmt.Sprintf("%q is no setting of a serial line; want baud or mode", key)
		}
	}
	return s, ""
}

func validMode(m string) bool {
	if len(m) < 3 {
		return false
	}
	stop := m[2:]
	return m[0] >= '5' && m[0] <= '8' && strings.IndexByte("NEOMS", m[1]) >= 0 && (stop == "1" || stop == "1.5" || stop == "2")
}

func parseSocket(kind Kind, rest string) (s Spec, reason string) {
	address, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return s, fmt.Sprintf("the address must follow //, as %s://host:4001", kind)
	}
	host, number, err := net.SplitHostPort(address)
	if err != nil {
		return s, fmt.Sprintf("%q is not like host:port", address)
	}
	if n, err := strconv.ParseUint(number, 10, 16); err != nil || n == 0 && kind == TCP {
		return s, fmt.Sprintf("port %q is no number from 1 to 65535", number)
	}
	if host == "" && kind == TCP {
		return s, "it names no host; want tcp://host:port"
	}
	return Spec{Kind: kind, Address: address}, ""
}
