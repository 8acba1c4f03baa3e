package outbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"rorpost/gateway/store"
)

// httpCourier posts deliveries. All workers of a lane share its connections.
type httpCourier struct {
	cfg     Config
	base    string
	client  *http.Client
	reached atomic.Bool // The last attempt was answered.
}

func newHTTP(cfg Config) (func() courier, error) {
	u, err := url.Parse(cfg.Address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("an http address begins with http:// or https:// and names a host")
	}
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: cfg.DialTimeout}).DialContext,
		TLSClientConfig:     cfg.TLS,
		TLSHandshakeTimeout: cfg.DialTimeout,
		MaxIdleConnsPerHost: cfg.Lanes,
		IdleConnTimeout:     time.Minute,
		ForceAttemptHTTP2:   true,
	}
	client := &http.Client{
		Transport: transport,
		Timeout:   cfg.Timeout + cfg.DialTimeout,
		// A redirected POST would lose its body or its key.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func() courier {
		return &httpCourier{cfg: cfg, base: strings.TrimSuffix(cfg.Address, "/"), client: client}
	}, nil
}

// statusReport is the payload of a delivery of kind "status": where to post, and what.
type statusReport struct {
	Path string          `json:"path"`
	Body json.RawMessage `json:"body"`
}

// target returns where a delivery is posted, and which of its bytes.
func (c *httpCourier) target(d store.Delivery) (string, []byte, error) {
	if d.Kind != "status" {
		return c.cfg.Address, d.Payload, nil
	}
	var r statusReport
	if err := json.Unmarshal(d.Payload, &r); err != nil || !strings.HasPrefix(r.Path, "/") {
		return "", nil, errors.New("the report names no path")
	}
	return c.base + r.Path, r.Body, nil
}

func (c *httpCourier) carry(ctx context.Context, d store.Delivery) verdict {
	address, body, err := c.target(d)
	if err != nil {
		return verdict{class: store.ClassPark, detail: "cannot be sent: " + err.Error(), hint: "tell lab IT; this delivery was written wrongly"}
	}
	sent := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent = true }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return verdict{class: store.ClassPark, detail: "cannot be sent: the address is not one", hint: "tell lab IT; correct the address of this destination"}
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range c.cfg.Header {
		req.Header.Set(k, v)
	}
	req.Header.Set("Idempotency-Key", d.Key)
	// Without it Go's client cannot repeat a request by itself, unseen: every attempt is the lane's, and recorded.
	req.GetBody = nil
	resp, err := c.client.Do(req)
	c.reached.Store(err == nil)
	if err != nil {
		return classifyHTTP(nil, nil, err, sent)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, int64(c.cfg.MaxMessage)))
	return classifyHTTP(resp, answer, err, sent)
}

// classifyHTTP says what a response, or the lack of one, means. It is the only place that does. sent tells that a
// connection was there, so that the peer may have received the request.
func classifyHTTP(resp *http.Response, body []byte, err error, sent bool) verdict {
	if resp == nil {
		if !sent {
			return verdict{class: store.ClassRetry, down: true, detail: plain(err), hint: unreachableHint}
		}
		return verdict{
			class: store.ClassUnconfirmed, down: true, detail: "sent, but not confirmed: " + plain(err),
			hint: "it is sent again with the same key, which the receiver can tell from a new one",
		}
	}
	v := verdict{answer: body, detail: saysHTTP(resp, body)}
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		// The status line is the confirmation: a body that breaks off changes nothing.
		v.class = store.ClassDelivered
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		v.class, v.down, v.after = store.ClassRetry, code != http.StatusTooManyRequests, retryAfter(resp)
		v.hint = "the receiver is overloaded or ill; everything waits here and is sent by itself"
	default:
		v.class, v.hint = store.ClassPark, hintHTTP(code, body)
	}
	return v
}

func hintHTTP(code int, body []byte) string {
	if said := explained(body).Hint; said != "" {
		return discreet(said)
	}
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "the receiver does not accept this gateway's certificate or unit; tell central operations, then release it here"
	case http.StatusConflict:
		return "the receiver has something else under the same key or state; ask its support, then release or reject it here"
	case http.StatusNotFound:
		return "the receiver knows no such address or order; check the address of this destination, then release or reject it here"
	}
	return "the receiver refused it; ask its support what is wrong with it, then release or reject it here"
}

// explanation is the form of errors that the order store uses.
type explanation struct{ Error, Hint string }

func explained(body []byte) (e explanation) {
	if json.Unmarshal(body, &e) != nil {
		return explanation{}
	}
	return e
}

// saysHTTP puts a response into words. Only an explanation in the agreed form is repeated, never a page.
func saysHTTP(resp *http.Response, body []byte) string {
	s := fmt.Sprintf("answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if said := explained(body).Error; said != "" && resp.StatusCode >= 300 {
		s += ": " + discreet(said)
	}
	return s
}

const maxAfter = 5 * time.Minute // The longest pause that a peer may ask for.

func retryAfter(resp *http.Response) time.Duration {
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxAfter)
}

// plain takes the address out of an error of net/http: a path can name an order.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return reason(err)
}

func (c *httpCourier) probe(context.Context) error { return nil }
func (c *httpCourier) connected() bool             { return c.reached.Load() }
func (c *httpCourier) close()                      { c.client.CloseIdleConnections() }
