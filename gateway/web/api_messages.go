package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"rorpost/gateway/store"
)

type messageOut struct {
	ID         int64      `json:"id"`
	At         *time.Time `json:"at"`
	Kind       store.Kind `json:"kind"`
	Source     string     `json:"source"`
	Peer       string     `json:"peer,omitempty"`
	Control    string     `json:"control,omitempty"`
	Incomplete bool       `json:"incomplete,omitempty"`
	Changes    int64      `json:"changes,omitempty"`
	State      string     `json:"state"`
	Decision   string     `json:"decision,omitempty"`
	Rule       string     `json:"rule,omitempty"`
	Note       string     `json:"note,omitempty"`
	Size       int        `json:"size"`
	Owed       int        `json:"owed"`
	Deliveries int        `json:"deliveries"`
}

func messageJSON(a store.ArrivalRow) messageOut {
	return messageOut{a.ID, moment(a.At), a.Kind, a.Source, a.Peer, a.Control, a.Incomplete, a.Changes, a.State, a.Decision,
		a.Rule, a.Note, a.Size, a.Owed, a.Deliveries}
}

// apiMessages lists the newest, with ?limit=, ?before= and ?source=.
func (s *Server) apiMessages(w http.ResponseWriter, r *http.Request, _ visitor) {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	rows, err := s.o.Store.Arrivals(r.Context(), store.Query{Limit: limit(r), Before: max(before, 0),
		Source: r.URL.Query().Get("source")})
	if err != nil {
		s.storeProblem(w, r, "list messages", err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"messages": each(rows, messageJSON)})
}

// apiSearch takes the id in the body: it may be a personal number.
func (s *Server) apiSearch(w http.ResponseWriter, r *http.Request, v visitor) {
	var in struct {
		Text   string `json:"text"`
		Source string `json:"source"`
	}
	if err := readJSON(r, &in); err != nil || strings.TrimSpace(in.Text) == "" {
		writeError(w, http.StatusBadRequest, "there is nothing to search for", `send {"text":"…","source":"…"}`)
		return
	}
	if rows, ok := s.search(w, r, v, store.Query{Source: in.Source, Text: strings.TrimSpace(in.Text)}); ok {
		writeJSON(w, http.StatusOK, map[string]any{"messages": each(rows, messageJSON)})
	}
}

type attemptOut struct {
	N      int        `json:"n"`
	At     *time.Time `json:"at"`
	Class  string     `json:"class"`
	Detail string     `json:"detail,omitempty"`
	Hint   string     `json:"hint,omitempty"`
}

type deliveryHistoryOut struct {
	deliveryOut
	History []attemptOut `json:"history"`
}

type settlingOut struct {
	At       *time.Time `json:"at"`
	Decision string     `json:"decision"`
	Rule     string     `json:"rule,omitempty"`
	Note     string     `json:"note,omitempty"`
}

type messageDetailOut struct {
	messageOut
	Body        string               `json:"body_masked"`
	Settlements []settlingOut        `json:"settlements"`
	Deliveries  []deliveryHistoryOut `json:"delivery_list"`
}

// apiMessage shows one message with its identity masked; the view is audited like that of the page.
func (s *Server) apiMessage(w http.ResponseWriter, r *http.Request, v visitor) {
	d, ok := s.audited(w, r, v, false)
	if !ok {
		return
	}
	a := d.Arrival
	out := messageDetailOut{messageOut: messageOut{ID: a.ID, At: moment(a.At), Kind: a.Kind, Source: a.Source, Peer: a.Peer,
		Control: a.Control, Incomplete: a.Incomplete, Changes: a.Changes, State: a.State, Size: len(a.Body),
		Deliveries: len(d.Deliveries)}}
	out.Body = maskedText(a.Kind, a.Body)
	out.Settlements = each(d.Settlements, func(x store.Settling) settlingOut {
		return settlingOut{moment(x.At), x.Decision, x.Rule, x.Note}
	})
	if n := len(out.Settlements); n > 0 {
		last := out.Settlements[n-1]
		out.Decision, out.Rule, out.Note = last.Decision, last.Rule, last.Note
	}
	out.Deliveries = each(d.Deliveries, func(x store.DeliveryDetail) deliveryHistoryOut {
		if x.State == store.StateOwed || x.State == store.Parked {
			out.Owed++
		}
		return deliveryHistoryOut{deliveryJSON(x.Delivery), each(x.History, func(t store.Attempt) attemptOut {
			return attemptOut{t.N, moment(t.At), t.Class, t.Detail, t.Hint}
		})}
	})
	writeJSON(w, http.StatusOK, out)
}

// maskedText is a body as text with its identity replaced by bullets.
func maskedText(kind store.Kind, body []byte) string {
	mask := hide(kind, body, time.Now())
	var b strings.Builder
	for i, c := range body {
		switch {
		case mask[i] && c&0xc0 != 0x80:
			b.WriteString("•")
		case mask[i]: // The rest of a letter that is a bullet already.
		default:
			b.WriteByte(c)
		}
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

// apiCollections tells how far the collection at the desk is: numbers of orders and tubes, no person.
func (s *Server) apiCollections(w http.ResponseWriter, r *http.Request, _ visitor) {
	list := []collectionOut{}
	if s.o.Desk != nil {
		state, active, err := s.o.Desk.Current(r.Context())
		if err != nil {
			fail := s.refused("show the desk", err)
			s.deny(w, r, fail.code, fail.notice)
			return
		}
		if active {
			list = append(list, collectionJSON(state))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"collections": list})
}
