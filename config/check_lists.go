package config

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (k *checker) listener(path string, l Listener) {
	k.required(path+".name", l.Name, "a name that routes and pages can use")
	k.oneOf(path+".protocol", l.Protocol, "mllp")
	k.serverTLS(path+".tls", l.TLS)
	k.oneOf(path+".ack", l.Ack, "auto", "original", "enhanced")
	k.oneOf(path+".unmatched", l.Unmatched, "park", "pass")
	k.paths(path+".specimen", l.Specimen)
	for i, p := range l.Processing {
		k.oneOf(at(path+".processing", i), p, "P", "T", "D")
	}
	if _, err := time.LoadLocation(l.Zone); err != nil || l.Zone == "Local" {
		k.wrong(path+".zone", "", `listener.zone = %q is unknown; want a name such as "Europe/Stockholm" or "UTC"`, l.Zone)
	}
	k.within(path+".component", l.Component, 0, 9)
	k.within(path+".max_connections", l.MaxConnections, 1, 10000)
	k.within(path+".max_message", int(l.MaxMessage), 1<<10, 1<<30)
	if k.hostPort(path+".listen", l.Listen) && !loopback(l.Listen) && !l.TLS.On() && len(l.Allow) == 0 {
		k.wrong(path+".listen", "give it tls with a client_ca, or allow = [\"…\"] with the senders' networks, or listen on 127.0.0.1",
			"listener %q at %s can be reached by anyone", l.Name, l.Listen)
	}
}

var hl7Path = regexp.MustCompile(`^[A-Z][A-Z0-9]{2}-[1-9][0-9]*(\.[1-9][0-9]*){0,2}$`)

func (k *checker) paths(path string, list []string) {
	if len(list) == 0 {
		k.wrong(path, "", "%s is empty; want at least one HL7 path", key(path))
	}
	for i, p := range list {
		if !hl7Path.MatchString(p) {
			k.wrong(at(path, i), "", "%q is not an HL7 path; want segment, field and component, as in \"SPM-2.1.1\"", p)
		}
	}
}

func (k *checker) within(path string, n, least, most int) {
	if n < least || n > most {
		k.wrong(path, "", "%s = %d is out of range; want %d to %d", key(path), n, least, most)
	}
}

func (k *checker) device(path string, d Device, ports map[string]string) {
	k.required(path+".name", d.Name, "a name that routes and pages can use")
	k.oneOf(path+".unmatched", d.Unmatched, "park", "pass")
	k.profile(path+".profile", d.Profile)
	k.port(path+".port", d.Port)
	port := bare(d.Port)
	if other, ok := ports[port]; ok && port != "" {
		k.wrong(path+".port", "each device needs a line of its own", "devices %q and %q are both on %s", other, d.Name, port)
	}
	ports[port] = d.Name
}

