package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rorpost/gateway/intake"
	"rorpost/gateway/outbox"
	"rorpost/gateway/store"
)

// The JSON shapes are this package's own, so that a change inside does not break a program outside. Names are
// snake_case, times RFC 3339 in UTC, an unknown time is null. None of them has a body or a person in it, but for the
// masked text of one message.

type eventOut struct {
	Time        *time.Time `json:"time"`
	What        string     `json:"what"`
	Arrival     int64      `json:"arrival,omitempty"`
	Delivery    int64      `json:"delivery,omitempty"`
	Source      string     `json:"source,omitempty"`
	Destination string     `json:"destination,omitempty"`
	Kind        string     `json:"kind,omitempty"`
	Decision    string     `json:"decision,omitempty"`
	Label       string     `json:"label,omitempty"`
	Detail      string     `json:"detail,omitempty"`
}

func eventJSON(n numbered) eventOut {
	e := n.Event
	return eventOut{moment(e.Time), e.What, e.Arrival, e.Delivery, e.Source, e.Destination, e.Kind, e.Decision, e.Label, e.Detail}
}

// moment is a time for JSON; nil when it is not known.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

type countsOut struct {
	Arrivals   map[store.Kind]int64        `json:"arrivals"`
	Kept       int64                       `json:"kept"`
	Settled    int64                       `json:"settled"`
	Repeats    int64                       `json:"repeats"`
	Changed    int64                       `json:"changed"`
	Parked     int64                       `json:"parked"`
	Waiting    int64                       `json:"waiting"`
	Found      *int64                      `json:"orders_found"`
	Deliveries map[string]map[string]int64 `json:"deliveries"`
	Oldest     map[string]*time.Time       `json:"oldest_owed"`
	Streams    int                         `json:"live_clients"`
}

func (s *Server) apiCounts(w http.ResponseWriter, r *http.Request, _ visitor) {
	c, err := s.o.Store.Counts(r.Context())
	if err != nil {
		s.storeProblem(w, r, "counts", err)
		return
	}
	out := countsOut{c.Arrivals, c.Kept, c.Settled, c.Repeats, c.Changed, c.ParkedOpen, waiting(c), nil, c.Deliveries,
		map[string]*time.Time{}, s.hub.open()}
	if s.o.Found != nil {
		n := s.o.Found()
		out.Found = &n
	}
	for name, t := range c.Oldest {
		out.Oldest[name] = moment(t)
	}
	writeJSON(w, http.StatusOK, out)
}

type deviceOut struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"`
	Profile  string     `json:"profile,omitempty"`
	Port     string     `json:"port,omitempty"`
	State    string     `json:"state"`
	Level    level      `json:"level"`
	Since    *time.Time `json:"since"`
	LastSeen *time.Time `json:"last_seen"`
	Detail   string     `json:"detail,omitempty"`
	Hint     string     `json:"hint,omitempty"`
	Messages uint64     `json:"messages"`
	Rejected uint64     `json:"rejected"`
}

func (s *Server) apiDevices(w http.ResponseWriter, _ *http.Request, _ visitor) {
	writeJSON(w, http.StatusOK, map[string]any{"devices": each(s.allDevices(), func(d intake.Status) deviceOut {
		return deviceOut{d.Name, d.Kind, d.Profile, d.Port, d.State, deviceOf(d).Level, moment(d.Since), moment(d.LastSeen),
			d.Detail, d.Hint, d.Messages, d.Rejected}
	})})
}

type linkOut struct {
	Name      string     `json:"name"`
	Kind      string     `json:"kind"`
	Serves    string     `json:"serves,omitempty"`
	Address   string     `json:"address,omitempty"`
	State     string     `json:"state"`
	Level     level      `json:"level"`
	Since     *time.Time `json:"since"`
	Why       string     `json:"why,omitempty"`
	Hint      string     `json:"hint,omitempty"`
	Waiting   int        `json:"waiting"`
	Oldest    *time.Time `json:"oldest_owed"`
	Delivered uint64     `json:"delivered"`
	Retried   uint64     `json:"retried"`
	Parked    uint64     `json:"parked"`
	Connected bool       `json:"connected"`
}

func (s *Server) apiLinks(w http.ResponseWriter, _ *http.Request, _ visitor) {
	writeJSON(w, http.StatusOK, map[string]any{"links": each(s.allLinks(), func(l outbox.Status) linkOut {
		return linkOut{l.Name, l.Kind, l.Serves, l.Address, l.State, linkOf(l).Level, moment(l.Since), l.Why, l.Hint, l.Waiting,
			moment(l.Oldest), l.Delivered, l.Retried, l.Parked, l.Connected}
	})})
}

