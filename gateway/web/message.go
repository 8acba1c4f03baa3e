package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"rorpost/gateway/audit"
	"rorpost/gateway/store"
)

type messagePage struct {
	Answer                            answer
	ID                                int64
	At                                time.Time
	Source, Peer, What, Control, Size string
	Incomplete                        bool
	Decision, Rule, Note              string
	Deliveries                        []deliveryCard
	Lines                             [][]span
	Shown                             bool
	Masked, Cut                       string
}

type deliveryCard struct {
	To, State, What, Key, Label string
	Level                       level
	Owed                        time.Time
	Attempts                    []attemptRow
}

type attemptRow struct {
	At           time.Time
	Outcome, Why string
}

func (s *Server) message(w http.ResponseWriter, r *http.Request, v visitor) {
	s.openMessage(w, r, v, false)
}

// showMessage is a POST, so that no link, reload or prefetch shows a person by accident.
func (s *Server) showMessage(w http.ResponseWriter, r *http.Request, v visitor) {
	s.openMessage(w, r, v, true)
}

func (s *Server) openMessage(w http.ResponseWriter, r *http.Request, v visitor, show bool) {
	d, ok := s.audited(w, r, v, show)
	if !ok {
		return
	}
	s.render(w, r, http.StatusOK, view{Name: "message", Title: fmt.Sprintf("What happened to message %d?", d.Arrival.ID),
		Body: pageOf(d, show)})
}

// audited fetches a message and writes down that it is looked at, before anything is shown (P9).
func (s *Server) audited(w http.ResponseWriter, r *http.Request, v visitor, show bool) (store.ArrivalDetail, bool) {
	id, ok := rowID(r)
	if !ok {
		s.deny(w, r, http.StatusNotFound, badID)
		return store.ArrivalDetail{}, false
	}
	d, err := s.o.Store.Arrival(r.Context(), id)
	if err != nil {
		s.storeProblem(w, r, "show message", err)
		return d, false
	}
	e := audit.Event{Action: "view", Object: "arrival " + strconv.FormatInt(id, 10), Why: "identity masked"}
	if show {
		e.Action, e.Why = "view identity", "pressed show"
	}
	if s.note(r, v, e) != nil {
		s.deny(w, r, http.StatusServiceUnavailable, auditDown)
		return d, false
	}
	return d, true
}

func pageOf(d store.ArrivalDetail, show bool) messagePage {
	a := d.Arrival
	p := messagePage{ID: a.ID, At: a.At, Source: a.Source, Peer: a.Peer, What: kindWord(a.Kind), Control: a.Control,
		Incomplete: a.Incomplete, Size: plural(len(a.Body), "byte"), Shown: show}
	if n := len(d.Settlements); n > 0 {
		last := d.Settlements[n-1]
		p.Decision, p.Rule, p.Note = last.Decision, last.Rule, last.Note
	}
	for _, x := range d.Deliveries {
		p.Deliveries = append(p.Deliveries, cardOf(x))
	}
	body := a.Body
	if len(body) > maxRaw {
		p.Cut, body = plural(len(body)-maxRaw, "byte"), body[:maxRaw]
	}
	var mask []bool
	if !show {
		mask = hide(a.Kind, body, time.Now())
	}
	p.Masked = plural(count(mask), "character")
	p.Lines = rawLines(body, mask)
	p.Answer = whatHappened(d)
	return p
}

func count(mask []bool) int {
	n := 0
	for _, m := range mask {
		if m {
			n++
		}
	}
	return n
}

func cardOf(x store.DeliveryDetail) deliveryCard {
	c := deliveryCard{To: x.Destination, What: x.Kind, Key: x.Key, Label: x.Label, Owed: x.OwedAt}
	c.State, c.Level = deliveryState(x.Delivery)
	c.Attempts = attemptRows(x.History)
	return c
}

func deliveryState(d store.Delivery) (string, level) {
	switch d.State {
	case store.StateDelivered:
		return "delivered", good
	case store.Parked:
		return "parked", warn
	case store.StateRejected:
		return "set aside", idle
	}
	if d.Attempts > 0 {
		return "will try again", warn
	}
	return "waiting for its turn", idle
}

var attemptWords = map[string]string{store.ClassDelivered: "delivered", store.ClassRetry: "not yet",
	store.ClassPark: "refused", store.ClassUnconfirmed: "sent, not confirmed"}

func attemptRows(history []store.Attempt) []attemptRow {
	var out []attemptRow
	for _, a := range history {
		said, ok := attemptWords[a.Class]
		if !ok {
			said = a.Class
		}
		out = append(out, attemptRow{a.At, said, sentences(a.Detail, a.Hint)})
	}
	return out
}

// whatHappened answers the question of a message's page.
func whatHappened(d store.ArrivalDetail) answer {
	done, owed, parked := 0, 0, 0
	for _, x := range d.Deliveries {
		switch x.State {
		case store.StateDelivered, store.StateRejected:
			done++
		case store.Parked:
			parked++
		default:
			owed++
		}
	}
	switch {
	case d.Arrival.State == store.Parked || parked > 0:
		a := answer{Level: warn, Say: "It waits for a person."}
		for _, p := range d.Parked {
			if p.Resolved == "" {
				a.Reasons = append(a.Reasons, reason{sentences(p.Reason), sentences(p.Hint), "/parked"})
			}
		}
		return a
	case d.Arrival.State == store.Kept:
		return answer{Level: idle, Say: "It is kept, and is being read."}
	case owed > 0:
		return answer{Level: warn, Say: fmt.Sprintf("It was understood; %d of %d on the way.", owed, len(d.Deliveries))}
	case done > 0:
		return answer{Level: good, Say: "It reached everybody it was for."}
	}
	return answer{Level: good, Say: "It was understood, and nobody needed it."}
}
