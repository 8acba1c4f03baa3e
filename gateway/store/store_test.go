package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestP2_RetransmissionIsAnsweredAgain(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	first := accept(t, s, "answers", "42", "body")
	if first.Verdict != New || first.Arrival.ID == 0 || first.Arrival.State != Kept {
		t.Fatalf("first: got %+v, want a new arrival that is kept", first)
	}
	early := accept(t, s, "answers", "42", "body")
	if early.Verdict != Repeat || early.Arrival.ID != first.Arrival.ID || early.Reply != nil {
		t.Errorf("before the settlement: got %+v, want a repeat of %d without a reply", early, first.Arrival.ID)
	}
	settle(t, s, Settlement{Arrival: first.Arrival.ID, Decision: "result", Reply: []byte("AA")})
	late := accept(t, s, "answers", "42", "body")
	if late.Verdict != Repeat || late.Arrival.ID != first.Arrival.ID || string(late.Reply) != "AA" ||
		late.Arrival.State != Settled || string(late.Arrival.Body) != "body" {
		t.Errorf("after the settlement: got %+v, want a repeat of %d with its reply", late, first.Arrival.ID)
	}
	if got := accept(t, s, "other", "42", "body"); got.Verdict != New {
		t.Errorf("another source: got %v, want new", got.Verdict)
	}
	if a, b := accept(t, s, "answers", "", "body"), accept(t, s, "answers", "", "body"); a.Verdict != New || b.Verdict != New {
		t.Errorf("without a control id: got %v and %v, want new twice", a.Verdict, b.Verdict)
	}
}

func TestP2_SameControlOtherBytesIsKeptAndFlagged(t *testing.T) {
	s, _ := start(t, t.TempDir(), Options{})
	first := accept(t, s, "answers", "42", "body")
	changed := accept(t, s, "answers", "42", "other body")
	if changed.Verdict != Changed || changed.Arrival.ID == first.Arrival.ID || changed.Arrival.Changes != first.Arrival.ID {
		t.Fatalf("got %+v, want a changed arrival that names %d", changed, first.Arrival.ID)
	}
	again := accept(t, s, "answers", "42", "other body")
	if again.Verdict != Repeat || again.Arrival.ID != changed.Arrival.ID {
		t.Errorf("got %+v, want a repeat of %d", again, changed.Arrival.ID)
	}
	c := must(s.Counts(t.Context()))(t)
	if c.Changed != 1 || c.Repeats != 1 || c.Arrivals[KindMLLP] != 2 || c.Kept != 2 {
		t.Errorf("counts: got %+v", c)
	}
}

func TestP2_KeysAreTheSameAfterRestartAndOtherInAnotherStore(t *testing.T) {
	dir := t.TempDir()
	s, stop := start(t, dir, Options{})
	key := s.Key(7, "result", "journal", 0)
	if len(key) != 20 || strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Errorf("got key %q, want 20 characters of A-Z2-7", key)
	}
	for _, other := range []string{s.Key(8, "result", "journal", 0), s.Key(7, "order", "journal", 0),
		s.Key(7, "result", "patient", 0), s.Key(7, "result", "journal", 1)} {
		if other == key {
			t.Errorf("two deliveries share the key %s", key)
		}
	}
	blind := s.Blind("19850101-2382")
	if blind != s.Blind("198501012382") {
		t.Error("the blind hash depends on the hyphen")
	}
	stop()
	s, _ = start(t, dir, Options{})
	if got := s.Key(7, "result", "journal", 0); got != key {
		t.Errorf("after a restart: got %s, want %s", got, key)
	}
	if got := s.Blind("198501012382"); got != blind {
		t.Errorf("blind hash after a restart: got %s, want %s", got, blind)
	}
	other, _ := start(t, t.TempDir(), Options{})
	if other.Key(7, "result", "journal", 0) == key || other.Blind("198501012382") == blind {
		t.Error("two stores share keys")
	}
}

func TestP6_BytesAreVerbatim(t *testing.T) {
	dir := t.TempDir()
	s, stop := start(t, dir, Options{})
	all := make([]byte, 0, 512)
	for i := range 256 {
		all = append(all, byte(i))
	}
	bodies := [][]byte{all, {}, []byte("a\x00b\r\n\xe5\xe4\xf6"), bytes.Repeat(all, 5000)}
	var ids []int64
	for _, b := range bodies {
		r := must(s.Accept(t.Context(), Arrival{Kind: KindAPI, Source: "x", Body: b}))(t)
		ids = append(ids, r.Arrival.ID)
		settle(t, s, Settlement{Arrival: r.Arrival.ID, Owed: []Owed{{Key: s.Key(r.Arrival.ID, "", "j", 0), Destination: "j", Payload: b}}})
	}
	x := s.Begin("device", "")
	for i := range 4 {
		if err := x.Keep(t.Context(), all[i*64:(i+1)*64]); err != nil {
			t.Fatal(err)
		}
	}
	sealed := must(x.Seal(t.Context(), "", true))(t)
	bodies, ids = append(bodies, all), append(ids, sealed.Arrival.ID)
	stop()
	s, _ = start(t, dir, Options{})
	for i, id := range ids {
		d := must(s.Arrival(t.Context(), id))(t)
		if !bytes.Equal(d.Arrival.Body, bodies[i]) {
			t.Errorf("arrival %d: %d bytes came back otherwise than they came", id, len(bodies[i]))
		}
		for _, p := range d.Deliveries {
			if !bytes.Equal(p.Payload, bodies[i]) {
				t.Errorf("delivery %d: the payload has changed", p.ID)
			}
		}
	}
}

