package central

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rorpost/gateway/lab"
)

// patientResult is one entry of the patient results queue, as it comes and as it is leased.
type patientResult struct {
	Person       personQuery       `json:"person"`
	Order        string            `json:"order"`
	Specimen     string            `json:"specimen"`
	Source       string            `json:"source"`
	Observations []lab.Observation `json:"observations"`
	Status       lab.Status        `json:"status"`
}

func (c *Central) keepResult(q request) (answer, error) {
	key := q.Header.Get("Idempotency-Key")
	if key == "" || len(key) > maxKey {
		return answer{}, bad("the result has no Idempotency-Key, or a very long one", "send the same key with every try of the same result")
	}
	var in patientResult
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	id, err := lab.PersonIDFromWire(in.Person.OID, in.Person.Value, q.now)
	if err != nil {
		return answer{}, err
	}
	if err := c.checkResult(q, in, id); err != nil {
		return answer{}, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return answer{}, err
	}
	sum := sha256.Sum256(body)
	r := ResultRecord{Unit: q.peer, Key: key, Person: c.secret.person(id), Content: sum[:], Order: in.Order, Body: body, Received: q.now}
	n, fresh, err := c.store.KeepResult(q.Context(), r)
	if err != nil {
		return answer{}, err
	}
	out := answer{created(fresh), map[string]int64{"id": n}}
	return out, c.tell(q, "queue result", r.Person, fmt.Sprintf("result %d", n), again(!fresh))
}

// checkResult refuses what must not reach a patient's page: an identity that may not be linked to a person (P14), and
// one that is not the order's (P7).
func (c *Central) checkResult(q request, in patientResult, id lab.PersonID) error {
	switch {
	case id.IsZero():
		return unfit("the result names nobody", "a result without a person never goes to the patient queue; it goes to the journal by its order")
	case !id.Linked():
		return unfit("the result names a coded or anonymous identity", "such a result never goes to the patient queue; it goes to the journal by its order")
	case len(in.Observations) == 0:
		return unfit("the result has no observations", "send it when there is something to tell")
	}
	o, err := c.store.Order(q.Context(), in.Order)
	if errors.Is(err, ErrUnknown) {
		return nil // The order may be kept elsewhere; whoever sent the result has matched it.
	}
	if err != nil {
		return err
	}
	_, owner, err := o.wire(q)
	if err != nil {
		return err
	}
	if !owner.Same(id) {
		return unfit("the result names another person than its order", "nobody is told; look for a mix-up before anything is sent again")
	}
	return nil
}

// The bounds of a lease.
const (
	maxLease     = 500
	defaultLease = 50
	maxSeconds   = 3600
	defaultTime  = time.Minute
)

type leased struct {
	ID       int64           `json:"id"`
	Lease    string          `json:"lease"`
	Received time.Time       `json:"received"`
	Attempts int             `json:"attempts"` // This one included.
	Result   json.RawMessage `json:"result"`
}

// lease hands out results for a time. Each is a line of the audit trail, since each shows a person's data.
func (c *Central) lease(q request) (answer, error) {
	if err := q.only(c.cfg.Consumers, "empty the patient queue"); err != nil {
		return answer{}, err
	}
	in := struct {
		Consumer string `json:"consumer"`
		Max      int    `json:"max"`
		Seconds  int    `json:"seconds"`
	}{Max: defaultLease, Seconds: int(defaultTime.Seconds())}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	switch {
	case !unitName.MatchString(in.Consumer):
		return answer{}, bad("the consumer has no name", `give "consumer", a short name without blanks`)
	case in.Max < 1 || in.Max > maxLease || in.Seconds < 1 || in.Seconds > maxSeconds:
		return answer{}, bad("max or seconds is out of bounds", fmt.Sprintf("max is 1 to %d, seconds 1 to %d", maxLease, maxSeconds))
	}
	l := Lease{Token: rand.Text(), Consumer: in.Consumer, Max: in.Max, Now: q.now, Until: q.now.Add(time.Duration(in.Seconds) * time.Second)}
	results, err := c.store.Lease(q.Context(), l)
	if err != nil {
		return answer{}, err
	}
	items := make([]leased, 0, len(results))
	for _, r := range results {
		if err := c.tell(q, "lease result", r.Person, fmt.Sprintf("result %d", r.ID), "to "+in.Consumer); err != nil {
			return answer{}, err
		}
		items = append(items, leased{r.ID, l.Token, r.Received, r.Attempts, r.Body})
	}
	return answer{body: map[string]any{"lease": l.Token, "until": l.Until.UTC(), "items": items}}, nil
}

// settled is what becomes of the ids of a lease.
type settled struct {
	Error string  `json:"error,omitempty"`
	Hint  string  `json:"hint,omitempty"`
	Done  int     `json:"done"`
	Lost  []int64 `json:"lost"` // Not held by this lease.
}

func (c *Central) acknowledge(q request) (answer, error) {
	var in struct {
		Lease string  `json:"lease"`
		IDs   []int64 `json:"ids"`
	}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	return c.settle(q, in.Lease, in.IDs, func() ([]int64, error) {
		return c.store.Acknowledge(q.Context(), in.Lease, in.IDs, q.now)
	})
}

func (c *Central) giveBack(q request) (answer, error) {
	var in struct {
		Lease string  `json:"lease"`
		IDs   []int64 `json:"ids"`
		Why   string  `json:"why"`
	}
	if err := read(q.Request, &in); err != nil {
		return answer{}, err
	}
	if len(in.Why) > maxText {
		in.Why = strings.ToValidUTF8(in.Why[:maxText], "")
	}
	return c.settle(q, in.Lease, in.IDs, func() ([]int64, error) {
		return c.store.GiveBack(q.Context(), in.Lease, in.IDs, in.Why)
	})
}

// settle answers 409 when the lease does not hold every result; what it holds is settled all the same.
func (c *Central) settle(q request, lease string, ids []int64, do func() ([]int64, error)) (answer, error) {
	if err := q.only(c.cfg.Consumers, "empty the patient queue"); err != nil {
		return answer{}, err
	}
	if lease == "" || len(ids) == 0 || len(ids) > maxLease {
		return answer{}, bad("lease or ids are missing, or too many", fmt.Sprintf("give the lease, and 1 to %d of its ids", maxLease))
	}
	lost, err := do()
	if err != nil {
		return answer{}, err
	}
	if len(lost) > 0 {
		return answer{http.StatusConflict, settled{"the lease does not hold all of these results",
			"it has run out and they were leased again, or they are settled; lease anew", len(ids) - len(lost), lost}}, nil
	}
	return answer{body: settled{Done: len(ids), Lost: []int64{}}}, nil
}
