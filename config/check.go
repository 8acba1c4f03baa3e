package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checker gathers what is wrong and what is suspicious.
type checker struct {
	c        *Config
	o        Options
	file     string
	where    map[string]place
	errs     Errors
	warnings []string
}

// wrong reports a mistake at a key, or at the nearest table around it that the file has.
func (k *checker) wrong(path, hint, format string, args ...any) {
	p := k.find(path)
	k.errs = append(k.errs, &Error{File: k.file, Line: p.line, Column: p.column, What: fmt.Sprintf(format, args...), Hint: hint})
}

func (k *checker) find(path string) place {
	for {
		if p, ok := k.where[path]; ok {
			return p
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return place{}
		}
		path = path[:cut]
	}
}

func (k *checker) all() {
	k.single()
	used := map[string]string{}
	k.address(used, "web.listen", k.c.Web.Listen, "web")
	for i, l := range k.c.Listeners {
		k.listener(at("listener", i), l)
		k.address(used, at("listener", i)+".listen", l.Listen, "listener "+strconv.Quote(l.Name))
	}
	ports := map[string]string{}
	for i, d := range k.c.Devices {
		k.device(at("device", i), d, ports)
		if a, ok := strings.CutPrefix(bare(d.Port), "listen://"); ok {
			k.address(used, at("device", i)+".port", a, "device "+strconv.Quote(d.Name))
		}
	}
	for i, d := range k.c.Destinations {
		k.destination(at("destination", i), d)
	}
	for i, r := range k.c.Routes {
		k.route(at("route", i), r)
	}
	for i, u := range k.c.Users {
		k.user(at("user", i), u)
	}
	k.names()
}

func (k *checker) single() {
	c := k.c
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "", "text", "json")
	k.required("store.dir", c.Store.Dir, "a folder that the program may write to")
	if c.Store.Keep.Duration < time.Hour {
		k.wrong("store.keep", "90d is usual", "store.keep = %q is too short; want at least 1h", text(c.Store.Keep))
	}
	k.webExposure()
	k.desk()
	k.oneOf("orders.source", c.Orders.Source, "central", "none")
	if c.Orders.Source == "central" {
		if c.Unit.ID == "" {
			k.wrong("orders.source", "give the unit's HSA-id in [unit] id; the order store locks orders to it",
				`orders.source = "central" and unit.id is missing`)
		}
		k.webAddress("orders.url", c.Orders.URL)
	}
	k.positive("orders.timeout", c.Orders.Timeout)
	k.clientTLS("orders.tls", c.Orders.TLS)
	k.centralExposure()
}

func (k *checker) desk() {
	d := k.c.Desk
	k.oneOf("desk.confirm", d.Confirm, "auto", "desk")
	k.positive("desk.lifetime", d.Lifetime)
	k.oneOf("desk.specimen.check", d.Specimen.Check, "none", "luhn", "mod10", "mod11", "mod43")
	if _, err := regexp.Compile(d.Specimen.Pattern); err != nil {
		k.wrong("desk.specimen.pattern", "", "desk.specimen.pattern is not a regular expression: %v", err)
	}
}

func (k *checker) webExposure() {
	w := k.c.Web
	k.serverTLS("web.tls", w.TLS)
	if !k.hostPort("web.listen", w.Listen) || loopback(w.Listen) {
		return
	}
	if !w.TLS.On() {
		k.wrong("web.listen", "give [web] tls a certificate and a key, or listen on 127.0.0.1",
			"web.listen = %q can be reached from the network without TLS", w.Listen)
	}
	if len(k.c.Users) == 0 {
		k.wrong("web.listen", "add a [[user]], or listen on 127.0.0.1",
			"web.listen = %q can be reached from the network and there is no user to log in", w.Listen)
	}
}

func (k *checker) centralExposure() {
	c := k.c.Central
	k.required("central.dir", c.Dir, "a folder that the program may write to")
	k.serverTLS("central.tls", c.TLS)
	if k.hostPort("central.listen", c.Listen) && !loopback(c.Listen) && c.TLS.ClientCA == "" {
		k.wrong("central.listen", "give [central] tls a cert, a key and a client_ca, or listen on 127.0.0.1",
			"central.listen = %q can be reached from the network without client certificates", c.Listen)
	}
	if !loopback(c.Listen) && c.TLS.ClientCA != "" && (len(c.Sources) == 0 || len(c.Consumers) == 0) {
		k.wrong("central.listen", "give [central] sources and consumers, the names in their certificates",
			"central.listen = %q: every unit's certificate could place orders and empty the patient queue", c.Listen)
	}
}

// oneOf checks a value against those allowed.
func (k *checker) oneOf(path, found string, allowed ...string) {
	if slices.Contains(allowed, found) {
		return
	}
	hint := ""
	if near := nearest(found, allowed); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	k.wrong(path, hint, "%s = %q is unknown; want %s", key(path), found, quoted(allowed))
}

func (k *checker) required(path, found, want string) {
	if found == "" {
		k.wrong(path, "", "%s is missing; want %s", key(path), want)
	}
}

func (k *checker) positive(path string, d Duration) {
	if d.Duration <= 0 {
		k.wrong(path, "", "%s = %q is too short; want more than nothing", key(path), text(d))
	}
}

func (k *checker) serverTLS(path string, t ServerTLS) {
	if t.On() && (t.Cert == "" || t.Key == "") {
		k.wrong(path, "both are files in PEM form", "%s needs a cert and a key", key(path))
	}
}

func (k *checker) clientTLS(path string, t ClientTLS) {
	if (t.Cert == "") != (t.Key == "") {
		k.wrong(path, "both are files in PEM form", "%s has a cert without a key, or a key without a cert", key(path))
	}
}

// address checks that no two things listen at one place.
func (k *checker) address(used map[string]string, path, address, who string) {
	if strings.HasSuffix(address, ":0") {
		return
	}
	if other, ok := used[address]; ok {
		k.wrong(path, "give each its own port", "%s and %s both listen at %s", who, other, address)
	}
	used[address] = who
}

func (k *checker) hostPort(path, address string) bool {
	host, port, err := net.SplitHostPort(address)
	n, bad := strconv.Atoi(port)
	if err != nil || bad != nil || n < 0 || n > 65535 || strings.ContainsAny(host, "/ ") {
		k.wrong(path, "", "%s = %q is not an address; want host:port, as in \"127.0.0.1:8080\"", key(path), address)
		return false
	}
	return true
}

func (k *checker) webAddress(path, found string) bool {
	u, err := url.Parse(found)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		k.wrong(path, "a password does not belong in an address; use a certificate",
			"%s is not a web address; want one that begins with https:// or http:// and holds no password", key(path))
		return false
	}
	return true
}

// loopback reports whether only this machine reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// key is a path without the numbers of its lists, as people write it: "device.port".
func key(path string) string { return listIndex.ReplaceAllString(path, "") }

var listIndex = regexp.MustCompile(`\[[0-9]+\]`)

func text(d Duration) string {
	b, err := d.MarshalText()
	if err != nil {
		return d.String()
	}
	return string(b)
}