type deliveryOut struct {
	ID          int64      `json:"id"`
	Arrival     int64      `json:"arrival"`
	Key         string     `json:"key"`
	Destination string     `json:"destination"`
	Kind        string     `json:"kind"`
	Subject     string     `json:"subject,omitempty"`
	Label       string     `json:"label,omitempty"`
	State       string     `json:"state"`
	Attempts    int        `json:"attempts"`
	OwedAt      *time.Time `json:"owed_at"`
	NotBefore   *time.Time `json:"not_before"`
	LastError   string     `json:"last_error,omitempty"`
}

func deliveryJSON(d store.Delivery) deliveryOut {
	return deliveryOut{d.ID, d.Arrival, d.Key, d.Destination, d.Kind, d.Subject, d.Label, d.State, d.Attempts, moment(d.OwedAt),
		moment(d.NotBefore), d.LastError}
}

// apiDeliveries lists what is owed now, oldest first, for one destination or for all.
func (s *Server) apiDeliveries(w http.ResponseWriter, r *http.Request, _ visitor) {
	out := []deliveryOut{}
	want := r.URL.Query().Get("destination")
	for _, l := range s.allLinks() {
		if want != "" && want != l.Name {
			continue
		}
		owed, err := s.o.Store.Owed(r.Context(), l.Name, 0, limit(r))
		if err != nil {
			s.storeProblem(w, r, "deliveries", err)
			return
		}
		out = append(out, each(owed, deliveryJSON)...)
	}
	writeJSON(w, http.StatusOK, map[string]any{"deliveries": out})
}

type parkedOut struct {
	ID          int64      `json:"id"`
	Arrival     int64      `json:"arrival,omitempty"`
	Delivery    int64      `json:"delivery,omitempty"`
	Source      string     `json:"source"`
	Reason      string     `json:"reason"`
	Hint        string     `json:"hint,omitempty"`
	Subject     string     `json:"subject,omitempty"`
	At          *time.Time `json:"at"`
	Resolved    string     `json:"resolved,omitempty"`
	ResolvedAt  *time.Time `json:"resolved_at"`
	ResolvedBy  string     `json:"resolved_by,omitempty"`
	ResolvedWhy string     `json:"resolved_why,omitempty"`
}

// apiParked lists what waits for a person; with ?all=1 what is resolved too.
func (s *Server) apiParked(w http.ResponseWriter, r *http.Request, _ visitor) {
	var items []store.ParkedItem
	var err error
	if r.URL.Query().Get("all") != "" {
		items, err = s.o.Store.AllParked(r.Context())
	} else {
		items, err = s.o.Store.Parked(r.Context(), limit(r))
	}
	if err != nil {
		s.storeProblem(w, r, "list parked", err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"parked": each(items, func(p store.ParkedItem) parkedOut {
		return parkedOut{p.ID, p.Arrival, p.Delivery, p.Source, p.Reason, p.Hint, p.Subject, moment(p.At), p.Resolved,
			moment(p.ResolvedAt), p.ResolvedBy, p.ResolvedWhy}
	})})
}

func (s *Server) apiRelease(w http.ResponseWriter, r *http.Request, v visitor) {
	s.apiResolve(w, r, v, store.ActionRelease)
}

func (s *Server) apiReject(w http.ResponseWriter, r *http.Request, v visitor) {
	s.apiResolve(w, r, v, store.ActionReject)
}

func (s *Server) apiResolve(w http.ResponseWriter, r *http.Request, v visitor, action string) {
	var in struct {
		Why string `json:"why"`
	}
	if err := readJSON(r, &in); err != nil {
		writeError(w, http.StatusBadRequest, err.Error(), `send {"why":"…"}`)
		return
	}
	if fail := s.resolve(r, v, action, in.Why); fail != nil {
		s.deny(w, r, fail.code, fail.notice)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "done"})
}

func (s *Server) apiDeskScan(w http.ResponseWriter, r *http.Request, v visitor) {
	var in struct {
		Text string `json:"text"`
	}
	if err := readJSON(r, &in); err != nil {
		writeError(w, http.StatusBadRequest, err.Error(), `send {"text":"…"}`)
		return
	}
	if fail := s.submit(r, v, in.Text); fail != nil {
		s.deny(w, r, fail.code, fail.notice)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "accepted"})
}

// readJSON decodes one bounded object with known fields only. Its errors never quote what was sent: that may be a
// personal number.
func readJSON(r *http.Request, into any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return errors.New("the content type is not application/json")
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return errors.New("the body is not the JSON object that is wanted here")
	}
	if d.More() {
		return errors.New("the body has more than one JSON value")
	}
	return nil
}

// limit reads ?limit=, 1 to 1000.
func limit(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || n < 1 {
		return 100
	}
	return min(n, 1000)
}

// each maps a list; an empty one becomes [] in JSON, not null.
func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	return slices.Clip(out)
}

// capital makes the first letter large, for a sentence.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
