package outbox

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"rorpost/gateway/store"
	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// bench is a real store with a running writer, and outboxes upon it.
type bench struct {
	t testing.TB
	s *store.Store
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t}
	b.start(t.TempDir())
	return b
}

// start opens a store in dir; it is closed with the test, or by the function it returns.
func (b *bench) start(dir string) (stop func()) {
	b.t.Helper()
	s, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	b.s = s
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
		s.Close()
	})
	b.t.Cleanup(stop)
	return stop
}

// owe makes one arrival and owes one delivery for it; it returns the key.
func (b *bench) owe(destination, lane string, payload func(key string) []byte) string {
	b.t.Helper()
	return b.oweKind("result", destination, lane, payload)
}

func (b *bench) oweKind(kind, destination, lane string, payload func(key string) []byte) string {
	b.t.Helper()
	ctx := context.Background()
	r, err := b.s.Accept(ctx, store.Arrival{Kind: store.KindAPI, Source: "test", Body: []byte("x")})
	if err != nil {
		b.t.Fatal(err)
	}
	key := b.s.Key(r.Arrival.ID, "test", destination, 0)
	_, err = b.s.Settle(ctx, store.Settlement{Arrival: r.Arrival.ID, Decision: "test", Owed: []store.Owed{{
		Key: key, Destination: destination, Lane: lane, Kind: kind, Payload: payload(key),
	}}})
	if err != nil {
		b.t.Fatal(err)
	}
	return key
}

// running is an outbox that runs.
type running struct {
	*Outbox
	cancel context.CancelFunc
	done   chan struct{}
}

func (r *running) stop() {
	r.cancel()
	<-r.done
}

// run runs an outbox until the test ends or it is stopped.
func (b *bench) run(o Options, cfgs ...Config) *running {
	b.t.Helper()
	out, err := New(b.s, cfgs, o)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Outbox: out, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		out.Run(ctx)
	}()
	b.t.Cleanup(r.stop)
	return r
}

// history returns the classes of the attempts at a delivery.
func (b *bench) history(key string) (state string, classes []string) {
	b.t.Helper()
	for _, d := range b.deliveries() {
		if d.Key != key {
			continue
		}
		for _, a := range d.History {
			classes = append(classes, a.Class)
		}
		return d.State, classes
	}
	return "", nil
}

func (b *bench) deliveries() (out []store.DeliveryDetail) {
	b.t.Helper()
	rows, err := b.s.Arrivals(context.Background(), store.Query{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range rows {
		detail, err := b.s.Arrival(context.Background(), r.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		out = append(out, detail.Deliveries...)
	}
	return out
}

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// eager is a policy that does not make tests wait.
var eager = Policy{First: 2 * time.Millisecond, Max: 10 * time.Millisecond, Jitter: 0.1}

// journal is a peer behind a real MLLP server that answers as it is told.
type journal struct {
	address string
	mu      sync.Mutex
	got     []string // Messages in the order of arrival.
	answer  func(n int, msg []byte) reply
}

// reply is what the n-th message meets.
type reply struct {
	code   hl7.Code
	hang   bool // No answer before the sender's patience is over.
	hangup bool // The connection is closed instead of an answer.
}

func always(code hl7.Code) func(int, []byte) reply {
	return func(int, []byte) reply { return reply{code: code} }
}

func newJournal(t testing.TB, answer func(n int, msg []byte) reply) *journal {
	j := &journal{answer: answer}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	j.address = l.Addr().String()
	j.serve(t, l)
	return j
}

func (j *journal) serve(t testing.TB, l net.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	server := &mllp.Server{Handler: j.receive}
	go func() {
		defer close(done)
		server.Serve(ctx, l)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

func (j *journal) receive(ctx context.Context, _ mllp.Peer, msg []byte) ([][]byte, error) {
	j.mu.Lock()
	j.got = append(j.got, string(msg))
	n := len(j.got)
	j.mu.Unlock()
	r := j.answer(n, msg)
	switch {
	case r.hangup:
		return nil, fmt.Errorf("hang up")
	case r.hang:
		return nil, nil
	}
	m, err := hl7.Parse(msg)
	if err != nil {
		return nil, err
	}
	text := ""
	if r.code != hl7.AA {
		text = "no such ward"
	}
	return [][]byte{hl7.Ack(m, hl7.Reply{Code: r.code, Text: text, ControlID: fmt.Sprint("A", n), Time: time.Now()})}, nil
}

func (j *journal) messages() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.got)
}

// oru is a message that holds its key in MSH-10 and a word to tell it by.
func oru(word string) func(key string) []byte {
	return func(key string) []byte {
		return []byte("MSH|^~\\&|RORPOST|UNIT|J|K|20260101120000+0100||ORU^R01^ORU_R01|" + key + "|P|2.5.1\rOBX|1|NM|X||" + word + "\r")
	}
}

// wordOf is the word of a message of oru.
func wordOf(t testing.TB, msg string) string {
	m, err := hl7.Parse([]byte(msg))
	if err != nil {
		t.Fatal(err)
	}
	return m.Get("OBX-5")
}

func words(t testing.TB, msgs []string) (out []string) {
	for _, m := range msgs {
		out = append(out, wordOf(t, m))
	}
	return out
}
