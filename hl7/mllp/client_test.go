package mllp_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

func message(id string, acks ...string) []byte {
	tail := ""
	if len(acks) == 2 {
		tail = "|||" + acks[0] + "|" + acks[1]
	}
	return []byte("MSH|^~\\&|A|B|C|D|20260115||ORU^R01^ORU_R01|" + id + "|P|2.5.1" + tail + "\rOBX|1|NM|X||1\r")
}

func answer(code, id string) string {
	return "\x0bMSH|^~\\&|C|D|A|B|20260115||ACK|K|P|2.5.1\rMSA|" + code + "|" + id + "\r\x1c\r"
}

// peer is the other end of a client in a bubble: each dial is one script, in order.
func peer(scripts ...func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	next := 0
	return func(context.Context, string, string) (net.Conn, error) {
		if next == len(scripts) {
			return nil, errors.New("nobody there")
		}
		ours, theirs := net.Pipe()
		go scripts[next](theirs)
		next++
		return ours, nil
	}
}

// expect reads one message and returns its control id.
func expect(r *bufio.Reader) string {
	b, _, err := mllp.Read(r, 0)
	if err != nil {
		return ""
	}
	m, err := hl7.Parse(b)
	if err != nil {
		return ""
	}
	return m.Header().ControlID
}

func say(c net.Conn, s string) { _, _ = io.WriteString(c, s) }

// prompt answers every message AA until the connection ends.
func prompt(c net.Conn) {
	r := bufio.NewReader(c)
	for id := expect(r); id != ""; id = expect(r) {
		say(c, answer("AA", id))
	}
	_ = c.Close()
}

// TestP2_ALateAnswerNeverMatchesAnotherMessage: the connection is closed on the time-out, and the next message has its own.
func TestP2_ALateAnswerNeverMatchesAnotherMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := make(chan struct{})
		late := func(c net.Conn) {
			id := expect(bufio.NewReader(c))
			<-time.After(11 * time.Second)
			say(c, answer("AA", id))
			_ = c.Close()
			close(said)
		}
		c := &mllp.Client{Address: "lab:1", AckTimeout: 10 * time.Second, Dial: peer(late, prompt)}
		defer c.Close()
		begin := time.Now()
		_, err := c.Send(t.Context(), message("M1"))
		var timeout *mllp.TimeoutError
		if !errors.As(err, &timeout) || time.Since(begin) != 10*time.Second || c.Connected() {
			t.Fatalf("got %v after %v, connected %v", err, time.Since(begin), c.Connected())
		}
		<-said
		a, err := c.Send(t.Context(), message("M2"))
		if err != nil || a.Info.ControlID != "M2" {
			t.Fatalf("the next message: got %+v, %v", a.Info, err)
		}
	})
}

func TestClientOutcomes(t *testing.T) {
	read := func(then func(c net.Conn, id string)) func(net.Conn) {
		return func(c net.Conn) {
			then(c, expect(bufio.NewReader(c)))
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}
	for name, c := range map[string]struct {
		peer func(net.Conn)
		want any
	}{
		"another message's answer": {read(func(c net.Conn, _ string) { say(c, answer("AA", "OTHER")) }), new(*mllp.MismatchError)},
		"no acknowledgement":       {read(func(c net.Conn, _ string) { say(c, "\x0bMSA|AA|M1\r\x1c\r") }), new(*mllp.MismatchError)},
		"closed":                   {read(func(c net.Conn, _ string) { _ = c.Close() }), new(*mllp.LostError)},
		"closed within an answer":  {read(func(c net.Conn, _ string) { say(c, "\x0bMSH|"); _ = c.Close() }), new(*mllp.LostError)},
		"silence":                  {read(func(net.Conn, string) {}), new(*mllp.TimeoutError)},
		"never reads":              {func(c net.Conn) {}, new(*mllp.TimeoutError)},
		"garbage only":             {read(func(c net.Conn, _ string) { say(c, "what?") }), new(*mllp.TimeoutError)},
		"nobody":                   {nil, new(*mllp.DialError)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := &mllp.Client{Address: "lab:1", Dial: peer()}
				if c.peer != nil {
					client.Dial = peer(c.peer)
				}
				_, err := client.Send(t.Context(), message("M1"))
				if !errors.As(err, c.want) || client.Connected() {
					t.Errorf("got %v (%T), connected %v", err, err, client.Connected())
				}
			})
		})
	}
}

func TestClientKeepsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &mllp.Client{Address: "lab:1", Dial: peer(prompt)}
		defer c.Close()
		for _, id := range []string{"M1", "M2", "ID\\T\\1 x "} {
			if a, err := c.Send(t.Context(), message(id)); err != nil || a.Info.Code != hl7.AA {
				t.Fatalf("%s: got %+v, %v", id, a.Info, err)
			}
		}
		if !c.Connected() || c.Connect(t.Context()) != nil {
			t.Error("the connection was not kept")
		}
	})
}

func TestClientSeesThatAnIdleConnectionWasClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		once := func(c net.Conn) {
			say(c, answer("AA", expect(bufio.NewReader(c))))
			_ = c.Close()
		}
		unasked := func(c net.Conn) {
			r := bufio.NewReader(c)
			say(c, answer("AA", expect(r)))
			say(c, answer("AA", "M3"))
			_ = c.Close()
		}
		c := &mllp.Client{Address: "lab:1", Dial: peer(once, unasked, prompt)}
		defer c.Close()
		for _, id := range []string{"M1", "M2", "M3"} {
			if a, err := c.Send(t.Context(), message(id)); err != nil || a.Info.ControlID != id {
				t.Fatalf("%s: got %+v, %v", id, a.Info, err)
			}
			synctest.Wait()
		}
	})
}

func TestClientWaitsForTheApplication(t *testing.T) {
	two := func(c net.Conn) {
		r := bufio.NewReader(c)
		for id := expect(r); id != ""; id = expect(r) {
			say(c, answer("CA", id))
			go func() {
				<-time.After(20 * time.Second)
				say(c, answer("AE", id))
			}()
		}
		_ = c.Close()
	}
	synctest.Test(t, func(t *testing.T) {
		c := &mllp.Client{Address: "lab:1", WaitApplication: true, Dial: peer(two)}
		defer c.Close()
		if a, err := c.Send(t.Context(), message("M1", "AL", "AL")); err != nil || a.Info.Code != hl7.AE {
			t.Errorf("waiting: got %+v, %v", a.Info, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := &mllp.Client{Address: "lab:1", Dial: peer(two)}
		defer c.Close()
		for _, id := range []string{"M1", "M2"} { // The first one's AE comes before the second is sent.
			if a, err := c.Send(t.Context(), message(id, "AL", "AL")); err != nil || a.Info.Code != hl7.CA || a.Info.ControlID != id {
				t.Errorf("not waiting: got %+v, %v", a.Info, err)
			}
			<-time.After(30 * time.Second)
		}
	})
}

func TestClientExpectsNoAnswerWhereNoneIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &mllp.Client{Address: "lab:1", Dial: peer(func(c net.Conn) { expect(bufio.NewReader(c)) })}
		defer c.Close()
		if a, err := c.Send(t.Context(), message("M1", "NE", "NE")); err != nil || a.Raw != nil {
			t.Errorf("got %+v, %v", a, err)
		}
	})
}

func TestClientRefusesWhatCannotBeAnswered(t *testing.T) {
	c := &mllp.Client{Address: "lab:1", Dial: peer()}
	for _, msg := range []string{"", "HELLO", string(message("")), string(message("1")) + string(message("2")), string(message("1")) + "NTE|\x0b\r"} {
		var refused *mllp.MessageError
		if _, err := c.Send(t.Context(), []byte(msg)); !errors.As(err, &refused) {
			t.Errorf("%q: got %v", msg, err)
		}
	}
}

func TestClientStopsWithItsContext(t *testing.T) {
	silent := func(c net.Conn) { expect(bufio.NewReader(c)) }
	synctest.Test(t, func(t *testing.T) {
		c := &mllp.Client{Address: "lab:1", Dial: peer(silent, silent)}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var lost *mllp.LostError
		if _, err := c.Send(ctx, message("M1")); !errors.As(err, &lost) || !errors.Is(err, context.Canceled) || c.Connected() {
			t.Errorf("cancelled: got %v", err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var timeout *mllp.TimeoutError
		if _, err := c.Send(ctx, message("M1")); !errors.As(err, &timeout) || c.Connected() {
			t.Errorf("deadline: got %v", err)
		}
	})
}