func (k *checker) profile(path, name string) {
	known := append([]string{Scanner}, k.o.Profiles...)
	slices.Sort(known)
	known = slices.Compact(known)
	switch {
	case name == "":
		k.required(path, name, "one of those that rorpost devices profiles lists, or \"scanner\"")
	case k.o.Profiles != nil && !slices.Contains(known, name):
		hint := "an analyzer that follows the standard works with \"generic-astm\""
		if near := nearest(name, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		k.wrong(path, hint, "profile %q is unknown; want %s", name, quoted(known))
	}
}

func (k *checker) port(path, spec string) {
	scheme, rest, ok := strings.Cut(spec, "://")
	if !ok && strings.HasPrefix(spec, "serial:") {
		scheme, rest = "serial", strings.TrimPrefix(spec, "serial:")
	}
	rest, _, _ = strings.Cut(rest, "?")
	good := false
	switch scheme {
	case "serial":
		good = rest != ""
	case "tcp", "listen":
		_, port, err := net.SplitHostPort(rest)
		good = err == nil && port != ""
	}
	if !good {
		k.wrong(path, "rorpost devices ports lists the serial ports of this machine",
			`device.port = %q is not a port; want "serial:/dev/…?baud=9600&mode=8N1", "tcp://host:port" or "listen://address:port"`, spec)
		return
	}
	if k.o.Port != nil {
		if err := k.o.Port(spec); err != nil {
			k.wrong(path, "", "device.port = %q: %v", spec, err)
		}
	}
}

// bare is a port without its line settings.
func bare(spec string) string {
	s, _, _ := strings.Cut(spec, "?")
	return s
}

// Reserved is the name of the built-in destination of order status reports.
const Reserved = "orders"

func (k *checker) destination(path string, d Destination) {
	k.required(path+".name", d.Name, "a name that routes and pages can use")
	if d.Name == Reserved {
		k.wrong(path+".name", "", "the name %q belongs to the order store; want another one", d.Name)
	}
	k.oneOf(path+".kind", d.Kind, "mllp", "http", "file")
	k.oneOf(path+".serves", d.Serves, "", "journal", "patient", "laboratory")
	k.oneOf(path+".order_by", d.OrderBy, "", "patient", "specimen")
	k.oneOf(path+".processing", d.Processing, "P", "T", "D")
	k.oneOf(path+".retry.ae", d.Retry.AE, "retry", "park")
	k.oneOf(path+".retry.ar", d.Retry.AR, "park", "retry")
	k.within(path+".lanes", d.Lanes, 1, 64)
	k.within(path+".retry.ae_attempts", d.Retry.AEAttempts, -1, 1000)
	k.positive(path+".timeout", d.Timeout)
	k.positive(path+".retry.first", d.Retry.First)
	if d.Retry.Max.Duration < d.Retry.First.Duration {
		k.wrong(path+".retry.max", "", "destination.retry.max = %q is less than retry.first = %q", text(d.Retry.Max), text(d.Retry.First))
	}
	k.clientTLS(path+".tls", d.TLS)
	k.oneOf(path+".version", d.Version, versions...)
	k.oneOf(path+".charset", d.Charset, charsets...)
	if d.Specimen != "NTE" && d.Specimen != "SPM" && !obrField.MatchString(d.Specimen) {
		k.wrong(path+".specimen", "", `destination.specimen = %q is unknown; want "NTE", "SPM" or an OBR field, as in "OBR-3"`, d.Specimen)
	}
	k.target(path+".address", d)
}

var (
	versions = []string{"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8"}
	charsets = []string{"UNICODE UTF-8", "8859/1", "8859/15", "ASCII"}
	obrField = regexp.MustCompile(`^OBR-[1-9][0-9]?$`)
)

func (k *checker) target(path string, d Destination) {
	switch d.Kind {
	case "mllp":
		k.hostPort(path, strings.TrimPrefix(d.Address, "tls://"))
	case "http":
		k.webAddress(path, d.Address)
	case "file":
		k.required(path, d.Address, "a folder that exists")
	}
}

func (k *checker) route(path string, r Route) {
	k.required(path+".name", r.Name, "a name; it is shown with every message that the route decides")
	ends := 0
	for _, given := range []bool{len(r.To) > 0, r.Filter != "", r.Park != ""} {
		if given {
			ends++
		}
	}
	if ends != 1 {
		k.wrong(path, "", "route %q has %d ends; want exactly one of to, filter and park", r.Name, ends)
	}
	k.oneOf(path+".when.kind", r.When.Kind, "", "result", "order", "message")
	known := []string{}
	for _, d := range k.c.Destinations {
		known = append(known, d.Name)
	}
	for i, to := range r.To {
		k.reference(at(path+".to", i), "destination", to, known)
	}
	if r.When.Source != "" {
		k.reference(path+".when.source", "listener or device", r.When.Source, k.sources())
	}
}

func (k *checker) sources() []string {
	names := []string{}
	for _, l := range k.c.Listeners {
		names = append(names, l.Name)
	}
	for _, d := range k.c.Devices {
		names = append(names, d.Name)
	}
	return names
}

func (k *checker) reference(path, what, name string, known []string) {
	if slices.Contains(known, name) {
		return
	}
	hint := fmt.Sprintf("add a [[%s]] of this name", strings.Fields(what)[0])
	if near := nearest(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) == 0 {
		k.wrong(path, hint, "no %s is called %q; there is none", what, name)
		return
	}
	k.wrong(path, hint, "no %s is called %q; want %s", what, name, quoted(known))
}

func (k *checker) user(path string, u User) {
	k.required(path+".name", u.Name, "the name to log in with")
	k.oneOf(path+".role", u.Role, "staff", "lab-it", "operations", "auditor")
	hash, err := u.PasswordHash.Reveal()
	switch {
	case err != nil:
		k.wrong(path+".password_hash", "", "user %q: %v", u.Name, err)
	case !strings.HasPrefix(hash, "$argon2id$"):
		k.wrong(path+".password_hash", "rorpost password makes one", "user %q has no password hash that can be read; want one that begins with $argon2id$", u.Name)
	}
}

// names checks that a name means one thing. Listeners and devices share theirs: both are sources.
func (k *checker) names() {
	seen := map[string]string{}
	once := func(path, group, name string) {
		if name == "" {
			return
		}
		if _, twice := seen[group+name]; twice {
			k.wrong(path+".name", "names tell things apart on pages and in routes; each stands once", "%s %q stands twice", key(path), name)
		}
		seen[group+name] = path
	}
	for i, l := range k.c.Listeners {
		once(at("listener", i), "source ", l.Name)
	}
	for i, d := range k.c.Devices {
		once(at("device", i), "source ", d.Name)
	}
	for i, d := range k.c.Destinations {
		once(at("destination", i), "destination ", d.Name)
	}
	for i, r := range k.c.Routes {
		once(at("route", i), "route ", r.Name)
	}
	for i, u := range k.c.Users {
		once(at("user", i), "user ", u.Name)
	}
}
