package outbox

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rorpost/gateway/store"
	"rorpost/hl7"
)

// to is a strict lane to a peer.
func to(j *journal) Config {
	return Config{Name: "journal", Kind: KindMLLP, Serves: "journal", Address: j.address, Timeout: 5 * time.Second,
		Probe: 5 * time.Millisecond, Retry: eager}
}

func (b *bench) delivered(key string) func() bool { return b.in(key, store.StateDelivered) }

func (b *bench) in(key, state string) func() bool {
	return func() bool { st, _ := b.history(key); return st == state }
}

func TestMLLPDelivers(t *testing.T) {
	b, j := newBench(t), newJournal(t, always(hl7.AA))
	o := b.run(Options{}, to(j))
	key := b.owe("journal", "", oru("1"))
	o.Wake("journal")
	until(t, "it is delivered", b.delivered(key))
	until(t, "the lane rests", func() bool { st := o.Status()[0]; return st.State == StateIdle && st.Delivered == 1 })
	if st := o.Status()[0]; !st.Connected || st.Delivered != 1 || st.Waiting != 0 || st.Why != "" {
		t.Errorf("got %+v, want connected, one delivered, none waiting", st)
	}
}

// P2: each attempt sends the same bytes with the same MSH-10.
func TestP2_AttemptsAreIdentical(t *testing.T) {
	for name, c := range map[string]struct {
		answers []reply
		want    []string
	}{
		"AE, then AA":   {[]reply{{code: hl7.AE}, {code: hl7.AE}, {code: hl7.AA}}, []string{store.ClassRetry, store.ClassRetry, store.ClassDelivered}},
		"hang, then AA": {[]reply{{hang: true}, {code: hl7.AA}}, []string{store.ClassUnconfirmed, store.ClassDelivered}},
		"drop, then CA": {[]reply{{hangup: true}, {hangup: true}, {code: hl7.CA}}, []string{store.ClassUnconfirmed, store.ClassUnconfirmed, store.ClassDelivered}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			j := newJournal(t, func(n int, _ []byte) reply { return c.answers[min(n, len(c.answers))-1] })
			cfg := to(j)
			cfg.Timeout = 50 * time.Millisecond
			key := b.owe("journal", "", oru("1"))
			b.run(Options{}, cfg)
			until(t, "it is delivered", b.delivered(key))
			if _, got := b.history(key); !slices.Equal(got, c.want) {
				t.Errorf("attempts: got %v, want %v", got, c.want)
			}
			want := string(oru("1")(key))
			for i, msg := range j.messages() {
				if msg != want {
					t.Errorf("attempt %d: got %q, want %q", i+1, msg, want)
				}
			}
		})
	}
}

func TestP5_NacksParkWithAReasonAndAHint(t *testing.T) {
	for name, c := range map[string]struct {
		code     hl7.Code
		attempts []string
		hint     string
	}{
		"AE three times": {hl7.AE, []string{store.ClassRetry, store.ClassRetry, store.ClassPark}, "message id"},
		"AR":             {hl7.AR, []string{store.ClassPark}, "refused"},
		"CR":             {hl7.CR, []string{store.ClassPark}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			j := newJournal(t, func(_ int, msg []byte) reply {
				if strings.Contains(string(msg), "bad") {
					return reply{code: c.code}
				}
				return reply{code: hl7.AA}
			})
			cfg := to(j)
			cfg.Retry.AEAttempts = 3
			bad, good := b.owe("journal", "", oru("bad")), b.owe("journal", "", oru("good"))
			o := b.run(Options{}, cfg)
			until(t, "the next one is delivered", b.delivered(good))
			if st, got := b.history(bad); st != store.Parked || !slices.Equal(got, c.attempts) {
				t.Errorf("got %s after %v, want parked after %v", st, got, c.attempts)
			}
			items, err := b.s.Parked(t.Context(), 10)
			if err != nil || len(items) != 1 {
				t.Fatalf("parked: got %v, %v; want one item", items, err)
			}
			if it := items[0]; !strings.Contains(it.Hint, c.hint) || !strings.Contains(it.Reason, "answered "+string(c.code)) || !strings.Contains(it.Reason, "no such ward") {
				t.Errorf("got reason %q, hint %q", it.Reason, it.Hint)
			}
			release(t, b, o, items[0].ID)
			until(t, "it is parked again", func() bool { items, _ := b.s.AllParked(t.Context()); return len(items) == 2 })
		})
	}
}

func release(t *testing.T, b *bench, o *running, item int64) {
	t.Helper()
	r, err := b.s.Resolve(t.Context(), store.Resolution{Item: item, Action: store.ActionRelease, By: "test", Why: "again"})
	if err != nil || r.Delivery == nil {
		t.Fatalf("release: got %v, %v", r, err)
	}
	o.Release(*r.Delivery)
}

