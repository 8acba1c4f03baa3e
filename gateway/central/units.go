package central

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// UnitReport is what a unit says of itself. There is nothing of any person in it.
type UnitReport struct {
	Name    string     `json:"name"`
	Version string     `json:"version"`
	Started time.Time  `json:"started"`
	Parked  int64      `json:"parked"`  // Things that wait for a person there.
	Waiting int64      `json:"waiting"` // Deliveries that are owed there.
	Oldest  time.Time  `json:"oldest"`  // Since when the oldest of them is owed; zero for none.
	Devices []UnitPart `json:"devices"`
	Links   []UnitPart `json:"links"`
}

// UnitPart is one device or one link.
type UnitPart struct {
	Name  string    `json:"name"`
	Kind  string    `json:"kind"`
	State string    `json:"state"`
	Since time.Time `json:"since"`
}

func (c *Central) unitStatus(q request) (answer, error) {
	unit, err := q.acting(q.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	var in UnitReport
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return answer{}, err
	}
	return answer{body: map[string]string{"id": unit}}, c.store.Seen(q.Context(), unit, body, q.now)
}

// seenEvery is how exactly the centre remembers when a unit was last heard of: a write for every request would be too
// much.
const seenEvery = 5 * time.Second

// seen notes that a unit has called. A failure is no reason to refuse the call.
func (c *Central) seen(q request) {
	c.mu.Lock()
	last, ok := c.heard[q.peer]
	due := !ok || q.now.Sub(last) >= seenEvery
	if due {
		c.heard[q.peer] = q.now
	}
	c.mu.Unlock()
	if !due {
		return
	}
	if err := c.store.Seen(q.Context(), q.peer, nil, q.now); err != nil {
		c.log.LogAttrs(q.Context(), slog.LevelWarn, "a unit was seen and not written down", slog.String("unit", q.peer), slog.String("error", err.Error()))
	}
}

// unitView is a unit as it is shown.
type unitView struct {
	ID       string          `json:"id"`
	Seen     time.Time       `json:"seen"`
	Reported time.Time       `json:"reported,omitzero"`
	Report   json.RawMessage `json:"report,omitempty"`
}

func (c *Central) unitViews(q request) ([]unitView, error) {
	units, err := c.store.Units(q.Context())
	if err != nil {
		return nil, fmt.Errorf("list the units: %w", err)
	}
	out := make([]unitView, 0, len(units))
	for _, u := range units {
		out = append(out, unitView{u.ID, u.Seen, u.Reported, u.Report})
	}
	return out, nil
}

func (c *Central) units(q request) (answer, error) {
	views, err := c.unitViews(q)
	return answer{body: map[string]any{"units": views}}, err
}

// overview is GET /v1/stats.
type overview struct {
	Time time.Time `json:"time"`
	Stats
	Units []unitView `json:"units"`
}

func (c *Central) overview(q request) (overview, error) {
	stats, err := c.store.Stats(q.Context(), q.now)
	if err != nil {
		return overview{}, fmt.Errorf("count: %w", err)
	}
	views, err := c.unitViews(q)
	return overview{q.now.UTC(), stats, views}, err
}

func (c *Central) stats(q request) (answer, error) {
	o, err := c.overview(q)
	return answer{body: o}, err
}

func (c *Central) ready(q request) (answer, error) {
	return answer{body: map[string]string{"status": "ready"}}, c.store.Ready(q.Context())
}
