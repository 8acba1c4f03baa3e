package intake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"rorpost/gateway/store"
	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

// desk is a listener with what it stands on.
type desk struct {
	*book
	l *Listener
}

// newDesk runs a listener whose messages are settled and answered AA.
func newDesk(t *testing.T, cfg ListenerConfig) *desk {
	s, _ := newStore(t, t.TempDir())
	return deskOn(t, s, cfg)
}

func deskOn(t *testing.T, s *store.Store, cfg ListenerConfig) *desk {
	d := &desk{book: &book{s: s}}
	cfg.Name, cfg.Address = "answers", "127.0.0.1:0"
	d.l = NewListener(cfg, s, func(ctx context.Context, a store.Arrival) ([][]byte, error) {
		m, err := hl7.Parse(a.Body)
		if err != nil {
			return nil, err
		}
		reply := hl7.Ack(m, hl7.Reply{Code: hl7.AA, ControlID: s.Key(a.ID, "ack", "AA", 0), Time: a.At})
		return [][]byte{reply}, d.settle(ctx, a, reply)
	}, quietLog())
	start(t, d.l.Run)
	until(t, "it listens", func() bool { return d.l.Addr() != "" })
	return d
}

// caller is the other side, byte for byte.
type caller struct {
	net.Conn
	r *bufio.Reader
}

func (d *desk) call(t *testing.T) caller {
	t.Helper()
	c, err := net.Dial("tcp", d.l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return caller{c, bufio.NewReader(c)}
}

// ask sends a message and returns the answer, or nil when the connection was closed instead.
func (c caller) ask(t *testing.T, msg string) []byte {
	t.Helper()
	if err := mllp.Write(c, []byte(msg)); err != nil {
		t.Fatal(err)
	}
	answer, _, err := mllp.Read(c.r, 1<<20)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func isReset(err error) bool { return err != nil && strings.Contains(err.Error(), "reset") }

func oru(id, word string) string {
	return "MSH|^~\\&|LAB|X|RORPOST|U|20260101120000+0100||ORU^R01^ORU_R01|" + id + "|P|2.5.1\rOBX|1|NM|X||" + word + "\r"
}

func codeOf(t *testing.T, answer []byte) hl7.Code {
	t.Helper()
	a, err := hl7.ReadAck(answer)
	if err != nil {
		t.Fatalf("%q: %v", answer, err)
	}
	return a.Code
}

func TestListenerKeepsSettlesAnswers(t *testing.T) {
	d := newDesk(t, ListenerConfig{})
	if got := d.l.Status().State; got != StateOpen {
		t.Errorf("state: got %s, want open", got)
	}
	answer := d.call(t).ask(t, oru("1", "a"))
	if got, _ := hl7.ReadAck(answer); got.Code != hl7.AA || got.ControlID != "1" {
		t.Errorf("got %+v, want AA to 1", got)
	}
	got := d.arrivals()
	if len(got) != 1 || string(got[0].Body) != oru("1", "a") || got[0].Control != "1" || got[0].Peer == "" {
		t.Errorf("settled: got %v", got)
	}
	if st := d.l.Status(); st.State != StateMessages || st.Messages != 1 || st.LastSeen.IsZero() {
		t.Errorf("got %+v, want messages", st)
	}
}

// P2: a retransmission gets the same bytes as answer and is settled once; the same control id with other content is a
// message of its own.
func TestP2_RetransmissionGetsTheSameAnswer(t *testing.T) {
	d := newDesk(t, ListenerConfig{})
	first := d.call(t).ask(t, oru("1", "a"))
	again := d.call(t).ask(t, oru("1", "a"))
	if !bytes.Equal(first, again) {
		t.Errorf("got %q, want %q", again, first)
	}
	other := d.call(t).ask(t, oru("1", "b"))
	if bytes.Equal(first, other) || codeOf(t, other) != hl7.AA {
		t.Errorf("changed content: got %q, want an answer of its own", other)
	}
	if got := len(d.arrivals()); got != 2 {
		t.Errorf("settled %d times, want 2", got)
	}
}

// P2: several answers to one message come again as several.
func TestMessagesAreCutApart(t *testing.T) {
	one, two := "MSH|^~\\&|A\rMSA|CA|1\r", "MSH|^~\\&|A\rMSA|AA|1\r"
	got := messages([]byte(one + two))
	if len(got) != 2 || string(got[0]) != one || string(got[1]) != two {
		t.Errorf("got %q", got)
	}
	if got := messages(nil); len(got) != 0 {
		t.Errorf("nothing: got %q", got)
	}
}

// P5: a message whose settling fails is not lost: the sender is told, a repetition is settled, and if none comes the
// listener settles it by itself.
func TestP5_FailedSettlingIsTriedAgain(t *testing.T) {
	d := newDesk(t, ListenerConfig{})
	d.mu.Lock()
	d.fail = 1
	d.mu.Unlock()
	if got := codeOf(t, d.call(t).ask(t, oru("1", "a"))); got != hl7.AE {
		t.Errorf("got %s, want AE", got)
	}
	until(t, "it is settled without the sender", func() bool { return len(d.arrivals()) == 2 })
	until(t, "nothing is unsettled", func() bool { left, _ := d.s.Unsettled(t.Context()); return len(left) == 0 })
	if got := codeOf(t, d.call(t).ask(t, oru("1", "a"))); got != hl7.AA {
		t.Errorf("the repetition: got %s, want AA", got)
	}
	if got := len(d.arrivals()); got != 2 {
		t.Errorf("settled %d times, want 2", got)
	}
}

// P2: a repetition of what is kept but not settled is settled.
func TestP2_RepetitionOfTheUnsettledIsSettled(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	_, err := s.Accept(t.Context(), store.Arrival{Kind: store.KindMLLP, Source: "answers", Control: "1", Body: []byte(oru("1", "a"))})
	if err != nil {
		t.Fatal(err)
	}
	d := deskOn(t, s, ListenerConfig{})
	if got := codeOf(t, d.call(t).ask(t, oru("1", "a"))); got != hl7.AA {
		t.Errorf("got %s, want AA", got)
	}
	if got := len(d.arrivals()); got != 1 {
		t.Errorf("settled %d times, want 1", got)
	}
}

// P1: what could not be kept is not answered.
func TestP1_NoAnswerWhenNothingCouldBeKept(t *testing.T) {
	s, stop := newStore(t, t.TempDir())
	d := deskOn(t, s, ListenerConfig{})
	stop()
	if answer := d.call(t).ask(t, oru("1", "a")); answer != nil {
		t.Errorf("got %q, want no answer", answer)
	}
	if st := d.l.Status(); st.Rejected != 1 || st.Messages != 0 || st.Hint == "" {
		t.Errorf("got %+v, want one refusal with a hint", st)
	}
}

// P5: what cannot be correlated is kept and parked, answered AR if it has a header, and never AA.
func TestP5_BadInputIsParked(t *testing.T) {
	msh := "MSH|^~\\&|LAB|X|RORPOST|U|20260101120000||ORU^R01|"
	for name, c := range map[string]struct {
		msg  string
		want hl7.Code // "" when the connection is closed.
	}{
		"garbage":    {"hello", ""},
		"no MSH-10":  {msh + "|P|2.5.1\rOBX|1\r", hl7.AR},
		"enhanced":   {msh + "|P|2.5.1|||AL|NE\rOBX|1\r", hl7.CR},
		"two":        {oru("1", "a") + oru("2", "b"), hl7.AR},
		"batch":      {"FHS|^~\\&|LAB\rBHS|^~\\&|LAB\r" + oru("1", "a") + "BTS|1\rFTS|1\r", ""},
		"only a PID": {"PID|1\r", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, ListenerConfig{})
			answer := d.call(t).ask(t, c.msg)
			if c.want == "" && answer != nil {
				t.Errorf("got %q, want the connection closed", answer)
			}
			if c.want != "" && codeOf(t, answer) != c.want {
				t.Errorf("got %q, want %s", answer, c.want)
			}
			if c.want != "" && !bytes.Contains(answer, []byte("ERR|")) {
				t.Errorf("got %q, want an ERR segment", answer)
			}
			if again := d.call(t).ask(t, c.msg); !bytes.Equal(again, answer) {
				t.Errorf("again: got %q, want %q", again, answer)
			}
			items, err := d.s.Parked(t.Context(), 10)
			if err != nil || len(items) != 1 || items[0].Reason == "" || items[0].Hint == "" {
				t.Errorf("parked: got %+v, %v; want one with reason and hint", items, err)
			}
			if got := codeOf(t, d.call(t).ask(t, oru("9", "a"))); got != hl7.AA {
				t.Errorf("the next message: got %s, want AA", got)
			}
			if st := d.l.Status(); st.Rejected != 2 {
				t.Errorf("got %d refusals, want 2", st.Rejected)
			}
		})
	}
}