func TestSilenceParksOnlyWhenTold(t *testing.T) {
	b, j := newBench(t), newJournal(t, func(int, []byte) reply { return reply{hangup: true} })
	cfg := to(j)
	cfg.Retry.TimeoutAttempts = 2
	key := b.owe("journal", "", oru("1"))
	b.run(Options{}, cfg)
	until(t, "it is parked", b.in(key, store.Parked))
	if _, got := b.history(key); !slices.Equal(got, []string{store.ClassUnconfirmed, store.ClassPark}) {
		t.Errorf("got %v, want unconfirmed, park", got)
	}
}

// P10: a destination that is down is seen, and everything catches up by itself when it is back.
func TestP10_CatchesUpWhenTheDestinationIsBack(t *testing.T) {
	b := newBench(t)
	j := &journal{answer: always(hl7.AA)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	j.address = l.Addr().String()
	l.Close()
	var keys []string
	for n := range 20 {
		keys = append(keys, b.owe("journal", "", oru(fmt.Sprint(n))))
	}
	o := b.run(Options{}, to(j))
	until(t, "the lane is down", func() bool { return o.Status()[0].State == StateDown })
	until(t, "it was tried again", func() bool { return o.Status()[0].Retried > 3 })
	if st := o.Status()[0]; st.Why == "" || st.Hint == "" || st.Waiting != 20 || st.Oldest.IsZero() || time.Since(st.Since) > time.Minute {
		t.Errorf("got %+v, want why, hint, since and 20 waiting", st)
	}
	if l, err = net.Listen("tcp", j.address); err != nil {
		t.Skip("the port was taken by somebody else:", err)
	}
	j.serve(t, l)
	until(t, "all are delivered", b.delivered(keys[19]))
	if got := words(t, j.messages()); len(got) != 20 || got[0] != "0" || got[19] != "19" {
		t.Errorf("got %v, want 0 to 19 once each", got)
	}
}

func TestIdleLaneKnowsItsLink(t *testing.T) {
	b := newBench(t)
	j := &journal{answer: always(hl7.AA)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	j.address = l.Addr().String()
	stop := j.serve(t, l)
	o := b.run(Options{}, to(j))
	until(t, "the link is up before the first message", func() bool { return o.Status()[0].Connected })
	stop()
	until(t, "the link is down", func() bool { st := o.Status()[0]; return st.State == StateDown && !st.Connected })
	if st := o.Status()[0]; st.Why == "" || st.Hint == "" {
		t.Errorf("got %+v, want why and hint", st)
	}
}

func TestP3_StrictOrderUnderFailures(t *testing.T) {
	b := newBench(t)
	seen := map[string]int{}
	var mu sync.Mutex
	var taken []string
	j := newJournal(t, func(n int, msg []byte) reply {
		mu.Lock()
		defer mu.Unlock()
		if seen[string(msg)]++; seen[string(msg)] <= n%3 {
			return reply{code: hl7.AE, hangup: n%2 == 0}
		}
		taken = append(taken, wordOf(t, string(msg)))
		return reply{code: hl7.AA}
	})
	var want []string
	var last string
	for n := range 60 {
		want = append(want, fmt.Sprint(n))
		last = b.owe("journal", "", oru(fmt.Sprint(n)))
	}
	b.run(Options{}, to(j))
	until(t, "all are delivered", b.delivered(last))
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(taken, want) {
		t.Errorf("taken: got %v, want %v", taken, want)
	}
}

// P3: with order_by a key that cannot be delivered keeps only itself, and what shares its worker, waiting.
func TestP3_ABadKeyDoesNotStallOthers(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	taken := map[string][]int{}
	j := newJournal(t, func(n int, msg []byte) reply {
		key, number, _ := strings.Cut(wordOf(t, string(msg)), "/")
		if key == "bad" || n%7 == 0 {
			return reply{code: hl7.AE}
		}
		mu.Lock()
		defer mu.Unlock()
		var i int
		fmt.Sscan(number, &i)
		taken[key] = append(taken[key], i)
		return reply{code: hl7.AA}
	})
	cfg := to(j)
	cfg.OrderBy, cfg.Lanes, cfg.Retry.AEAttempts = "patient", 4, -1
	o := b.run(Options{}, cfg)
	bad := o.lanes[0].window.worker("bad")
	b.owe("journal", "bad", oru("bad/0"))
	var keys, last []string
	for n := 0; len(keys) < 5; n++ {
		if key := fmt.Sprint("k", n); o.lanes[0].window.worker(key) != bad {
			keys = append(keys, key)
		}
	}
	for i := range 10 {
		for _, key := range keys {
			last = append(last, b.owe("journal", key, oru(fmt.Sprintf("%s/%d", key, i))))
			o.Wake("journal")
		}
	}
	for _, key := range last[len(last)-len(keys):] {
		until(t, "other keys are delivered", b.delivered(key))
	}
	mu.Lock()
	defer mu.Unlock()
	for _, key := range keys {
		if got := taken[key]; len(got) != 10 || !slices.IsSorted(got) {
			t.Errorf("key %s: got %v, want 0 to 9 in order", key, got)
		}
	}
	if st := o.Status()[0]; st.State != StateWaiting || st.Waiting != 1 {
		t.Errorf("got %s with %d waiting, want waiting with the bad one", st.State, st.Waiting)
	}
}

// P1, P2: what is owed survives a stop, and nothing is delivered twice by a restart.
func TestRestartDeliversWhatIsOwedOnce(t *testing.T) {
	dir := t.TempDir()
	b := &bench{t: t}
	stop := b.start(dir)
	gate := make(chan struct{}, 100)
	j := newJournal(t, func(int, []byte) reply { gate <- struct{}{}; return reply{code: hl7.AA} })
	var last string
	for n := range 40 {
		last = b.owe("journal", "", oru(fmt.Sprint(n)))
	}
	o := b.run(Options{}, to(j))
	for range 10 {
		<-gate
	}
	o.stop()
	stop()
	b.start(dir)
	b.run(Options{}, to(j))
	until(t, "all are delivered", b.delivered(last))
	got := words(t, j.messages())
	if len(got) != 40 || got[0] != "0" || got[39] != "39" {
		t.Errorf("got %d messages %v, want 40 in order", len(got), got)
	}
}

func TestNotBeforeIsHonouredAfterARestart(t *testing.T) {
	b, j := newBench(t), newJournal(t, always(hl7.AA))
	key := b.owe("journal", "", oru("1"))
	when := time.Now().Add(150 * time.Millisecond)
	_, err := b.s.Record(t.Context(), store.Outcome{Delivery: b.deliveries()[0].ID, Class: store.ClassRetry, Detail: "answered AE", NotBefore: when})
	if err != nil {
		t.Fatal(err)
	}
	b.run(Options{}, to(j))
	until(t, "it is delivered", b.delivered(key))
	if time.Now().Before(when) {
		t.Error("delivered before its time")
	}
}

// What a delivery brings about is owed in the same commit, and its lane is woken.
func TestOnDeliveredOwesMore(t *testing.T) {
	b, lab, orders := newBench(t), newJournal(t, always(hl7.AA)), newJournal(t, always(hl7.AA))
	second := to(orders)
	second.Name = "orders"
	o := b.run(Options{OnDelivered: func(d store.Delivery, answer []byte) []store.Owed {
		if d.Destination != "journal" || len(answer) == 0 {
			return nil
		}
		key := b.s.Key(d.Arrival, "sent", "orders", 0)
		return []store.Owed{{Key: key, Destination: "orders", Kind: "result", Payload: oru("sent")(key)}}
	}}, to(lab), second)
	b.owe("journal", "", oru("1"))
	o.Wake("journal")
	until(t, "the order store hears of it", func() bool { return len(orders.messages()) == 1 })
	if got := wordOf(t, orders.messages()[0]); got != "sent" {
		t.Errorf("got %q, want sent", got)
	}
}

// P2: a disk that fails after an answer stops the lane; what could not be recorded is sent again with the same bytes.
func TestP2_AFailingDiskStopsTheLane(t *testing.T) {
	dir := t.TempDir()
	b := &bench{t: t}
	stopStore := b.start(dir)
	begun, release := make(chan struct{}), make(chan struct{})
	j := newJournal(t, func(n int, _ []byte) reply {
		if n == 1 {
			close(begun)
			<-release
		}
		return reply{code: hl7.AA}
	})
	var last string
	for n := range 50 {
		last = b.owe("journal", "", oru(fmt.Sprint(n)))
	}
	cfg := to(j)
	cfg.Unrecorded = 4
	o := b.run(Options{Grace: 20 * time.Millisecond}, cfg)
	<-begun
	stopStore()
	close(release)
	until(t, "the lane says so", func() bool { return strings.Contains(o.Status()[0].Why, "recorded") })
	o.stop()
	b.start(dir)
	b.run(Options{}, cfg)
	until(t, "all are delivered", b.delivered(last))
	got := words(t, j.messages())
	before, after := got[:len(got)-50], got[len(got)-50:]
	if len(before) > cfg.Unrecorded {
		t.Errorf("got %v sent without a record, want at most %d", before, cfg.Unrecorded)
	}
	if after[0] != "0" || after[49] != "49" {
		t.Errorf("after the repair: got %v, want 0 to 49 in order", after)
	}
}
