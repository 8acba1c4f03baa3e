package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"rorpost/gateway/audit"
)

// workday is how long a log-in lasts at most.
const workday = 12 * time.Hour

// newSessions builds the manager by hand: scs.New would start a goroutine that nobody ends.
func newSessions(secure bool) *scs.SessionManager {
	name := "rorpost_session"
	if secure {
		name = "__Host-" + name // The browser lets nothing but this host, over TLS, set it.
	}
	return &scs.SessionManager{
		Lifetime:         workday,
		Store:            &sessionMemory{held: map[string]heldSession{}},
		Codec:            scs.GobCodec{},
		HashTokenInStore: true,
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			writeError(w, http.StatusInternalServerError, "the session cannot be read", "log in again")
		},
		Cookie: scs.SessionCookie{
			Name: name, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
		},
	}
}

// sessionMemory keeps sessions until the process ends; what has expired is forgotten at the next log-in.
type sessionMemory struct {
	mu   sync.Mutex
	held map[string]heldSession
}

type heldSession struct {
	data   []byte
	expiry time.Time
}

func (m *sessionMemory) Find(token string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.held[token]
	if !ok || time.Now().After(h.expiry) {
		return nil, false, nil
	}
	return h.data, true, nil
}

func (m *sessionMemory) Commit(token string, data []byte, expiry time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for t, h := range m.held {
		if time.Now().After(h.expiry) {
			delete(m.held, t)
		}
	}
	m.held[token] = heldSession{data, expiry}
	return nil
}

func (m *sessionMemory) Delete(token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.held, token)
	return nil
}

// visitor tells who asks. Without users everybody is Anyone, and the guard has seen to it that they are on this
// machine. The role is looked up at each request, so that a changed role counts at once.
func (s *Server) visitor(r *http.Request) (visitor, bool) {
	if len(s.users) == 0 {
		return visitor{Name: "local", Role: Anyone}, true
	}
	u, ok := s.users[s.sessions.GetString(r.Context(), "name")]
	return visitor{Name: u.Name, Role: u.Role}, ok
}

type loginPage struct {
	Next   string
	Notice *notice
}

// loginReturn is where to go after the log-in. A path of ours holds numbers of rows, never a person.
func loginReturn(r *http.Request) string { return url.QueryEscape(r.URL.Path) }

// localPath lets only a path of this server through.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.Contains(next, `\`) || strings.HasPrefix(next, "/log") {
		return "/"
	}
	return u.Path
}

func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, view{Name: "login", Title: "Who are you?",
		Body: loginPage{Next: localPath(r.URL.Query().Get("next"))}})
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	name, host := strings.TrimSpace(r.PostFormValue("name")), remoteHost(r)
	byName, byHost := "name "+digest(name), "host "+host
	if wait := s.guesses.wait(now, byName, byHost); wait > 0 {
		w.Header().Set("Retry-After", seconds(wait))
		s.refuseLogin(w, r, http.StatusTooManyRequests, notice{"Too many attempts", "Wait " + roughly(wait) + " and try again."})
		return
	}
	user, ok := s.checkUser(r, name)
	if !ok {
		s.guesses.failed(now, byName, byHost)
		s.note(r, visitor{Name: user.Name, Role: user.Role}, audit.Event{Action: "login-failed", Object: "log-in"})
		s.refuseLogin(w, r, http.StatusUnauthorized, notice{"Name and password do not belong together", "Check both and try again."})
		return
	}
	s.guesses.passed(byName)
	if err := s.note(r, visitor{user.Name, user.Role}, audit.Event{Action: "login", Object: "log-in"}); err != nil {
		s.problem(w, r, http.StatusServiceUnavailable, auditDown)
		return
	}
	if err := s.sessions.RenewToken(r.Context()); err != nil {
		s.problem(w, r, http.StatusInternalServerError, notice{"The log-in could not be kept", "Try again."})
		return
	}
	s.sessions.Put(r.Context(), "name", user.Name)
	http.Redirect(w, r, localPath(r.PostFormValue("next")), http.StatusSeeOther)
}

// checkUser spends the same time on a name that nobody has, and never runs more than two checks at once: each needs
// 19 MiB.
func (s *Server) checkUser(r *http.Request, name string) (User, bool) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-r.Context().Done():
		return User{}, false
	}
	user, known := s.users[name]
	hash := user.Hash
	if !known {
		hash = s.decoy
	}
	fits := CheckPassword(hash, r.PostFormValue("password"))
	return user, known && fits
}

func (s *Server) refuseLogin(w http.ResponseWriter, r *http.Request, code int, n notice) {
	s.render(w, r, code, view{Name: "login", Title: "Who are you?",
		Body: loginPage{Next: localPath(r.PostFormValue("next")), Notice: &n}})
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.visitor(r); ok && v.LoggedIn() {
		s.note(r, v, audit.Event{Action: "logout", Object: "log-in"})
	}
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.log.Warn("log-out failed", "error", err)
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// remoteHost is the address of the other end without its port.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// digest keeps what somebody typed as a name, perhaps a personal number or a password, out of the memory.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
