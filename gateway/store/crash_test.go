package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// victim keeps and settles for ever, and says on standard output what was acknowledged.
func victim(dir string) {
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx := context.Background()
	go s.Run(ctx)
	life := fmt.Sprint(time.Now().UnixNano())
	for p := range 6 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%s-%d-%d", life, p, i)
				if err := victimStep(ctx, s, name, p == 5); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
			}
		}()
	}
	select {}
}

// victimBody is what a name stands for: some fit in a page, some do not.
func victimBody(name string) []byte {
	return []byte(strings.Repeat(name+"\x00\xe5|", 1+len(name)*int(name[len(name)-1]-'0')))
}

func victimStep(ctx context.Context, s *Store, name string, frames bool) error {
	if frames {
		x := s.Begin("device", "")
		if err := x.Keep(ctx, victimBody(name)); err != nil {
			return err
		}
		fmt.Printf("frame %s\n", name)
		r, err := x.Seal(ctx, name, true)
		if err != nil {
			return err
		}
		fmt.Printf("kept %s %d\n", name, r.Arrival.ID)
		return nil
	}
	r, err := s.Accept(ctx, Arrival{Kind: KindMLLP, Source: "victim", Control: name, Body: victimBody(name)})
	if err != nil {
		return err
	}
	fmt.Printf("kept %s %d\n", name, r.Arrival.ID)
	d, err := s.Settle(ctx, Settlement{Arrival: r.Arrival.ID, Owed: owedTo(s, r.Arrival.ID, "journal", "patient")})
	if err != nil {
		return err
	}
	fmt.Printf("settled %s %d\n", name, r.Arrival.ID)
	if _, err := s.Record(ctx, Outcome{Delivery: d[0].ID, Class: ClassDelivered}); err != nil {
		return err
	}
	fmt.Printf("delivered %s %d\n", name, d[0].ID)
	return nil
}

// killAfter runs the victim, kills it in the middle of its work, and returns what it had acknowledged.
func killAfter(t *testing.T, dir string, lines int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "STORE_VICTIM="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acked []string
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			break // A line cut short was being said, not heard.
		}
		if err != nil {
			t.Fatal(err)
		}
		if acked = append(acked, strings.TrimSpace(line)); len(acked) == lines {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	return acked
}

func TestP1_KillLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	var acked []string
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		got := killAfter(t, dir, 20+round*137)
		if len(got) == 0 {
			t.Fatal("the victim has acknowledged nothing")
		}
		acked = append(acked, got...)
		s, stop := start(t, dir, Options{})
		checkAcknowledged(t, s, acked)
		checkBothOrNeither(t, s)
		stop()
	}
	t.Logf("%d acknowledgements over %d kills", len(acked), rounds)
}

// checkAcknowledged holds every line that the victim said against the store.
func checkAcknowledged(t *testing.T, s *Store, acked []string) {
	t.Helper()
	ctx := t.Context()
	for _, line := range acked {
		var what, name string
		var id int64
		fmt.Sscanf(line, "%s %s %d", &what, &name, &id)
		switch what {
		case "frame":
			var n int
			if _, err := s.one(ctx, []any{&n}, "SELECT count(*) FROM bytes WHERE data = ?", victimBody(name)); err != nil || n != 1 {
				t.Errorf("%s: %d arrivals hold the frame (%v)", line, n, err)
			}
		case "kept", "settled":
			a := must(s.Arrival(ctx, id))(t)
			if a.Arrival.Control != name || string(a.Arrival.Body) != string(victimBody(name)) {
				t.Errorf("%s: the arrival is not what was acknowledged", line)
			}
			if what == "settled" && len(a.Deliveries) != 2 {
				t.Errorf("%s: %d deliveries", line, len(a.Deliveries))
			}
		case "delivered":
			if d, err := s.delivery(ctx, id); err != nil || d.State != StateDelivered || d.Attempts != 1 {
				t.Errorf("%s: got %+v, %v", line, d, err)
			}
		}
	}
}

// checkBothOrNeither looks at every arrival that the kills left, acknowledged or not, and at the totals.
func checkBothOrNeither(t *testing.T, s *Store) {
	t.Helper()
	var bad, arrivals, owed, integrity = 0, int64(0), int64(0), ""
	ctx := t.Context()
	must(s.one(ctx, []any{&bad}, `SELECT count(*) FROM arrival a WHERE
		(SELECT count(*) FROM delivery d JOIN bytes b ON b.id = d.payload WHERE d.arrival = a.id) <> CASE WHEN a.state = 1 THEN 2 ELSE 0 END`))(t)
	if bad != 0 {
		t.Errorf("P4: %d arrivals owe half of what they should", bad)
	}
	must(s.one(ctx, []any{&integrity}, "PRAGMA integrity_check"))(t)
	if integrity != "ok" {
		t.Errorf("integrity: %s", integrity)
	}
	must(s.one(ctx, []any{&arrivals, &owed}, "SELECT (SELECT count(*) FROM arrival), (SELECT count(*) FROM delivery WHERE state = 0)"))(t)
	c := must(s.Counts(ctx))(t)
	if got := c.Arrivals[KindMLLP] + c.Arrivals[KindASTM]; got != arrivals {
		t.Errorf("counted %d arrivals, there are %d", got, arrivals)
	}
	if got := c.Deliveries["journal"][StateOwed] + c.Deliveries["patient"][StateOwed]; got != owed {
		t.Errorf("counted %d owed, there are %d", got, owed)
	}
}
