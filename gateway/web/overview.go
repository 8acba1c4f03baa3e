package web

import (
	"fmt"
	"net/http"
	"time"

	"rorpost/gateway/intake"
	"rorpost/gateway/outbox"
	"rorpost/gateway/store"
)

// shownEvents is how many rows "What just happened" has.
const shownEvents = 30

// answer is the headline of a page: the answer to its title.
type answer struct {
	Level   level
	Say     string
	Reasons []reason
}

// reason is one thing behind the answer.
type reason struct{ What, Hint, Link string }

type overviewPage struct {
	Answer   answer
	Picture  picture
	Counters []counter
	Events   []happened
}

type counter struct {
	Name  string
	Value int64
	Note  string
	Level level
}

// happened is one event as people read it.
type happened struct {
	N       uint64
	Time    time.Time
	Level   level
	What    string
	Path    string
	Label   string
	Why     string
	Message int64
}

func (s *Server) overview(w http.ResponseWriter, r *http.Request, v visitor) {
	counts, err := s.o.Store.Counts(r.Context())
	if err != nil {
		s.log.Error("counts failed", "error", err)
		s.problem(w, r, http.StatusServiceUnavailable, storeDown)
		return
	}
	devices, links := s.allDevices(), s.allLinks()
	p := overviewPage{
		Answer:   s.flowing(devices, links, counts),
		Picture:  draw(s.boxName(), devices, links),
		Counters: s.counters(counts, links),
	}
	p.Picture.Waiting, p.Picture.Parked = waiting(counts), counts.ParkedOpen
	for _, n := range s.hub.last(shownEvents) {
		p.Events = append(p.Events, tell(n, v.Reads()))
	}
	s.render(w, r, http.StatusOK, view{Name: "overview", Title: "Is everything flowing?", Live: true, Refresh: 10, Body: p})
}

func (s *Server) boxName() string {
	if s.o.UnitName != "" {
		return s.o.UnitName
	}
	return "This gateway"
}

// flowing answers the question of the front page, the worst first.
func (s *Server) flowing(devices []intake.Status, links []outbox.Status, counts store.Counts) answer {
	a := answer{Level: good, Say: "Yes. Everything is flowing."}
	blame := func(l level, what, hint, link string) {
		if l.rank() > a.Level.rank() {
			a.Level = l
		}
		a.Reasons = append(a.Reasons, reason{what, hint, link})
	}
	for _, why := range s.notReady() {
		blame(bad, sentences(why), "", "")
	}
	for _, l := range links {
		if d := linkOf(l); d.Level == bad || d.Level == warn {
			what := d.Name + ": " + d.State
			if l.Waiting > 0 {
				what += ", " + plural(l.Waiting, "thing") + " waiting"
			}
			blame(d.Level, what+".", sentences(l.Why, l.Hint), "/devices")
		}
	}
	for _, st := range devices {
		if d := deviceOf(st); d.Level == bad || d.Level == warn {
			blame(d.Level, d.Name+": "+d.State+".", sentences(d.Detail, d.Hint), "/devices")
		}
	}
	if n := counts.ParkedOpen; n > 0 {
		blame(warn, plural(int(n), "thing")+" parked.", "A person has to look.", "/parked")
	}
	switch a.Level {
	case warn:
		a.Say = "Almost. Something needs a person."
		if counts.ParkedOpen == 0 {
			a.Say = "Almost. Something is slow."
		}
	case bad:
		a.Say = "No. Something does not work. What came in is safe."
	}
	return a
}

func waiting(c store.Counts) int64 {
	var n int64
	for _, states := range c.Deliveries {
		n += states[store.StateOwed]
	}
	return n + c.Kept
}

// counters are the numbers under the picture, in the order in which a patient's sample travels.
func (s *Server) counters(c store.Counts, links []outbox.Status) []counter {
	sum := func(serves string) (total, delivered int64) {
		for _, l := range links {
			if l.Serves != serves {
				continue
			}
			for state, n := range c.Deliveries[l.Name] {
				total += n
				if state == store.StateDelivered {
					delivered += n
				}
			}
		}
		return total, delivered
	}
	out := []counter{{Name: "scans", Value: c.Arrivals[store.KindScan] + c.Arrivals[store.KindAPI]}}
	if s.o.Found != nil {
		out = append(out, counter{Name: "orders found", Value: s.o.Found()})
	}
	sent, acknowledged := sum("laboratory")
	out = append(out, counter{Name: "orders sent", Value: sent, Note: fmt.Sprintf("%d confirmed", acknowledged)},
		counter{Name: "results in", Value: c.Arrivals[store.KindMLLP] + c.Arrivals[store.KindASTM]})
	_, journal := sum("journal")
	_, patients := sum("patient")
	out = append(out, counter{Name: "to the journal", Value: journal}, counter{Name: "to patients", Value: patients},
		counter{Name: "waiting", Value: waiting(c), Note: oldest(c)}, counter{Name: "parked", Value: c.ParkedOpen})
	if c.ParkedOpen > 0 {
		out[len(out)-1].Level = warn
	}
	return out
}

func oldest(c store.Counts) string {
	var first time.Time
	for _, t := range c.Oldest {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if first.IsZero() {
		return ""
	}
	return "oldest " + ago(time.Since(first))
}

// eventWords says each kind of event to a person.
var eventWords = map[string]struct {
	say   string
	level level
}{
	store.EventKept:           {"came in", idle},
	store.EventSettled:        {"understood", good},
	store.EventParked:         {"parked for a person", warn},
	store.EventDelivered:      {"delivered", good},
	store.EventRetry:          {"will try again", warn},
	store.EventDeliveryParked: {"delivery parked", warn},
	store.EventResolved:       {"resolved by a person", good},
	store.EventFailed:         {"the store has stopped", bad},
	store.EventRecovered:      {"the store works again", good},
}

// detailWords are the details that are words of the store.
var detailWords = map[string]string{"new": "", "repeat": "seen before: answered again, not routed again",
	"changed":           "a known control id with other content",
	store.ActionRelease: "to be tried again", store.ActionReject: "set aside", store.ActionSuperseded: "a later message said it better"}

// tell puts an event into words. Only who may read messages gets a link to one.
func tell(n numbered, link bool) happened {
	e := n.Event
	words, ok := eventWords[e.What]
	if !ok {
		words.say, words.level = e.What, idle
	}
	h := happened{N: n.N, Time: e.Time, Level: words.level, What: words.say, Label: e.Label, Why: e.Detail}
	if said, ok := detailWords[e.Detail]; ok {
		h.Why = said
	}
	h.Path = joinWords(" → ", e.Source, e.Destination)
	switch {
	case h.Label != "":
	case e.What == store.EventParked: // The reason says it all.
	case e.Decision != "":
		h.Label = e.Decision
	default:
		h.Label = kindWord(store.Kind(e.Kind))
	}
	if h.Label != "" && h.Why != "" {
		h.Label += ":"
	}
	if link {
		h.Message = e.Arrival
	}
	return h
}
