package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/alexedwards/scs/v2"

	"rorpost/gateway/audit"
	"rorpost/gateway/collect"
	"rorpost/gateway/intake"
	"rorpost/gateway/outbox"
	"rorpost/gateway/store"
)

// Desk is the collection in hand at this unit's desk. What is typed goes the same way as what is scanned.
type Desk interface {
	// Current returns the collection in hand; false when there is none.
	Current(ctx context.Context) (collect.State, bool, error)
	// Submit hands in a typed personal number or barcode, kept before it returns.
	Submit(ctx context.Context, text string) error
	// Confirm ends the collection: the order is on its way.
	Confirm(ctx context.Context) error
	// Cancel puts the orders back.
	Cancel(ctx context.Context) error
}

// User may log in. Hash is a PHC string from [HashPassword].
type User struct {
	Name string
	Role Role
	Hash string
}

// Options say what the server shows and who may see it. Only Store is needed.
type Options struct {
	Store   *store.Store
	Devices func() []intake.Status                        // nil: no devices.
	Links   func() []outbox.Status                        // nil: no destinations.
	Desk    Desk                                          // nil: this gateway has no desk.
	Resolve func(context.Context, store.Resolution) error // nil: parked things can only be looked at.
	Audit   *audit.Trail                                  // nil: no person is ever shown.

	Unit     string // HSA-id of the unit.
	UnitName string

	Users   []User   // Empty: no log-in, loopback only.
	Hosts   []string // Further host names that a loopback connection may ask for, as behind a proxy.
	Secure  bool     // Served over TLS: cookies are sent over TLS only.
	Log     *slog.Logger
	Metrics http.Handler // nil: no /metrics.
	Ready   func() error // nil: always ready. The error is shown, one reason a line.
	Found   func() int64 // Orders found for people at the desk since the start; nil: not counted.
}

// Server renders the pages and keeps the live streams.
type Server struct {
	o        Options
	log      *slog.Logger
	pages    map[string]*template.Template
	hub      *hub
	sessions *scs.SessionManager
	users    map[string]User
	guesses  *throttle
	hashing  chan struct{}
	decoy    string // A hash that belongs to nobody.
}

// New checks the options and parses the pages. It does no I/O and starts nothing.
func New(o Options) (*Server, error) {
	if o.Store == nil {
		return nil, errors.New("web: no store")
	}
	users, err := checkUsers(o.Users)
	if err != nil {
		return nil, err
	}
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	decoy, err := HashPassword("nobody has this password")
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{o: o, log: o.Log, pages: pages, hub: newHub(), sessions: newSessions(o.Secure), users: users,
		guesses: newThrottle(), hashing: make(chan struct{}, 2), decoy: decoy}, nil
}

func checkUsers(list []User) (map[string]User, error) {
	users := map[string]User{}
	for _, u := range list {
		if u.Name == "" || strings.TrimSpace(u.Name) != u.Name {
			return nil, errors.New("web: a user has an empty name, or blanks around it")
		}
		if _, twice := users[u.Name]; twice {
			return nil, fmt.Errorf("web: user %q: listed twice", u.Name)
		}
		if !slices.Contains(Roles(), u.Role) {
			return nil, fmt.Errorf("web: user %q: role %q: want one of %v", u.Name, u.Role, Roles())
		}
		if _, err := parseHash(u.Hash); err != nil {
			return nil, fmt.Errorf("web: user %q: %w", u.Name, err)
		}
		users[u.Name] = u
	}
	return users, nil
}

// Publish feeds the live streams. It never blocks: a client that lags is dropped.
func (s *Server) Publish(e store.Event) { s.hub.publish(e) }

// Close ends the live streams. Pages are still answered.
func (s *Server) Close() { s.hub.close() }

// Handler returns everything, guarded.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.routePublic(mux)
	s.routePages(mux)
	s.routeAPI(mux)
	return s.guard(s.sessions.LoadAndSave(s.answerAll(mux)))
}

