package outbox

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"rorpost/gateway/store"
	"rorpost/hl7"
	"rorpost/hl7/mllp"
)

func TestPause(t *testing.T) {
	p := Policy{First: time.Second, Max: 10 * time.Second, Jitter: 0.5}.withDefaults()
	for _, c := range []struct {
		n    int
		luck float64
		want time.Duration
	}{
		{1, 0.5, time.Second}, {2, 0.5, 2 * time.Second}, {3, 0.5, 4 * time.Second},
		{5, 0.5, 10 * time.Second}, {1 << 30, 0.5, 10 * time.Second},
		{1, 0, 500 * time.Millisecond}, {5, 0, 5 * time.Second}, {5, 0.999999, 15 * time.Second},
	} {
		if got := p.pause(c.n, c.luck).Round(time.Millisecond); got != c.want {
			t.Errorf("pause(%d, %v): got %v, want %v", c.n, c.luck, got, c.want)
		}
	}
}

func TestClassifyMLLP(t *testing.T) {
	standard := Policy{}.withDefaults()
	for name, c := range map[string]struct {
		code   hl7.Code
		err    error
		policy Policy
		want   string
		down   bool
	}{
		"AA delivers":                {code: hl7.AA, policy: standard, want: store.ClassDelivered},
		"CA delivers":                {code: hl7.CA, policy: standard, want: store.ClassDelivered},
		"AE is tried again":          {code: hl7.AE, policy: standard, want: store.ClassRetry},
		"CE is tried again":          {code: hl7.CE, policy: standard, want: store.ClassRetry},
		"AE parks when told":         {code: hl7.AE, policy: Policy{OnAE: DoPark, OnAR: DoPark}, want: store.ClassPark},
		"AR parks":                   {code: hl7.AR, policy: standard, want: store.ClassPark},
		"CR parks":                   {code: hl7.CR, policy: standard, want: store.ClassPark},
		"AR is tried when told":      {code: hl7.AR, policy: Policy{OnAR: DoRetry}, want: store.ClassRetry},
		"an unknown code parks":      {code: "ZZ", policy: standard, want: store.ClassPark},
		"no connection is retried":   {err: &mllp.DialError{Err: errors.New("refused")}, policy: standard, want: store.ClassRetry, down: true},
		"silence is unconfirmed":     {err: &mllp.TimeoutError{After: time.Second}, policy: standard, want: store.ClassUnconfirmed, down: true},
		"a lost link is unconfirmed": {err: &mllp.LostError{Err: io.EOF}, policy: standard, want: store.ClassUnconfirmed, down: true},
		"an unfit message parks":     {err: &mllp.MessageError{Reason: "no MSH-10"}, policy: standard, want: store.ClassPark},
		"another answer too":         {err: &mllp.MismatchError{}, policy: standard, want: store.ClassUnconfirmed, down: true},
	} {
		v := classifyMLLP(mllp.Answer{Info: hl7.AckInfo{Code: c.code}, Raw: []byte("MSH")}, c.err, c.policy)
		if v.class != c.want || v.down != c.down {
			t.Errorf("%s: got %s, down %v; want %s, down %v", name, v.class, v.down, c.want, c.down)
		}
		if v.class != store.ClassDelivered && (v.hint == "" || v.detail == "") {
			t.Errorf("%s: got detail %q, hint %q; want both", name, v.detail, v.hint)
		}
	}
}

func TestClassifyHTTP(t *testing.T) {
	for code, want := range map[int]string{
		200: store.ClassDelivered, 201: store.ClassDelivered, 204: store.ClassDelivered,
		301: store.ClassPark, 400: store.ClassPark, 401: store.ClassPark, 404: store.ClassPark, 409: store.ClassPark,
		422: store.ClassPark, 408: store.ClassRetry, 429: store.ClassRetry, 500: store.ClassRetry, 503: store.ClassRetry,
	} {
		v := classifyHTTP(&http.Response{StatusCode: code, Header: http.Header{}}, nil, nil, true)
		if v.class != want {
			t.Errorf("status %d: got %s, want %s", code, v.class, want)
		}
		if v.class != store.ClassDelivered && v.hint == "" {
			t.Errorf("status %d: got no hint", code)
		}
	}
	if v := classifyHTTP(nil, nil, errors.New("refused"), false); v.class != store.ClassRetry || !v.down {
		t.Errorf("no connection: got %s, want retry", v.class)
	}
	if v := classifyHTTP(nil, nil, errors.New("reset"), true); v.class != store.ClassUnconfirmed {
		t.Errorf("a broken connection: got %s, want unconfirmed", v.class)
	}
	h := http.Header{"Retry-After": {"7"}}
	if v := classifyHTTP(&http.Response{StatusCode: 429, Header: h}, nil, nil, true); v.after != 7*time.Second {
		t.Errorf("Retry-After: got %v, want 7s", v.after)
	}
}

// P9: a peer that repeats what it refuses must not bring a personal number into our records.
func TestP9_PeersWordsHoldNoPersonalNumber(t *testing.T) {
	for said, want := range map[string]string{
		"unknown patient 198501012382":     "unknown patient (number)",
		"unknown patient 19850101-2382":    "unknown patient (number)",
		"unknown patient 850101+2382, bye": "unknown patient (number), bye",
		"unknown 1985 0101 2382":           "unknown (number)",
		"PID^1^5^101 at line 12":           "PID^1^5^101 at line 12",
		"two\rlines":                       "two lines",
		"":                                 "",
	} {
		if got := discreet(said); got != want {
			t.Errorf("discreet: got %q, want %q", got, want)
		}
	}
	if got := discreet(strings.Repeat("å", 300)); len(got) > saidMax+len("…") {
		t.Errorf("a long text: got %d bytes", len(got))
	}
}
