package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rorpost/gateway/audit"
	"rorpost/gateway/lab"
	"rorpost/gateway/store"
)

// listLength is how many messages a page lists.
const listLength = 50

type messagesPage struct {
	Source   string
	Sources  []string
	Rows     []messageRow
	Searched bool
	Found    string
	Empty    string
	Older    string
}

type messageRow struct {
	ID         int64
	At         time.Time
	Source     string
	What       string
	Control    string
	Incomplete bool
	Became     string
	Level      level
	Went       []tag
}

type tag struct {
	Text  string
	Level level
}

var kindWords = map[store.Kind]string{store.KindMLLP: "HL7 message", store.KindASTM: "analyzer message",
	store.KindScan: "scan", store.KindAPI: "API call"}

// messages lists the newest. Only a source and a row number are ever in the URL: what is searched for may be a person.
func (s *Server) messages(w http.ResponseWriter, r *http.Request, _ visitor) {
	q := store.Query{Limit: listLength, Source: r.URL.Query().Get("source")}
	if !slices.Contains(s.sources(), q.Source) {
		q.Source = ""
	}
	if before := r.URL.Query().Get("before"); before != "" {
		q.Before, _ = strconv.ParseInt(before, 10, 64)
	}
	rows, err := s.o.Store.Arrivals(r.Context(), q)
	if err != nil {
		s.storeProblem(w, r, "list messages", err)
		return
	}
	p := messagesPage{Source: q.Source, Sources: s.sources(), Rows: messageRows(rows),
		Empty: "Nothing has come in yet."}
	if len(rows) == listLength {
		next := url.Values{"before": {strconv.FormatInt(rows[len(rows)-1].ID, 10)}}
		if q.Source != "" {
			next.Set("source", q.Source)
		}
		p.Older = "/messages?" + next.Encode()
	}
	s.render(w, r, http.StatusOK, view{Name: "messages", Title: "What came in and where did it go?",
		Live: q.Before == 0, Refresh: 30, Body: p})
}

// searchMessages looks for one exact id. The search is audited, since asking for a person discloses something too.
func (s *Server) searchMessages(w http.ResponseWriter, r *http.Request, v visitor) {
	source, text := r.PostFormValue("source"), strings.TrimSpace(r.PostFormValue("q"))
	if text == "" {
		to := "/messages"
		if slices.Contains(s.sources(), source) {
			to += "?" + url.Values{"source": {source}}.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	rows, ok := s.search(w, r, v, store.Query{Source: source, Text: text})
	if !ok {
		return
	}
	p := messagesPage{Source: source, Sources: s.sources(), Rows: messageRows(rows), Searched: true,
		Found: plural(len(rows), "message") + " found.",
		Empty: "No message has that specimen, order or control id. Search needs the whole id."}
	s.render(w, r, http.StatusOK, view{Name: "messages", Title: "What came in and where did it go?", Body: p})
}

// search runs an audited search, or answers why it cannot.
func (s *Server) search(w http.ResponseWriter, r *http.Request, v visitor, q store.Query) ([]store.ArrivalRow, bool) {
	whom := ""
	if p, err := lab.ParsePersonID(q.Text, time.Now()); err == nil {
		q.Text, whom = p.Wire(), s.o.Store.Blind(p.Wire())
	}
	if s.note(r, v, audit.Event{Action: "search", Whom: whom, Object: "messages"}) != nil {
		s.deny(w, r, http.StatusServiceUnavailable, auditDown)
		return nil, false
	}
	q.Limit = listLength
	rows, err := s.o.Store.Arrivals(r.Context(), q)
	if err != nil {
		s.storeProblem(w, r, "search messages", err)
		return nil, false
	}
	return rows, true
}

// sources are the doors that something can have come in by.
func (s *Server) sources() []string {
	var out []string
	for _, d := range s.allDevices() {
		out = append(out, d.Name)
	}
	if s.o.Desk != nil && !slices.Contains(out, "desk") {
		out = append(out, "desk")
	}
	return out
}

func messageRows(rows []store.ArrivalRow) []messageRow {
	var out []messageRow
	for _, a := range rows {
		m := messageRow{ID: a.ID, At: a.At, Source: a.Source, What: kindWord(a.Kind), Control: shortControl(a.Control),
			Incomplete: a.Incomplete}
		m.Became, m.Level = became(a.State, a.Decision)
		if done := a.Deliveries - a.Owed; done > 0 {
			m.Went = append(m.Went, tag{fmt.Sprintf("%d of %d done", done, a.Deliveries), good})
		}
		if a.Owed > 0 {
			m.Went = append(m.Went, tag{fmt.Sprintf("%d owed", a.Owed), warn})
		}
		out = append(out, m)
	}
	return out
}

func kindWord(k store.Kind) string {
	if w, ok := kindWords[k]; ok {
		return w
	}
	return string(k)
}

// became says what an arrival has come to.
func became(state, decision string) (string, level) {
	switch state {
	case store.Kept:
		return "being read", idle
	case store.Parked:
		return "parked", warn
	case store.Resolved:
		return joinWords(", ", decision, "resolved"), good
	}
	if decision == "" {
		return state, good
	}
	return decision, good
}

// storeProblem answers an error of the store without its text: that may quote what was asked for.
func (s *Server) storeProblem(w http.ResponseWriter, r *http.Request, op string, err error) {
	if errors.Is(err, store.ErrUnknown) {
		s.deny(w, r, http.StatusNotFound, notice{"There is no such entry", "It may have reached the end of its retention time."})
		return
	}
	if errors.Is(err, store.ErrResolved) {
		s.deny(w, r, http.StatusConflict, notice{"Somebody was faster: it is resolved already", "Look at the list again."})
		return
	}
	s.log.Error(op+" failed", "error", err)
	s.deny(w, r, http.StatusServiceUnavailable, storeDown)
}

// rowID reads the {id} of a path: a positive row number and nothing else.
func rowID(r *http.Request) (int64, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	return id, err == nil && id > 0
}

var badID = notice{"There is no such entry", "The number in the address is not one of ours."}

// shortControl is a control id for a list: the gateway's own names of sessions are long hashes, and say nothing whole.
func shortControl(id string) string {
	const most = 24
	if len(id) <= most {
		return id
	}
	return id[:12] + "…"
}
