package central

import (
	"context"
	"errors"
	"time"

	"rorpost/gateway/lab"
)

// Errors of a [Store] that say that the request makes no sense in the present state. None of them has changed anything.
var (
	ErrUnknown = errors.New("there is no such entry")
	ErrContent = errors.New("the same key came with other content")
	ErrUsed    = errors.New("a specimen is bound to another order")
)

// Store keeps orders, patient results and units. Every method is one transaction, durable on return, and takes the time
// from its caller. Persons are named by their keyed hash; an implementation never reads a body.
type Store interface {
	// Place keeps a new order. An order with the same id or key is returned instead, with fresh false; ErrContent when
	// its content is another.
	Place(ctx context.Context, o OrderRecord) (kept OrderRecord, fresh bool, err error)
	// Order returns one order, or ErrUnknown.
	Order(ctx context.Context, id string) (OrderRecord, error)
	// OrdersOf returns a person's newest orders, newest first.
	OrdersOf(ctx context.Context, person []byte, limit int) ([]OrderRecord, error)
	// OrdersWith returns the orders that a specimen is bound to.
	OrdersWith(ctx context.Context, specimen string) ([]OrderRecord, error)
	// Claim locks an order to a unit if it is free or held by the same unit, in one conditional UPDATE (P8), and
	// reports whether it did.
	Claim(ctx context.Context, c Claim) (bool, error)
	// Advance replaces status, claim and specimens of an order if nobody has changed it since from was read, and
	// reports whether it did. ErrUsed when a specimen is bound to another order.
	Advance(ctx context.Context, from, to OrderRecord, e OrderEvent) (bool, error)

	// KeepResult appends a result to the queue. One with the same unit and key is returned instead, with fresh false;
	// ErrContent when its content is another.
	KeepResult(ctx context.Context, r ResultRecord) (id int64, fresh bool, err error)
	// Lease hands out the oldest results that nobody holds. No result of a person whose earlier one is held elsewhere
	// is among them.
	Lease(ctx context.Context, l Lease) ([]ResultRecord, error)
	// Acknowledge removes results from the queue for good. lost are the ids that the lease does not hold.
	Acknowledge(ctx context.Context, lease string, ids []int64, now time.Time) (lost []int64, err error)
	// GiveBack ends the lease of results that could not be taken.
	GiveBack(ctx context.Context, lease string, ids []int64, why string) (lost []int64, err error)

	// Seen keeps when a unit was last heard of; a report of nil keeps the last one.
	Seen(ctx context.Context, unit string, report []byte, now time.Time) error
	// Units returns every unit, by name.
	Units(ctx context.Context) ([]UnitRecord, error)

	// Stats counts.
	Stats(ctx context.Context, now time.Time) (Stats, error)
	// Ready returns nil when the store can write.
	Ready(ctx context.Context) error
	Close() error
}

// OrderRecord is an order as it is kept.
type OrderRecord struct {
	ID         string
	Key        string // Idempotency-Key that it came with; "" for none.
	Person     []byte // Keyed hash; nil for nobody.
	Content    []byte // Hash of the order as it was placed.
	Body       []byte // JSON of lab.OrderWire as it was placed; it never changes.
	Status     lab.OrderStatus
	Unit       string // Who holds it; "" for nobody.
	Collection string // For which collection.
	Specimens  []lab.Specimen
	Placed     time.Time
	Changed    time.Time
	Version    int64 // Counts the changes.
}

// Claim is the wish of a unit to collect an order.
type Claim struct {
	Order, Unit, Collection string
	At                      time.Time
}

// OrderEvent is one line of an order's history.
type OrderEvent struct {
	What string // "claim", "collected", …
	Unit string
	Note string // No identity.
	At   time.Time
}

// ResultRecord is one entry of the patient results queue.
type ResultRecord struct {
	ID       int64
	Unit     string // Who delivered it.
	Key      string // Idempotency-Key.
	Person   []byte // Keyed hash.
	Content  []byte // Hash.
	Order    string
	Body     []byte
	Received time.Time
	Attempts int // How often it has been leased.
}

// Lease is the wish of a consumer for results.
type Lease struct {
	Token    string // Random; what is acknowledged later.
	Consumer string
	Max      int
	Now      time.Time
	Until    time.Time // Then whoever asks gets them.
}

// UnitRecord is what is known of a unit.
type UnitRecord struct {
	ID       string
	Seen     time.Time
	Reported time.Time // Zero when it has never reported.
	Report   []byte    // JSON of its last [UnitReport]; nil for none.
}

// Stats are counts, without any identity.
type Stats struct {
	Orders       map[lab.OrderStatus]int64 `json:"orders"`
	Waiting      int64                     `json:"waiting"` // Results that are not acknowledged.
	Leased       int64                     `json:"leased"`  // Of those, in somebody's hands.
	Acknowledged int64                     `json:"acknowledged"`
	Oldest       time.Time                 `json:"oldest,omitzero"` // When the oldest that waits was received.
}
