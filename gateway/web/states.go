package web

import (
	"strings"
	"time"

	"rorpost/gateway/intake"
	"rorpost/gateway/outbox"
)

// level is how something is, in the words of the style sheet.
type level string

const (
	idle level = "idle" // Not yet proved either way.
	good level = "good"
	warn level = "warn" // Somebody should look in time.
	bad  level = "bad"  // Something does not work now.
)

func (l level) rank() int {
	switch l {
	case bad:
		return 3
	case warn:
		return 2
	case good:
		return 1
	}
	return 0
}

// device is one source of arrivals as people see it.
type device struct {
	Name, Glyph, What  string
	Level              level
	State, Since       string
	Detail, Hint       string
	Steps              []step
	Messages, Heard    string
	lastSeen, stateSet time.Time
}

// step is one rung of how far a device got.
type step struct {
	Name       string
	Done, Here bool
}

// deviceStates explains each state of an intake: how it is, what to say, and the rung it stands on.
var deviceStates = map[string]struct {
	level level
	say   string
	rung  int
}{
	"down":     {bad, "not connected", 0},
	"waiting":  {idle, "waiting for it to connect", 0},
	"open":     {good, "connected, nothing heard yet", 1},
	"bytes":    {warn, "bytes, but no frame yet", 2},
	"frames":   {good, "sends frames", 3},
	"messages": {good, "talking", 4},
}

func deviceOf(st intake.Status) device {
	known, ok := deviceStates[st.State]
	if !ok {
		known.level, known.say = idle, st.State
	}
	d := device{Name: st.Name, Glyph: st.Kind, Level: known.level, State: known.say, Detail: st.Detail, Hint: st.Hint,
		lastSeen: st.LastSeen, stateSet: st.Since}
	d.What = joinWords(" · ", deviceKinds[st.Kind], st.Profile, st.Port)
	switch st.Kind {
	case "listener":
		d.Steps = ladder(known.rung, "listening", "connected", "", "messages")
		if st.State == "open" {
			d.State = "listening"
		}
	case "scanner":
		d.Steps = ladder(known.rung, "port open", "bytes", "", "scans")
		if st.State == "open" {
			d.State = "ready to scan"
		}
	default:
		d.Steps = ladder(known.rung, "port open", "bytes", "frames", "messages")
	}
	if !st.Since.IsZero() {
		d.Since = "for " + roughly(time.Since(st.Since))
	}
	d.Messages = plural(int(st.Messages), messageNoun(st.Kind))
	if st.Rejected > 0 {
		d.Messages += ", " + plural(int(st.Rejected), "refusal")
	}
	if !st.LastSeen.IsZero() {
		d.Heard = ago(time.Since(st.LastSeen))
	}
	return d
}

var deviceKinds = map[string]string{"analyzer": "Analyzer", "scanner": "Scanner", "listener": "HL7 listener"}

func messageNoun(kind string) string {
	if kind == "scanner" {
		return "scan"
	}
	return "message"
}

// ladder names the rungs 1 to 4; an empty name is a rung that this kind does not have.
func ladder(rung int, names ...string) []step {
	var out []step
	for i, name := range names {
		if name != "" {
			out = append(out, step{Name: name, Done: i < rung})
		}
	}
	for i := len(out) - 1; i >= 0; i-- {
		if out[i].Done {
			out[i].Here = true
			break
		}
	}
	return out
}

// linkStates explains each state of a destination.
var linkStates = map[string]struct {
	level level
	say   string
}{
	"idle":    {good, "connected"},
	"sending": {good, "sending"},
	"waiting": {warn, "waiting to try again"},
	"down":    {bad, "cannot be reached"},
	"paused":  {warn, "paused"},
}

func linkOf(st outbox.Status) device {
	known, ok := linkStates[st.State]
	if !ok {
		known.level, known.say = idle, st.State
	}
	if st.State == "idle" && !st.Connected {
		known.say = "ready"
	}
	d := device{Name: st.Name, Glyph: st.Serves, Level: known.level, State: known.say, Detail: st.Why, Hint: st.Hint,
		stateSet: st.Since}
	d.What = joinWords(" · ", served[st.Serves], st.Kind, st.Address)
	if !st.Since.IsZero() {
		d.Since = "for " + roughly(time.Since(st.Since))
	}
	words := []string{plural(int(st.Delivered), "delivery") + " done"}
	words[0] = strings.Replace(words[0], "deliverys", "deliveries", 1)
	if st.Waiting > 0 {
		words = append(words, plural(st.Waiting, "thing")+" waiting")
	}
	if st.Retried > 0 {
		words = append(words, "tried again "+plural(int(st.Retried), "time"))
	}
	if st.Parked > 0 {
		words = append(words, plural(int(st.Parked), "thing")+" parked")
	}
	d.Messages = strings.Join(words, ", ")
	if st.Waiting > 0 && !st.Oldest.IsZero() {
		d.Heard = ago(time.Since(st.Oldest))
	}
	return d
}

var served = map[string]string{"laboratory": "Laboratory", "journal": "Journal", "patient": "Patient queue", "orders": "Order store"}

func joinWords(sep string, words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, sep)
}

// sentences makes sentences of the terse words of errors and hints.
func sentences(words ...string) string {
	var out []string
	for _, w := range words {
		if w == "" {
			continue
		}
		if !strings.HasSuffix(w, ".") && !strings.HasSuffix(w, "?") {
			w += "."
		}
		out = append(out, capital(w))
	}
	return strings.Join(out, " ")
}

func (s *Server) allDevices() []intake.Status {
	if s.o.Devices == nil {
		return nil
	}
	return s.o.Devices()
}

func (s *Server) allLinks() []outbox.Status {
	if s.o.Links == nil {
		return nil
	}
	return s.o.Links()
}
