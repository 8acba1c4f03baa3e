package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rorpost/gateway/audit"
	"rorpost/gateway/store"
)

// How much the page shows of what waits, the oldest first, and of what is resolved.
const (
	shownOpen     = 200
	shownResolved = 50
)

// maxReason bounds why something is set aside.
const maxReason = 300 // Characters.

type parkedPage struct {
	Notice   *notice
	Answer   answer
	Open     []parkedCard
	Resolved []parkedCard
}

type parkedCard struct {
	store.ParkedItem
	Where      string
	Attempts   []attemptRow
	Ending     string
	CanResolve bool
}

func (s *Server) parked(w http.ResponseWriter, r *http.Request, _ visitor) {
	s.showParked(w, r, http.StatusOK, nil)
}

func (s *Server) showParked(w http.ResponseWriter, r *http.Request, code int, n *notice) {
	open, err := s.o.Store.Parked(r.Context(), shownOpen)
	if err != nil {
		s.storeProblem(w, r, "list parked", err)
		return
	}
	all, err := s.o.Store.AllParked(r.Context())
	if err != nil {
		s.storeProblem(w, r, "list resolved", err)
		return
	}
	p := parkedPage{Notice: n, Answer: answer{Level: good, Say: "Nothing. Everything that came in went where it should."}}
	for _, it := range open {
		p.Open = append(p.Open, s.cardOfParked(r, it))
	}
	for _, it := range all {
		if it.Resolved != "" && len(p.Resolved) < shownResolved {
			p.Resolved = append(p.Resolved, parkedCard{ParkedItem: it, Where: it.Source, Ending: ending(it)})
		}
	}
	if len(p.Open) > 0 {
		p.Answer = answer{Level: warn, Say: plural(len(p.Open), "thing") + " " + verb(len(p.Open), "waits", "wait") + " for a person."}
	}
	s.render(w, r, code, view{Name: "parked", Title: "What waits for a person?", Live: true, Refresh: 30, Body: p})
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (s *Server) cardOfParked(r *http.Request, it store.ParkedItem) parkedCard {
	c := parkedCard{ParkedItem: it, Where: "from " + it.Source, CanResolve: s.o.Resolve != nil}
	if it.Delivery != 0 {
		c.Where = "to " + it.Source
		c.Attempts = s.historyOf(r, c.Arrival, it.Delivery)
	}
	return c
}

// historyOf returns the attempts of one delivery.
func (s *Server) historyOf(r *http.Request, arrival, delivery int64) []attemptRow {
	d, err := s.o.Store.Arrival(r.Context(), arrival)
	if err != nil {
		return nil
	}
	for _, x := range d.Deliveries {
		if x.ID == delivery {
			return attemptRows(x.History)
		}
	}
	return nil
}

func ending(it store.ParkedItem) string {
	words := map[string]string{store.ActionRelease: "tried again", store.ActionReject: "set aside",
		store.ActionSuperseded: "a later message said it better"}[it.Resolved]
	out := joinWords(" ", words, clock(it.ResolvedAt))
	if it.ResolvedBy != "" {
		out += " by " + it.ResolvedBy
	}
	return joinWords(": ", out, it.ResolvedWhy)
}

func (s *Server) release(w http.ResponseWriter, r *http.Request, v visitor) {
	s.resolvePage(w, r, v, store.ActionRelease)
}

func (s *Server) reject(w http.ResponseWriter, r *http.Request, v visitor) {
	s.resolvePage(w, r, v, store.ActionReject)
}

func (s *Server) resolvePage(w http.ResponseWriter, r *http.Request, v visitor, action string) {
	fail := s.resolve(r, v, action, r.PostFormValue("why"))
	switch {
	case fail == nil:
		http.Redirect(w, r, "/parked", http.StatusSeeOther)
	case fail.code == http.StatusNotFound:
		s.problem(w, r, fail.code, fail.notice)
	default:
		s.showParked(w, r, fail.code, &fail.notice)
	}
}

// refusal is why an action was not done, for a page or a program.
type refusal struct {
	code   int
	notice notice
}

// resolve checks what was asked, writes it to the trail, and does it.
func (s *Server) resolve(r *http.Request, v visitor, action, why string) *refusal {
	id, ok := rowID(r)
	if !ok {
		return &refusal{http.StatusNotFound, badID}
	}
	if s.o.Resolve == nil {
		return &refusal{http.StatusNotFound, notice{"Nothing can be resolved here", "This gateway only shows."}}
	}
	why = strings.TrimSpace(why)
	if n := checkReason(action, why, time.Now()); n != nil {
		return &refusal{http.StatusUnprocessableEntity, *n}
	}
	if s.note(r, v, audit.Event{Action: action, Object: "parked " + strconv.FormatInt(id, 10), Why: why}) != nil {
		return &refusal{http.StatusServiceUnavailable, auditDown}
	}
	err := s.o.Resolve(r.Context(), store.Resolution{Item: id, Action: action, By: v.Name, Why: why})
	if err != nil {
		return s.refused(action, err)
	}
	return nil
}

// checkReason wants words for what is set aside, and no personal number in them: they stay in lists and logs.
func checkReason(action, why string, now time.Time) *notice {
	switch n := utf8.RuneCountInString(why); {
	case action == store.ActionReject && n < 3:
		return &notice{"Setting something aside needs a reason", "Write a few words: who reads this later must understand it."}
	case n > maxReason || !utf8.ValidString(why):
		return &notice{"The reason is too long", fmt.Sprintf("Use at most %d characters.", maxReason)}
	}
	mask := make([]bool, len(why))
	hideNumbers([]byte(why), mask, now)
	if count(mask) > 0 {
		return &notice{"The reason has a personal number in it", "Write it without: the message itself shows whom it is about."}
	}
	return nil
}
