package central

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"rorpost/gateway/audit"
)

// request is one call of the API.
type request struct {
	*http.Request
	peer string // Who asks; "" for a nameless one on loopback.
	now  time.Time
}

// answer is what a call is answered with when it is granted.
type answer struct {
	status int // 0 means 200.
	body   any
}

// route is one line of the API.
type route struct {
	method, path string
	unit         bool // Whoever calls it is a unit, and is seen.
	call         func(request) (answer, error)
	raw          http.HandlerFunc // Instead of call.
}

func (c *Central) table() []route {
	return []route{
		{"POST", "/v1/orders", false, c.place, nil},
		{"POST", "/v1/orders/search", true, c.search, nil},
		{"POST", "/v1/orders/{id}/claim", true, c.claim, nil},
		{"POST", "/v1/orders/{id}/collected", true, c.collected, nil},
		{"POST", "/v1/orders/{id}/sent", true, c.sent, nil},
		{"POST", "/v1/orders/{id}/answered", true, c.answered, nil},
		{"POST", "/v1/orders/{id}/release", true, c.release, nil},
		{"POST", "/v1/orders/{id}/cancel", false, c.cancel, nil},
		{"POST", "/v1/patient-results", true, c.keepResult, nil},
		{"POST", "/v1/patient-results/lease", false, c.lease, nil},
		{"POST", "/v1/patient-results/ack", false, c.acknowledge, nil},
		{"POST", "/v1/patient-results/nack", false, c.giveBack, nil},
		{"POST", "/v1/units/{id}/status", true, c.unitStatus, nil},
		{"GET", "/v1/units", false, c.units, nil},
		{"GET", "/v1/stats", false, c.stats, nil},
		{"GET", "/healthz", false, func(request) (answer, error) { return answer{body: map[string]string{"status": "ok"}}, nil }, nil},
		{"GET", "/readyz", false, c.ready, nil},
		{"GET", "/metrics", false, nil, c.meters.handler()},
		{"GET", "/style.css", false, nil, style},
		{"GET", "/{$}", false, nil, c.page},
	}
}

// routes makes the handler. Unknown paths and methods are answered like every other error; no answer or log repeats a
// path that is not ours, since somebody may have put a number in it.
func (c *Central) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]route{}
	for _, r := range c.table() {
		methods[r.path] = append(methods[r.path], r)
	}
	for path, routes := range methods {
		mux.Handle(path, c.guard(path, func(w http.ResponseWriter, r *http.Request) {
			c.dispatch(w, r, routes)
		}))
	}
	mux.Handle("/", c.guard("none", func(w http.ResponseWriter, r *http.Request) {
		c.fail(w, r, &Problem{http.StatusNotFound, "there is no such address", "the API is under /v1/"})
	}))
	return http.NewCrossOriginProtection().Handler(mux)
}

func (c *Central) dispatch(w http.ResponseWriter, r *http.Request, routes []route) {
	var allowed []string
	for _, ro := range routes {
		if ro.method == r.Method || ro.method == "GET" && r.Method == "HEAD" {
			c.run(w, r, ro)
			return
		}
		allowed = append(allowed, ro.method)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	c.fail(w, r, &Problem{http.StatusMethodNotAllowed, "this address does not take that method", "use " + strings.Join(allowed, " or ")})
}

func (c *Central) run(w http.ResponseWriter, r *http.Request, ro route) {
	if ro.raw != nil {
		ro.raw(w, r)
		return
	}
	q := request{Request: r, peer: peerIn(r), now: time.Now()}
	if ro.unit && q.peer != "" {
		c.seen(q)
	}
	a, err := ro.call(q)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	writeJSON(w, a.status, a.body)
}

// known is what guard has found out about a request.
type known struct {
	route string
	peer  string
}

type knownKey struct{}

func routeOf(r *http.Request) string { return r.Context().Value(knownKey{}).(known).route }
func peerIn(r *http.Request) string  { return r.Context().Value(knownKey{}).(known).peer }

// guard is what every request passes: who asks, how much, how long; and it counts and logs what came of it.
func (c *Central) guard(path string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		peer, err := peerOf(r)
		r = r.WithContext(context.WithValue(ctx, knownKey{}, known{path, peer}))
		r.Body = http.MaxBytesReader(w, r.Body, c.cfg.MaxBody)
		said := &watched{ResponseWriter: w, status: http.StatusOK}
		headers(said.Header())
		if err != nil {
			c.fail(said, r, err)
		} else {
			next(said, r)
		}
		c.meters.count(path, said.status, time.Since(began))
		c.log.LogAttrs(ctx, levelOf(said.status), "answered", slog.String("method", methodOf(r)), slog.String("route", path),
			slog.Int("status", said.status), slog.String("unit", peer), slog.Duration("took", time.Since(began)))
	})
}

func headers(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
}

// levelOf keeps the log quiet while all is well: a consumer asks ten times a second.
func levelOf(status int) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelWarn
	case status >= 400:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// methodOf is a method that can be logged: a peer may send any word.
func methodOf(r *http.Request) string {
	switch r.Method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return r.Method
	}
	return "other"
}

// watched remembers the status of an answer.
type watched struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *watched) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// tell writes a line of the audit trail. Without it nothing is answered (P9).
func (c *Central) tell(q request, action string, person []byte, object, why string) error {
	who := q.peer
	if who == "" {
		who = "loopback"
	}
	return c.trail.Record(q.Context(), audit.Event{
		Who: who, Role: "peer", Unit: q.peer, Action: action, Whom: blind(person), Object: object, Why: why,
	})
}
