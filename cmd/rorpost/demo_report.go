package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rorpost/gateway/sim"
)

// demoReport is the account of a demo. What was sent, received, lost and doubled comes from the peers' records; what
// is parked and owed comes from the gateway.
type demoReport struct {
	sim.Account
	Parked      []parkedReason `json:"parked"`
	Owed        int            `json:"owed"`
	ReadyMS     float64        `json:"start_to_listening_ms"`
	IdleMiB     float64        `json:"idle_gateway_resident_mib"`
	LoadedMiB   float64        `json:"loaded_gateway_resident_mib"`
	Seconds     float64        `json:"seconds"`
	Problems    []string       `json:"problems,omitempty"`
	NotParked   []string       `json:"not_parked_as_designed,omitempty"`
	unavailable error
}

type parkedReason struct {
	Reason string `json:"reason"`
	Hint   string `json:"hint"`
	Count  int    `json:"count"`
}

// parkedList and countsBody are the parts of the gateway's API that the demo reads.
type parkedList struct {
	Parked []parkedItem `json:"parked"`
}

type parkedItem struct {
	Reason  string `json:"reason"`
	Hint    string `json:"hint"`
	Subject string `json:"subject"`
	Source  string `json:"source"`
}

type countsBody struct {
	Deliveries map[string]map[string]int `json:"deliveries"`
}

func (d *demo) counts() (countsBody, error) {
	var c countsBody
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c, d.api.Get(ctx, "/api/v1/counts", &c)
}

// owed is how many deliveries wait; -1 when the gateway does not say.
func (d *demo) owed() int {
	c, err := d.counts()
	if err != nil {
		return -1
	}
	n := 0
	for _, states := range c.Deliveries {
		n += states["owed"]
	}
	return n
}

// account sums the run up.
func (d *demo) account() demoReport {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r := demoReport{
		ReadyMS: float64(d.ready.Microseconds()) / 1000, IdleMiB: mib(d.idle), LoadedMiB: mib(d.gateway.memory()),
		Seconds: time.Since(d.began).Seconds(), Owed: d.owed(), Problems: d.problems,
	}
	var list parkedList
	r.unavailable = d.api.Get(ctx, "/api/v1/parked?limit=1000", &list)
	d.judgeParked(&r, list)
	r.Account = d.world.Ledger.Account()
	return r
}

func mib(bytes int64) float64 { return float64(bytes*10>>20) / 10 }

// judgeParked compares what is parked with what must be.
func (d *demo) judgeParked(r *demoReport, list parkedList) {
	counted := map[parkedReason]int{}
	found := func(word string) bool {
		return slices.ContainsFunc(list.Parked, func(i parkedItem) bool {
			return strings.Contains(i.Reason, word) || i.Subject == word
		})
	}
	for _, i := range list.Parked {
		counted[parkedReason{Reason: general(i.Reason), Hint: i.Hint}]++
	}
	for k, n := range counted {
		k.Count = n
		r.Parked = append(r.Parked, k)
	}
	slices.SortFunc(r.Parked, func(a, b parkedReason) int { return strings.Compare(a.Reason, b.Reason) })
	for specimen, fault := range d.world.Ledger.MustPark() {
		if found(specimen) {
			d.world.Ledger.Ended(fault)
		} else {
			r.NotParked = append(r.NotParked, fmt.Sprintf("%s: specimen %s", fault, specimen))
		}
	}
	for _, order := range d.world.Ledger.Refused() {
		if found(order) {
			d.world.Ledger.Ended(sim.LabSaysAR)
		} else {
			r.NotParked = append(r.NotParked, fmt.Sprintf("%s: order %s", sim.LabSaysAR, order))
		}
	}
	for _, i := range list.Parked {
		if i.Source == "scanner" && strings.Contains(i.Reason, "check digit") {
			d.world.Ledger.Ended(sim.WrongDigitScan)
		}
	}
}

// general takes the numbers out of a reason, so that reasons of one kind are counted together.
func general(reason string) string {
	words := strings.Fields(reason)
	for i, w := range words {
		if strings.ContainsAny(w, "0123456789") {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// verdict is an error when a promise was broken.
func (r demoReport) verdict() error {
	switch {
	case r.Lost > 0:
		return fmt.Errorf("%d values were acknowledged and did not arrive: %s", r.Lost, strings.Join(r.LostWhat, "; "))
	case r.Duplicated > 0:
		return fmt.Errorf("%d things arrived twice: %s", r.Duplicated, strings.Join(r.DuplicatedWhat, "; "))
	case r.unavailable != nil:
		return fmt.Errorf("the gateway did not tell what is parked: %w", r.unavailable)
	case r.Owed != 0:
		return fmt.Errorf("%d deliveries are still owed", r.Owed)
	case len(r.NotParked) > 0:
		return errors.New("failures that did not end as designed: " + strings.Join(r.NotParked, "; "))
	}
	return nil
}

func (r demoReport) print(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(r)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nscans\t%d\norders found\t%d\norders at the laboratory\t%d acknowledged, %d refused\n", r.Scans, r.Found, r.OrdersAcked, r.OrdersRefused)
	fmt.Fprintf(w, "result messages in\t%d, with %d values\nat the journal\t%d values\nat the patient queue\t%d values\n", r.ResultMessages, r.Values, r.Journal, r.Queue)
	fmt.Fprintf(w, "lost\t%d\nduplicated\t%d\nstill owed\t%d\n", r.Lost, r.Duplicated, r.Owed)
	fmt.Fprintf(w, "gateway\tlistening after %.0f ms, %.0f MiB resident when idle\n", r.ReadyMS, r.IdleMiB)
	for _, p := range r.Parked {
		fmt.Fprintf(w, "parked\t%d × %s\n", p.Count, p.Reason)
	}
	for _, f := range slices.Sorted(maps.Keys(r.FaultsInjected)) {
		fmt.Fprintf(w, "failed on purpose\t%s: %d made, %d ended as designed\n", f, r.FaultsInjected[f], r.FaultsAsDesigned[f])
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "problem\t%s\n", p)
	}
	return w.Flush()
}

// greet prints where everything is.
func (d *demo) greet(out io.Writer) {
	p := d.places
	fmt.Fprintf(out, `Rörpost is running.

  http://%s            the gateway: is everything flowing?
  http://%s/desk       the desk: what is ordered for this person?
  http://%s/parked     what waits for a person
  http://%s/           the centre: order store and patient queue
`, p.Web, p.Web, p.Web, p.Central)
	if d.password != "" {
		fmt.Fprintf(out, "\n  log in as demo with the password %s\n", d.password)
	}
	fmt.Fprintf(out, `
  scanner     %s        HbA1c analyzer  %s at 9600 baud
  laboratory  %s    journal         %s
  answers to  %s    CRP analyzer    %s

Patients come every %s; some things fail on purpose. `, p.Scanner, p.Serial, p.Lab, p.Journal, p.Answers, p.Analyzer, d.interval())
	switch {
	case d.flags.exitAfter > 0:
		fmt.Fprintf(out, "It stops by itself after %s.\n", d.flags.exitAfter)
	case d.flags.patients > 0:
		fmt.Fprintf(out, "It stops by itself after %d patients.\n", d.flags.patients)
	default:
		fmt.Fprintln(out, "Ctrl-C stops and prints the account.")
	}
}
