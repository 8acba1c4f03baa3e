package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rorpost/gateway/audit"
	"rorpost/gateway/collect"
	"rorpost/gateway/lab"
	"rorpost/gateway/store"
)

// maxTyped bounds what is typed or scanned into the desk.
const maxTyped = 200 // Bytes.

// lastScanAge is how long the desk says what the last scan came to.
const lastScanAge = 10 * time.Minute

type deskPage struct {
	Notice     *notice
	Last       *happened
	Ask, Such  string // The label of the field, and an example in it.
	Empty      string
	Active     bool
	Person     *personCard
	Tubes      []tubeRow
	Orders     []orderCard
	CanConfirm bool
}

// personCard is the one place where a name and a number are shown.
type personCard struct {
	Name, Number, Sex, Warning string
	Protected                  bool
}

type tubeRow struct {
	Name, Material, Tests, Specimen string
	Next                            bool
}

type orderCard struct {
	ID, From string
	Created  time.Time
	Tests    []testRow
}

type testRow struct {
	Name string
	Here bool // One of the unit's own analyzers measures it.
}

var noDesk = notice{"This gateway has no desk", "It routes messages; samples are taken elsewhere."}

func (s *Server) desk(w http.ResponseWriter, r *http.Request, v visitor) {
	s.showDesk(w, r, v, http.StatusOK, nil)
}

// showDesk shows the collection in hand. What is shown of a person is in the trail first (P9).
func (s *Server) showDesk(w http.ResponseWriter, r *http.Request, v visitor, code int, n *notice) {
	if s.o.Desk == nil {
		s.problem(w, r, http.StatusNotFound, noDesk)
		return
	}
	state, active, err := s.o.Desk.Current(r.Context())
	if err != nil {
		fail := s.refused("show the desk", err)
		s.problem(w, r, fail.code, fail.notice)
		return
	}
	p := deskPage{Notice: n, Ask: "Personal number or barcode", Such: "YYYYMMDD-NNNN, or scan", Last: s.lastScan(v),
		Empty: "Nobody is at the desk. Type or scan a personal number."}
	if active {
		if err := s.noteDesk(r, v, "view desk", state); err != nil {
			s.problem(w, r, http.StatusServiceUnavailable, auditDown)
			return
		}
		p.show(state)
	}
	s.render(w, r, code, view{Name: "desk", Title: "What is ordered for this person?", Live: true, Body: p})
}

// noteDesk writes down that somebody sees, or does something with, the collection of one person.
func (s *Server) noteDesk(r *http.Request, v visitor, action string, state collect.State) error {
	e := audit.Event{Action: action, Object: "collection " + state.ID()}
	if id := state.Person().ID; !id.IsZero() {
		e.Whom = s.o.Store.Blind(id.Wire())
	}
	return s.note(r, v, e)
}

// lastScan tells what the newest scan came to, since a scan that leads nowhere changes nothing else on the page.
func (s *Server) lastScan(v visitor) *happened {
	for _, n := range s.hub.last(recentEvents) {
		e := n.Event
		if e.Kind != string(store.KindScan) || e.What != store.EventSettled && e.What != store.EventParked {
			continue
		}
		if time.Since(e.Time) > lastScanAge {
			return nil
		}
		h := tell(n, v.Reads())
		return &h
	}
	return nil
}

func (s *Server) deskScan(w http.ResponseWriter, r *http.Request, v visitor) {
	s.deskDone(w, r, v, s.submit(r, v, r.PostFormValue("text")))
}

func (s *Server) deskConfirm(w http.ResponseWriter, r *http.Request, v visitor) {
	s.deskDone(w, r, v, s.deskAction(r, v, "confirm collection"))
}

func (s *Server) deskCancel(w http.ResponseWriter, r *http.Request, v visitor) {
	s.deskDone(w, r, v, s.deskAction(r, v, "cancel collection"))
}

// deskDone goes back to the desk by GET, so that a reload never hands in twice.
func (s *Server) deskDone(w http.ResponseWriter, r *http.Request, v visitor, fail *refusal) {
	if fail != nil {
		s.showDesk(w, r, v, fail.code, &fail.notice)
		return
	}
	http.Redirect(w, r, "/desk", http.StatusSeeOther)
}

// submit hands in what was typed or scanned. A wrong personal number is told at once and goes no further (P7); the
// look-up of a right one is in the trail before it is done, found or not.
func (s *Server) submit(r *http.Request, v visitor, text string) *refusal {
	text = strings.TrimSpace(text)
	switch {
	case s.o.Desk == nil:
		return &refusal{http.StatusNotFound, noDesk}
	case text == "":
		return &refusal{http.StatusUnprocessableEntity, notice{"Nothing was typed", "Type a personal number, or scan a card or a tube."}}
	case len(text) > maxTyped:
		return &refusal{http.StatusUnprocessableEntity, notice{"That is too long",
			"A personal number or a barcode has at most " + strconv.Itoa(maxTyped) + " characters."}}
	}
	e := audit.Event{Action: "scan", Object: "desk"}
	if id, err := lab.ParsePersonID(text, time.Now()); err == nil {
		e.Action, e.Whom = "look up orders", s.o.Store.Blind(id.Wire())
	}
	if s.note(r, v, e) != nil {
		return &refusal{http.StatusServiceUnavailable, auditDown}
	}
	if err := s.o.Desk.Submit(r.Context(), text); err != nil {
		return s.refused("hand in what was typed", err)
	}
	return nil
}

// deskAction confirms or cancels the collection in hand.
func (s *Server) deskAction(r *http.Request, v visitor, action string) *refusal {
	if s.o.Desk == nil {
		return &refusal{http.StatusNotFound, noDesk}
	}
	state, active, err := s.o.Desk.Current(r.Context())
	if err != nil {
		return s.refused(action, err)
	}
	if !active {
		return &refusal{http.StatusConflict, notice{"No collection is open", "Type or scan the personal number first."}}
	}
	if s.noteDesk(r, v, action, state) != nil {
		return &refusal{http.StatusServiceUnavailable, auditDown}
	}
	do := map[string]func(context.Context) error{"confirm collection": s.o.Desk.Confirm, "cancel collection": s.o.Desk.Cancel}[action]
	if err := do(r.Context()); err != nil {
		return s.refused(action, err)
	}
	return nil
}

// written is how people write the number that is sent on the wire.
func written(id lab.PersonID) string {
	w := id.Wire()
	if k := id.Kind(); len(w) == 12 && (k == lab.IDPersonnummer || k == lab.IDSamordningsnummer) {
		return w[:8] + "-" + w[8:]
	}
	return w
}

var materialWords = map[string]string{"SER": "Serum", "BLD": "Whole blood", "WB": "Whole blood", "PLAS": "Plasma",
	"UR": "Urine", "BLDC": "Capillary blood", "SPT": "Sputum", "STL": "Stool", "CSF": "Spinal fluid", "THRT": "Throat swab"}

func materialWord(code string) string {
	if w, ok := materialWords[code]; ok {
		return w
	}
	return code
}

var sexWords = map[string]string{"F": "woman", "M": "man"}
