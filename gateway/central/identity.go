package central

import (
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// unitHeader names the unit of a peer on loopback; elsewhere its certificate does.
const unitHeader = "X-Rorpost-Unit"

// unitName is what an HSA-id looks like, with some room for others.
var unitName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

// peerOf says who asks: the common name of its certificate, or on loopback the name that it gives itself, which may be
// none.
func peerOf(r *http.Request) (string, error) {
	said := r.Header.Get(unitHeader)
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		name := r.TLS.PeerCertificates[0].Subject.CommonName
		switch {
		case !unitName.MatchString(name):
			return "", &Problem{http.StatusForbidden, "the certificate names no unit", "its common name must be the HSA-id of the unit"}
		case said != "" && said != name:
			return "", &Problem{http.StatusForbidden, "the certificate belongs to another unit than the one that asks", "give the unit its own certificate, or correct unit.id"}
		}
		return name, nil
	}
	switch {
	case !fromLoopback(r):
		return "", &Problem{http.StatusForbidden, "who asks is not known", "connect with the certificate of the unit"}
	case !loopbackHost(hostOf(r.Host)):
		return "", &Problem{http.StatusMisdirectedRequest, "this server does not answer to that host name", "use localhost or 127.0.0.1"}
	case said != "" && !unitName.MatchString(said):
		return "", bad("the header "+unitHeader+" names no unit", "it must be the HSA-id of the unit")
	}
	return said, nil
}

func fromLoopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && host != "localhost" && loopbackHost(host)
}

func hostOf(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}

// acting is the unit that a request speaks for. A unit speaks for itself only; a peer on loopback without a name is
// taken at its word.
func (q request) acting(said string) (string, error) {
	switch {
	case q.peer == "" && !unitName.MatchString(said):
		return "", bad("the unit is missing or no name", `give "unit", the HSA-id of the sampling unit`)
	case q.peer == "":
		return said, nil
	case said != "" && said != q.peer:
		return "", &Problem{http.StatusForbidden, "the request speaks for another unit than the connection", "a unit speaks for itself only"}
	}
	return q.peer, nil
}

// only refuses a peer that is not on a list; an empty list lets everybody.
func (q request) only(names []string, what string) error {
	if len(names) == 0 || slices.Contains(names, q.peer) {
		return nil
	}
	return &Problem{http.StatusForbidden, "this peer may not " + what, "central operations decide who may"}
}
