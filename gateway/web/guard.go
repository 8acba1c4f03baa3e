package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxForm bounds what a page or a program may post: a name, a number, a reason.
const maxForm = 16 << 10 // Bytes.

// policy lets the browser load what this server serves and nothing else; there is no inline script or style to excuse.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard is what every request passes before any page: the right host name, the right headers, the right origin, a
// bounded body.
func (s *Server) guard(next http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.deny(w, r, http.StatusForbidden, notice{"This came from another site", "Open the page here and press the button again."})
	}))
	protected := csrf.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.setHeaders(w.Header())
		switch {
		case !s.hostAllowed(r):
			writeError(w, http.StatusMisdirectedRequest, "this server does not answer to that host name",
				"use localhost, or list the name in the configuration")
		case len(s.users) == 0 && !local(r):
			writeError(w, http.StatusForbidden, "nobody can log in, so only this machine is answered",
				"add a [[user]] to the configuration")
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			protected.ServeHTTP(w, r)
		}
	})
}

func (s *Server) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
	if s.o.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// hostAllowed refuses a foreign name on a loopback connection: a page elsewhere that points its own name at 127.0.0.1
// (DNS rebinding) would otherwise read everything here as "same origin".
func (s *Server) hostAllowed(r *http.Request) bool {
	if !local(r) {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(strings.ToLower(host), "[]")
	if host == "localhost" || slices.Contains(s.o.Hosts, host) {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// local reports whether the connection came in on a loopback address of this machine.
func local(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true // Not a real connection: nothing but a handler called directly.
	}
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// wantsJSON tells a program from a person.
func wantsJSON(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// deny answers a refused request in the asker's form.
func (s *Server) deny(w http.ResponseWriter, r *http.Request, code int, n notice) {
	if wantsJSON(r) {
		writeError(w, code, strings.ToLower(n.What[:1])+n.What[1:], n.Hint)
		return
	}
	s.problem(w, r, code, n)
}