// answerAll gives the routes' own refusals, no such path and wrong method, the form of all other answers.
func (s *Server) answerAll(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refusal, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		p := probe{header: http.Header{}}
		refusal.ServeHTTP(&p, r)
		if p.code == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", p.header.Get("Allow"))
			s.deny(w, r, p.code, notice{"This address is not for that", "Open it from the page that has the button."})
			return
		}
		s.deny(w, r, http.StatusNotFound, notice{"There is nothing here", "Go back to the front page."})
	})
}

// probe takes an answer that is not sent.
type probe struct {
	header http.Header
	code   int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(code int)        { p.code = code }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// routePublic is what needs no log-in: nothing here is about a person.
func (s *Server) routePublic(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /assets/{name}", serveAsset)
	mux.HandleFunc("GET /login", s.showLogin)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	if s.o.Metrics != nil {
		mux.Handle("GET /metrics", s.o.Metrics)
	}
}

func (s *Server) routePages(mux *http.ServeMux) {
	mux.Handle("GET /{$}", s.page(toWatch, s.overview))
	mux.Handle("GET /devices", s.page(toWatch, s.devices))
	mux.Handle("GET /parked", s.page(toWatch, s.parked))
	mux.Handle("POST /parked/{id}/release", s.page(toResolve, s.release))
	mux.Handle("POST /parked/{id}/reject", s.page(toResolve, s.reject))
	mux.Handle("GET /messages", s.page(toRead, s.messages))
	mux.Handle("POST /messages", s.page(toRead, s.searchMessages))
	mux.Handle("GET /messages/{id}", s.page(toRead, s.message))
	mux.Handle("POST /messages/{id}/show", s.page(toIdentify, s.showMessage))
	mux.Handle("GET /desk", s.page(toCollect, s.desk))
	mux.Handle("POST /desk/scan", s.page(toCollect, s.deskScan))
	mux.Handle("POST /desk/confirm", s.page(toCollect, s.deskConfirm))
	mux.Handle("POST /desk/cancel", s.page(toCollect, s.deskCancel))
}

func (s *Server) routeAPI(mux *http.ServeMux) {
	const v1 = "/api/v1/"
	mux.Handle("GET "+v1+"events", s.api(toWatch, s.events))
	mux.Handle("GET "+v1+"counts", s.api(toWatch, s.apiCounts))
	mux.Handle("GET "+v1+"devices", s.api(toWatch, s.apiDevices))
	mux.Handle("GET "+v1+"links", s.api(toWatch, s.apiLinks))
	mux.Handle("GET "+v1+"parked", s.api(toWatch, s.apiParked))
	mux.Handle("GET "+v1+"deliveries", s.api(toWatch, s.apiDeliveries))
	mux.Handle("GET "+v1+"collections", s.api(toWatch, s.apiCollections))
	mux.Handle("GET "+v1+"messages", s.api(toRead, s.apiMessages))
	mux.Handle("POST "+v1+"messages/search", s.api(toRead, s.apiSearch))
	mux.Handle("GET "+v1+"messages/{id}", s.api(toRead, s.apiMessage))
	mux.Handle("POST "+v1+"parked/{id}/release", s.api(toResolve, s.apiRelease))
	mux.Handle("POST "+v1+"parked/{id}/reject", s.api(toResolve, s.apiReject))
	mux.Handle("POST "+v1+"desk/scan", s.api(toCollect, s.apiDeskScan))
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if reasons := s.notReady(); len(reasons) > 0 {
		writeJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "reasons": reasons})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"status": "ready", "reasons": []string{}})
}

// notReady returns why not, one reason each; empty when ready.
func (s *Server) notReady() []string {
	if s.o.Ready == nil {
		return nil
	}
	err := s.o.Ready()
	if err == nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(err.Error()), "\n")
}
