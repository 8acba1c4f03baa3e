package web

import (
	"errors"
	"net/http"

	"rorpost/gateway/lab"
	"rorpost/gateway/store"
)

type devicesPage struct {
	Answer         answer
	Devices, Links []device
}

func (s *Server) devices(w http.ResponseWriter, r *http.Request, _ visitor) {
	p := devicesPage{Answer: answer{Level: good, Say: "Yes. Everything that is connected talks."}}
	silent, down := 0, 0
	weigh := func(d device) device {
		switch d.Level {
		case bad:
			down++
		case warn:
			silent++
		}
		return d
	}
	for _, st := range s.allDevices() {
		p.Devices = append(p.Devices, weigh(deviceOf(st)))
	}
	for _, st := range s.allLinks() {
		p.Links = append(p.Links, weigh(linkOf(st)))
	}
	switch {
	case down > 0:
		p.Answer = answer{Level: bad, Say: "No. " + plural(down, "connection") + " " + verb(down, "is", "are") + " down."}
	case silent > 0:
		p.Answer = answer{Level: warn, Say: "Almost. " + plural(silent, "connection") + " " + verb(silent, "has", "have") + " trouble."}
	case len(p.Devices)+len(p.Links) == 0:
		p.Answer = answer{Level: idle, Say: "There is nothing to talk to."}
	}
	s.render(w, r, http.StatusOK, view{Name: "devices", Title: "Are the devices talking?", Live: true, Refresh: 10, Body: p})
}

// refused turns an error of an action into what the asker is told. A fault's words are for people and hold no
// identity; any other text stays in the log.
func (s *Server) refused(op string, err error) *refusal {
	var f *lab.Fault
	switch {
	case errors.Is(err, store.ErrUnknown):
		return &refusal{http.StatusNotFound, badID}
	case errors.Is(err, store.ErrResolved), errors.Is(err, store.ErrNotOwed):
		return &refusal{http.StatusConflict, notice{"Somebody was faster: it is resolved already", "Look at the list again."}}
	case errors.As(err, &f) && f.Class == lab.Retry:
		return &refusal{http.StatusServiceUnavailable, notice{capital(f.Op) + " did not work", f.Hint}}
	case errors.As(err, &f):
		return &refusal{http.StatusUnprocessableEntity, notice{capital(f.Error()), f.Hint}}
	}
	s.log.Error(op+" failed", "error", err)
	return &refusal{http.StatusServiceUnavailable, notice{"It did not work", "Try again in a moment."}}
}
