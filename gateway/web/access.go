package web

import (
	"net/http"
	"slices"
)

// Role says what kind of work a user does here.
type Role string

const (
	Staff      Role = "staff"      // Takes samples at the desk.
	LabIT      Role = "lab-it"     // Keeps devices, links and messages going.
	Operations Role = "operations" // Watches many units.
	Auditor    Role = "auditor"    // Checks who has seen what.
	Anyone     Role = "anyone"     // Nobody logs in: loopback only.
)

// Roles lists what a configuration may give a user.
func Roles() []Role { return []Role{Staff, LabIT, Operations, Auditor} }

// permission is one thing that a page or an action asks for.
type permission uint8

const (
	toWatch    permission = iota // State, counts and events: no body, no person.
	toCollect                    // The desk: a person's orders, by name.
	toRead                       // Message bodies with the identity masked.
	toIdentify                   // Message bodies as they came.
	toResolve                    // Release and reject what is parked.
)

// mayDo is the whole table of who may do what.
var mayDo = map[Role][]permission{
	Staff:      {toWatch, toCollect, toRead, toResolve},
	LabIT:      {toWatch, toRead, toIdentify, toResolve},
	Operations: {toWatch, toRead},
	Auditor:    {toWatch, toRead},
	Anyone:     {toWatch, toCollect, toRead, toIdentify, toResolve},
}

// visitor is who asks.
type visitor struct {
	Name string
	Role Role
}

func (v visitor) may(p permission) bool { return slices.Contains(mayDo[v.Role], p) }

// LoggedIn reports whether there is somebody to log out.
func (v visitor) LoggedIn() bool { return v.Name != "" && v.Role != Anyone }

// Collects and the other two are for templates: a button that would be refused is not shown.
func (v visitor) Collects() bool   { return v.may(toCollect) }
func (v visitor) Reads() bool      { return v.may(toRead) }
func (v visitor) Identifies() bool { return v.may(toIdentify) }
func (v visitor) Resolves() bool   { return v.may(toResolve) }

// handler is a page or an action that knows who asks.
type handler func(w http.ResponseWriter, r *http.Request, v visitor)

// page guards a handler for people: nobody is sent to log in, the wrong role is told so.
func (s *Server) page(p permission, next handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := s.visitor(r)
		switch {
		case !ok && r.Method == http.MethodGet:
			http.Redirect(w, r, "/login?next="+loginReturn(r), http.StatusSeeOther)
		case !ok:
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		case !v.may(p):
			s.problem(w, r, http.StatusForbidden, notice{"Your role may not open this page",
				"You are logged in as " + v.Name + " (" + string(v.Role) + "). Ask for another role if your work needs it."})
		default:
			next(w, r, v)
		}
	})
}

// api guards a handler for programs.
func (s *Server) api(p permission, next handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := s.visitor(r)
		switch {
		case !ok:
			writeError(w, http.StatusUnauthorized, "not logged in", "log in at /login first")
		case !v.may(p):
			writeError(w, http.StatusForbidden, "the role "+string(v.Role)+" may not do this", "")
		default:
			next(w, r, v)
		}
	})
}