func TestSessions(t *testing.T) {
	dir := t.TempDir()
	s, stop := start(t, dir, Options{})
	x := s.Begin("hba1c", "/dev/ttyUSB0")
	if r := must(x.Seal(t.Context(), "", true))(t); r.Verdict != 0 || r.Arrival.ID != 0 {
		t.Errorf("a session without frames: got %+v, want nothing", r)
	}
	for _, f := range []string{"1H|", "2P|"} {
		if err := x.Keep(t.Context(), []byte(f)); err != nil {
			t.Fatal(err)
		}
	}
	if got := must(s.Unsettled(t.Context()))(t); len(got) != 0 {
		t.Errorf("an open session is no arrival yet: got %+v", got)
	}
	stop() // As a crash: the session is never sealed.
	s, _ = start(t, dir, Options{})
	got := must(s.Unsettled(t.Context()))(t)
	if len(got) != 1 || !got[0].Incomplete || string(got[0].Body) != "1H|2P|" || got[0].Source != "hba1c" || got[0].Kind != KindASTM {
		t.Fatalf("after the restart: got %+v, want one incomplete arrival", got)
	}
	x = s.Begin("hba1c", "")
	for _, body := range []string{"first", "second"} {
		if err := x.Keep(t.Context(), []byte(body)); err != nil {
			t.Fatal(err)
		}
		r := must(x.Seal(t.Context(), "", true))(t)
		if string(r.Arrival.Body) != body || r.Arrival.Incomplete || r.Verdict != New {
			t.Errorf("got %+v, want %q", r, body)
		}
	}
}

func TestUnsettledComesBackInOrder(t *testing.T) {
	dir := t.TempDir()
	s, stop := start(t, dir, Options{})
	a, b, c := accept(t, s, "x", "1", "a"), accept(t, s, "x", "2", "b"), accept(t, s, "x", "3", "c")
	settle(t, s, Settlement{Arrival: b.Arrival.ID, Rule: "filtered: a test"})
	stop()
	s, _ = start(t, dir, Options{})
	var got []string
	for _, u := range must(s.Unsettled(t.Context()))(t) {
		got = append(got, string(u.Body))
	}
	if diff := cmp.Diff([]string{"a", "c"}, got); diff != "" {
		t.Errorf("unsettled (-want +got):\n%s", diff)
	}
	if d := accept(t, s, "x", "4", "d"); d.Arrival.ID <= c.Arrival.ID || a.Arrival.ID == 0 {
		t.Errorf("ids do not grow over a restart: %d after %d", d.Arrival.ID, c.Arrival.ID)
	}
}

func TestOneProcessOnly(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, Options{})
	if s, err := Open(t.Context(), dir, Options{}); err == nil {
		s.Close()
		t.Fatal("a second store in the same folder was opened")
	}
}

func TestEngineVersionAndLostKeyAreRefused(t *testing.T) {
	for version, fine := range map[string]bool{"3.51.2": false, "3.50.9": false, "3.51.3": true, "3.54.1": true, "4.0.0": true, "x": false} {
		if err := checkVersion(version); (err == nil) != fine {
			t.Errorf("version %s: got %v", version, err)
		}
	}
	dir := t.TempDir()
	_, stop := start(t, dir, Options{})
	stop()
	if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, Options{}); err == nil {
		t.Error("a store without its key was opened with another one")
	}
}

func TestStopDrainsAndThenRefuses(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	result := make(chan error, 1)
	go func() {
		_, err := s.Accept(context.Background(), Arrival{Kind: KindScan, Source: "x", Body: []byte("b")})
		result <- err
	}()
	eventually(t, "the arrival waits", func() bool { return s.queue.want(1) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("what waited when the store was stopped: %v", err)
	}
	if _, err := s.Accept(t.Context(), Arrival{Kind: KindScan}); err == nil {
		t.Error("a stopped store has accepted")
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("the store ran twice")
	}
}

func TestGivingUpBeforeTheWriterHasIt(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.Accept(ctx, Arrival{Kind: KindScan}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the deadline", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	s.Run(stopped)
	if got := must(s.Unsettled(t.Context()))(t); len(got) != 0 {
		t.Errorf("what was given up was kept: %+v", got)
	}
}
