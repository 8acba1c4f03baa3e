package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rorpost/gateway/store"
)

// The kinds of destination.
const (
	KindMLLP = "mllp"
	KindHTTP = "http"
	KindFile = "file"
)

// Config is one destination. Zero fields mean their defaults.
type Config struct {
	Name    string
	Kind    string // "mllp", "http" or "file".
	Serves  string // "journal", "patient", "laboratory", "orders" or "": for people and pages only.
	Address string // mllp: "host:port" or "tls://host:port"; http: an address to POST to; file: a folder that exists.
	TLS     *tls.Config

	OrderBy string // "": strict order over the whole destination; else what the Lane key of a delivery is.
	Lanes   int    // Workers when OrderBy is set; 8. Each mllp worker has its own connection.

	// How many deliveries of one worker may be sent and not yet recorded; 16. They are sent one after the other, but the
	// next one does not wait for the disk. After a crash that many are sent again at most, with the same keys. 1 for a
	// peer that cannot dedupe: then each is recorded before the next is sent.
	Unrecorded int

	Timeout     time.Duration     // For an answer; 30 s.
	DialTimeout time.Duration     // For a connection; 5 s.
	Probe       time.Duration     // How often an idle mllp lane looks whether its peer is there; 3 s. Negative: never.
	MaxMessage  int               // Bytes of an answer; 1 MiB.
	Application bool              // mllp: an accept acknowledgement (CA) is not enough, wait for the application's.
	Header      map[string]string // http: sent with every request.
	Retry       Policy
}

func (c Config) withDefaults() Config {
	c.Retry = c.Retry.withDefaults()
	if c.OrderBy == "" {
		c.Lanes = 1
	} else if c.Lanes <= 0 {
		c.Lanes = 8
	}
	if c.Unrecorded <= 0 {
		c.Unrecorded = 16
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.DialTimeout <= 0 {
		c.DialTimeout = 5 * time.Second
	}
	if c.Probe == 0 {
		c.Probe = 3 * time.Second
	}
	if c.MaxMessage <= 0 {
		c.MaxMessage = 1 << 20
	}
	return c
}

// Options are common to all lanes.
type Options struct {
	// OnDelivered says what else is owed once a delivery is made; it is committed together with the delivery. After a
	// crash before that commit it is called again with the same delivery, and must return the same. May be nil.
	OnDelivered func(d store.Delivery, answer []byte) []store.Owed
	// Grace bounds how long Run waits, after its context has ended, for the exchanges in hand; 5 s.
	Grace time.Duration
	Log   *slog.Logger
}

// Outbox is all lanes.
type Outbox struct {
	store *store.Store
	o     Options
	lanes []*lane
	named map[string]*lane
}

// New checks the configuration. It does no I/O and starts nothing.
func New(s *store.Store, cfgs []Config, o Options) (*Outbox, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	out := &Outbox{store: s, o: o, named: map[string]*lane{}}
	for _, c := range cfgs {
		if c.Name == "" {
			return nil, errors.New("set up a destination: it has no name")
		}
		if _, ok := out.named[c.Name]; ok {
			return nil, fmt.Errorf("set up destination %s: there are two of this name", c.Name)
		}
		l, err := newLane(out, c.withDefaults())
		if err != nil {
			return nil, fmt.Errorf("set up destination %s: %w", c.Name, err)
		}
		out.lanes = append(out.lanes, l)
		out.named[c.Name] = l
	}
	return out, nil
}

// Run pays until ctx ends. Then nothing new is begun, the exchanges in hand are finished and recorded within
// Options.Grace, and Run returns nil. The store must outlive it.
func (o *Outbox) Run(ctx context.Context) error {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-hard.Done():
		case <-time.After(o.o.Grace):
			cancel()
		}
	})
	defer stop()
	var wg sync.WaitGroup
	for _, l := range o.lanes {
		for _, w := range l.workers {
			wg.Go(func() { w.run(ctx, hard) })
		}
	}
	wg.Wait()
	return nil
}

// Wake tells a lane that something new may be owed to its destination. It does not block. An unknown name is ignored:
// what is owed to it waits in the store until the destination is configured.
func (o *Outbox) Wake(destination string) {
	if l, ok := o.named[destination]; ok {
		l.wake()
	}
}

// WakeAll wakes every lane.
func (o *Outbox) WakeAll() {
	for _, l := range o.lanes {
		l.wake()
	}
}

// Release hands a delivery that a person has released back to its lane, where it takes its old place in the order.
func (o *Outbox) Release(d store.Delivery) {
	if l, ok := o.named[d.Destination]; ok {
		l.window.place(d)
		l.wake()
	}
}
