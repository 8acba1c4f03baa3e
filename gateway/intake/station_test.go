package intake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"rorpost/astm/lis1a"
	"rorpost/devices"
	"rorpost/devices/port"
	"rorpost/gateway/store"
)

const (
	enq, ack, nak, eot = 0x05, 0x06, 0x15, 0x04

	session = "H|\\^&\rP|1\rO|1|S1\rR|1|^^^CRP|12|mg/L\rL|1|N\r"
	query   = "H|\\^&\rQ|1|^S1\rL|1|N\r"
	answer  = "H|\\^&\rO|1|S1||^^^CRP\rL|1|N\r"
)

// ward is a station, its port and what it has settled.
type ward struct {
	*book
	*socket
	st   *Station
	stop func()
}

func newWard(t *testing.T, s *store.Store) *ward {
	t.Helper()
	plugs := newSocket()
	w := newWardOn(t, s, plugs)
	w.socket = plugs
	return w
}

func newWardOn(t *testing.T, s *store.Store, source port.Source) *ward {
	t.Helper()
	profile, err := devices.Load("generic-astm")
	if err != nil {
		t.Fatal(err)
	}
	w := &ward{book: &book{s: s}}
	w.st = NewStation(StationConfig{Name: "crp", Port: source, Profile: profile}, s, func(ctx context.Context, a store.Arrival) ([]byte, error) {
		if err := w.settle(ctx, a, nil); err != nil {
			return nil, err
		}
		if bytes.Contains(a.Body, []byte("Q|1")) {
			return []byte(answer), nil
		}
		return nil, nil
	}, quietLog())
	w.stop = start(t, w.st.Run)
	return w
}

// transmit sends a session as an analyzer does; each frame must be acknowledged.
func transmit(t *testing.T, c io.ReadWriter, say func(b []byte) byte, text string) {
	t.Helper()
	if got := say([]byte{enq}); got != ack {
		t.Fatalf("ENQ: got %#x, want ACK", got)
	}
	for i, f := range lis1a.Encode([]byte(text), 240) {
		if got := say(f); got != ack {
			t.Fatalf("frame %d: got %#x, want ACK", i+1, got)
		}
	}
	if _, err := c.Write([]byte{eot}); err != nil {
		t.Fatal(err)
	}
}

func (w *ward) transmit(t *testing.T, c io.ReadWriter, text string) {
	t.Helper()
	transmit(t, c, func(b []byte) byte { t.Helper(); return say(t, c.(line).Conn, b) }, text)
}

func (w *ward) connect(t *testing.T) line { t.Helper(); return line{w.plug(t)} }

func textOf(t *testing.T, body []byte) string {
	t.Helper()
	frames, problems := lis1a.Decode(body)
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	return string(lis1a.Text(frames))
}

func TestStationReceives(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	w := newWard(t, s)
	c := w.connect(t)
	until(t, "the port is open", func() bool { return w.st.Status().State == StateOpen })
	if st := w.st.Status(); st.Hint != openHint || st.Profile != "generic-astm" {
		t.Errorf("got %+v, want the hint of a silent analyzer", st)
	}
	w.transmit(t, c, session)
	until(t, "it is settled", func() bool { return len(w.arrivals()) == 1 })
	a := w.arrivals()[0]
	if a.Kind != store.KindASTM || a.Source != "crp" || a.Incomplete || textOf(t, a.Body) != session {
		t.Errorf("got %+v", a)
	}
	if st := w.st.Status(); st.State != StateMessages || st.Messages != 1 {
		t.Errorf("got %+v, want messages", st)
	}
}

// P2: a full retransmission is not settled again; a query asked again is a new question.
func TestP2_RetransmittedSessionIsSettledOnce(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	w := newWard(t, s)
	c := w.connect(t)
	w.transmit(t, c, session)
	until(t, "it is settled", func() bool { return len(w.arrivals()) == 1 })
	w.transmit(t, c, session)
	until(t, "it is seen", func() bool { return w.st.Status().Messages == 2 })
	w.transmit(t, c, strings.Replace(session, "12", "13", 1))
	until(t, "the next one is settled", func() bool { return len(w.arrivals()) == 2 })
	counts, err := s.Counts(t.Context())
	if err != nil || counts.Repeats != 1 {
		t.Errorf("got %d repeats, %v; want 1", counts.Repeats, err)
	}
}

func TestStationAnswersEachQuery(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	w := newWard(t, s)
	c := w.connect(t)
	for range 2 {
		w.transmit(t, c, query)
		if got := listen(t, c); got != answer {
			t.Fatalf("got %q, want %q", got, answer)
		}
	}
	if got := len(w.arrivals()); got != 2 {
		t.Errorf("got %d queries, want 2", got)
	}
}

