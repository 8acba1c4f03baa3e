package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"rorpost/gateway/store"
	"rorpost/hl7/mllp"
)

// mllpCourier carries over one MLLP connection, which it keeps.
type mllpCourier struct {
	client *mllp.Client
	policy Policy
}

func newMLLP(cfg Config) (func() courier, error) {
	address, secure := cfg.Address, cfg.TLS != nil
	if scheme, rest, ok := strings.Cut(cfg.Address, "://"); ok {
		switch scheme {
		case "tls", "mllps":
			secure = true
		case "tcp", "mllp":
		default:
			return nil, errors.New("an mllp address is host:port or tls://host:port")
		}
		address = rest
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, errors.New("an mllp address is host:port or tls://host:port")
	}
	tc := cfg.TLS
	if secure && tc == nil {
		tc = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return func() courier {
		return &mllpCourier{policy: cfg.Retry, client: &mllp.Client{
			Address: address, TLS: tc, DialTimeout: cfg.DialTimeout, AckTimeout: cfg.Timeout,
			MaxMessage: cfg.MaxMessage, WaitApplication: cfg.Application,
		}}
	}, nil
}

func (c *mllpCourier) carry(ctx context.Context, d store.Delivery) verdict {
	a, err := c.client.Send(ctx, d.Payload)
	if err != nil {
		// The state of the connection is unknown: a late answer must never meet the next message.
		c.client.Close()
	}
	return classifyMLLP(a, err, c.policy)
}

func (c *mllpCourier) probe(ctx context.Context) error { return c.client.Connect(ctx) }
func (c *mllpCourier) connected() bool                 { return c.client.Connected() }
func (c *mllpCourier) close()                          { c.client.Close() }