func TestListenerOutlivesWhatIsNoMessage(t *testing.T) {
	d := newDesk(t, ListenerConfig{MaxMessage: 4096})
	for _, junk := range []string{"GET / HTTP/1.1\r\n\r\n", "\x0b" + strings.Repeat("x", 10000), "\x0bMSH|", "\x1c\r\x1c\r", "\x00\x00\x00"} {
		c := d.call(t)
		io.WriteString(c, junk)
		c.Close()
	}
	if got := codeOf(t, d.call(t).ask(t, oru("1", "a"))); got != hl7.AA {
		t.Errorf("got %s, want AA", got)
	}
}

func TestListenerStopsWithACallerOnTheLine(t *testing.T) {
	s, _ := newStore(t, t.TempDir())
	l := NewListener(ListenerConfig{Name: "answers", Address: "127.0.0.1:0"}, s, nil, quietLog())
	stop := start(t, l.Run)
	until(t, "it listens", func() bool { return l.Addr() != "" })
	c, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stop()
	if st := l.Status(); st.State != StateDown || l.Addr() != "" {
		t.Errorf("got %+v, want down", st)
	}
}

func TestListenerSaysThatThePortIsTaken(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s, _ := newStore(t, t.TempDir())
	l := NewListener(ListenerConfig{Name: "answers", Address: other.Addr().String()}, s, nil, quietLog())
	start(t, l.Run)
	until(t, "it says so", func() bool { return strings.Contains(l.Status().Detail, "cannot listen") })
	if st := l.Status(); st.State != StateDown || st.Hint == "" {
		t.Errorf("got %+v, want down with a hint", st)
	}
	other.Close()
	until(t, "it listens by itself", func() bool { return l.Addr() != "" })
}