// listen receives one session as an analyzer does and returns its text.
func listen(t *testing.T, c line) string {
	t.Helper()
	one := make([]byte, 1)
	var frames, frame []byte
	for {
		if _, err := io.ReadFull(c, one); err != nil {
			t.Fatal(err)
		}
		switch {
		case one[0] == eot:
			return textOf(t, frames)
		case one[0] == enq:
			c.Write([]byte{ack})
		default:
			if frame = append(frame, one[0]); one[0] == '\n' {
				frames, frame = append(frames, frame...), nil
				c.Write([]byte{ack})
			}
		}
	}
}

// P1: a frame that could not be kept is not acknowledged.
func TestP1_NoAckWhenAFrameCannotBeKept(t *testing.T) {
	s, stop := newStore(t, t.TempDir())
	w := newWard(t, s)
	c := w.connect(t)
	stop()
	if got := say(t, c.Conn, []byte{enq}); got == ack {
		if got = say(t, c.Conn, lis1a.Encode([]byte(session), 240)[0]); got != nak {
			t.Errorf("got %#x, want NAK", got)
		}
	}
	c.Close()
	w.stop()
}

// P5: what is left of a session when the cable is pulled becomes an incomplete arrival, and the station opens the port
// again by itself.
func TestP5_PulledCableLeavesAnIncompleteArrival(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	w := newWard(t, s)
	c := w.connect(t)
	say(t, c.Conn, []byte{enq})
	frames := lis1a.Encode([]byte(session), 10)
	if got := say(t, c.Conn, frames[0]); got != ack {
		t.Fatalf("got %#x, want ACK", got)
	}
	until(t, "frames are seen", func() bool { return w.st.Status().State == StateFrames })
	c.Close()
	until(t, "it is settled", func() bool { return len(w.arrivals()) == 1 })
	if a := w.arrivals()[0]; !a.Incomplete || !bytes.Equal(a.Body, frames[0]) {
		t.Errorf("got %+v, want the first frame, incomplete", a)
	}
	w.transmit(t, w.connect(t), session)
	until(t, "the whole session is settled", func() bool { return len(w.arrivals()) == 2 })
	if a := w.arrivals()[1]; a.Incomplete {
		t.Errorf("got %+v, want a complete arrival", a)
	}
}

// A device that connects for each session is not kept waiting.
func TestStationListensForADeviceThatHangsUp(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	spec, err := port.Parse("listen://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	source := port.New(spec)
	w := newWardOn(t, s, source)
	address := func() net.Addr { return source.(interface{ Addr() net.Addr }).Addr() }
	until(t, "it listens", func() bool { return address() != nil && w.st.Status().State == StateWaiting })
	for i := range 8 {
		c, err := net.Dial("tcp", address().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		w.transmit(t, line{c}, strings.Replace(session, "12", fmt.Sprint(i), 1))
		c.Close()
	}
	until(t, "all are settled", func() bool { return len(w.arrivals()) == 8 })
	until(t, "nobody is connected", func() bool { return w.st.Status().State == StateWaiting })
}

func TestStationSaysWhatIsWrong(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	w := newWard(t, s)
	c := w.connect(t)
	c.Write([]byte("noise"))
	until(t, "bytes are seen", func() bool { return w.st.Status().State == StateBytes })
	if st := w.st.Status(); st.Hint != bytesHint || st.LastSeen.IsZero() {
		t.Errorf("got %+v, want the hint of a wrong speed", st)
	}
	c.Close()
	until(t, "the port is down", func() bool { return w.st.Status().State == StateDown })
	if st := w.st.Status(); st.Hint != plugHint || st.Detail == "" {
		t.Errorf("got %+v, want the hint of a pulled cable", st)
	}
}

// P5: a session whose settling fails is settled later, without the analyzer, and does not keep the next one waiting.
func TestP5_StationSettlesLater(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	w := newWard(t, s)
	w.fail = 1
	c := w.connect(t)
	w.transmit(t, c, session)
	w.transmit(t, c, strings.Replace(session, "12", "13", 1))
	until(t, "both are settled", func() bool { left, _ := s.Unsettled(t.Context()); return len(w.arrivals()) == 3 && len(left) == 0 })
	got := w.arrivals()
	if got[0].ID != got[2].ID || !bytes.Equal(got[0].Body, got[2].Body) {
		t.Errorf("got arrivals %d, %d, %d; want the first one again at last", got[0].ID, got[1].ID, got[2].ID)
	}
}
