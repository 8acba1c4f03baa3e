package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// hsaID is the form of an HSA-id. Addresses in use deviate from it, so it only warns.
var hsaID = regexp.MustCompile(`^SE[0-9]{10}-[A-Za-z0-9]{1,18}$`)

func (k *checker) warn(path, format string, args ...any) {
	p := k.find(path)
	where := k.file
	if p.line > 0 {
		where = fmt.Sprintf("%s:%d:%d", k.file, p.line, p.column)
	}
	k.warnings = append(k.warnings, where+": "+fmt.Sprintf(format, args...))
}

// suspicious looks for what is allowed and yet seldom meant.
func (k *checker) suspicious() {
	if id := k.c.Unit.ID; id != "" && !hsaID.MatchString(id) {
		k.warn("unit.id", "unit.id = %q does not look like an HSA-id, SE and ten digits, a dash, letters and digits", id)
	}
	for i, d := range k.c.Destinations {
		path := at("destination", i)
		if !slices.ContainsFunc(k.c.Routes, func(r Route) bool { return slices.Contains(r.To, d.Name) }) {
			k.warn(path, "destination %q is reached by no route", d.Name)
		}
		if k.plain(d) {
			k.warn(path+".address", "destination %q gets personal data over the network without TLS", d.Name)
		}
	}
	if k.c.Orders.Source == "central" && strings.HasPrefix(k.c.Orders.URL, "http://") && !loopback(hostOf(k.c.Orders.URL)) {
		k.warn("orders.url", "orders.url fetches personal data over the network without TLS")
	}
	if len(k.c.Routes) == 0 && len(k.c.Devices)+len(k.c.Listeners) > 0 {
		k.warn("route", "there is no route: every message will be parked")
	}
}

func (k *checker) plain(d Destination) bool {
	switch d.Kind {
	case "mllp":
		return !strings.HasPrefix(d.Address, "tls://") && !d.TLS.On() && !loopback(d.Address)
	case "http":
		return strings.HasPrefix(d.Address, "http://") && !loopback(hostOf(d.Address))
	}
	return false
}

// hostOf is the host and port of an address that has been checked.
func hostOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	if !strings.Contains(strings.TrimPrefix(host, "["), ":") {
		host += ":80"
	}
	return host
}
