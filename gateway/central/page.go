package central

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"rorpost/gateway/lab"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText []byte

// pageTemplate and the page behind it show counts and units, and nothing of any person.
var pageTemplate = template.Must(template.New("page").Parse(pageText))

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=300")
	w.Write(styleText) // A browser that has left is no concern of ours.
}

// The ages at which something is worth looking at.
const (
	slowQueue  = 10 * time.Minute
	silentUnit = 15 * time.Minute
)

// shown is what the page says.
type shown struct {
	Tone, Say string // The answer to the title.
	Reasons   []string
	Now       string
	Statuses  []countOf
	Waiting   int64
	Leased    int64
	Taken     int64
	Oldest    string
	OldestBad bool
	Units     []unitRow
}

type countOf struct {
	Name  string
	Count int64
}

type unitRow struct {
	ID, Name, Seen, Tone, State, Version string
}

func (c *Central) page(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	o, err := c.overview(request{Request: r, peer: peerIn(r), now: now})
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, show(o, now)); err != nil {
		c.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes()) // A browser that has left is no concern of ours.
}

// show puts an overview into words.
func show(o overview, now time.Time) shown {
	s := shown{Tone: "good", Now: now.Format("15:04:05"), Waiting: o.Waiting, Leased: o.Leased, Taken: o.Acknowledged, Oldest: "none"}
	var all int64
	for _, status := range []lab.OrderStatus{lab.Ordered, lab.Fetched, lab.Collected, lab.Sent, lab.Partial, lab.Answered, lab.Corrected, lab.Cancelled, lab.Expired} {
		if n := o.Orders[status]; n > 0 || !ended(status) {
			s.Statuses = append(s.Statuses, countOf{string(status), n})
		}
		all += o.Orders[status]
	}
	s.Say = fmt.Sprintf("%s, %s on the way to patients", several(all, "order"), several(o.Waiting, "result"))
	if a := age(o.Oldest, now); o.Waiting > 0 {
		if s.Oldest = ago(a); a > slowQueue {
			s.OldestBad = true
			s.Reasons = append(s.Reasons, "The oldest result has waited for "+s.Oldest+". Is the consumer of the patient queue running?")
		}
	}
	silent := 0
	for _, u := range o.Units {
		row := rowOf(u, now)
		if row.Tone == "warn" {
			silent++
		}
		s.Units = append(s.Units, row)
	}
	if silent > 0 {
		s.Reasons = append(s.Reasons, fmt.Sprintf("Nothing has been heard of %s for %s.", several(int64(silent), "unit"), ago(silentUnit)))
	}
	if len(s.Reasons) > 0 {
		s.Tone = "warn"
	}
	return s
}

func rowOf(u unitView, now time.Time) unitRow {
	row := unitRow{ID: u.ID, Seen: ago(age(u.Seen, now)) + " ago", Tone: "good", State: "heard of"}
	if age(u.Seen, now) > silentUnit {
		row.Tone, row.State = "warn", "silent"
	}
	var r UnitReport
	if u.Report == nil || json.Unmarshal(u.Report, &r) != nil {
		return row
	}
	row.Name, row.Version = r.Name, r.Version
	row.State = fmt.Sprintf("%d waiting, %d parked", r.Waiting, r.Parked)
	return row
}

func several(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// ago rounds a time to what a person wants to know.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
