package store

import (
	"errors"
	"time"
)

// Errors that say that the request makes no sense in the present state. None of them has changed anything.
var (
	ErrSettled  = errors.New("the arrival is settled already")
	ErrResolved = errors.New("the parked item is resolved already")
	ErrNotOwed  = errors.New("the delivery is not owed")
	ErrUnknown  = errors.New("there is no such entry")
)

// Options of a store. The zero value is ready for use.
type Options struct {
	OnEvent  func(Event)   // Called after the commit, from the writer: must not block and must not call the store.
	Linger   time.Duration // How long the writer waits for company when it had some; 0 means 200 µs, negative never.
	MaxBatch int           // Operations in one transaction; 0 means 256.
}

// Kind is the door that an arrival came in by.
type Kind string

const (
	KindMLLP Kind = "mllp"
	KindASTM Kind = "astm"
	KindScan Kind = "scan"
	KindAPI  Kind = "api"
)

// The states of an arrival.
const (
	Kept     = "kept"     // On disk, not decided.
	Settled  = "settled"  // Decided: what is owed for it is recorded.
	Parked   = "parked"   // Set aside for a person.
	Resolved = "resolved" // A person, or a later arrival, has dealt with it.
)

// The states of a delivery; [Parked] is one too.
const (
	StateOwed      = "owed"
	StateDelivered = "delivered"
	StateRejected  = "rejected"
)

// The classes of an [Outcome].
const (
	ClassDelivered   = "delivered"
	ClassRetry       = "retry"
	ClassPark        = "park"
	ClassUnconfirmed = "unconfirmed" // Sent, and nobody knows whether it was received: owed still.
)

// Arrival is bytes that came in.
type Arrival struct {
	ID         int64
	At         time.Time // Accept fills it in when it is zero.
	Kind       Kind
	Source     string // Name of the listener, device or page.
	Peer       string // Address or certificate name of the sender.
	Control    string // The sender's own number (MSH-10); "" when it has none.
	Incomplete bool   // The session broke before its end.
	Changes    int64  // The earlier arrival with the same control id and other bytes; 0 for none.
	Body       []byte // Verbatim; nil when retention has removed it.
	State      string
}

// Verdict says whether an arrival has been here before.
type Verdict uint8

const (
	New     Verdict = iota + 1
	Repeat          // Same source, same control id, same bytes: nothing new was kept.
	Changed         // Same source, same control id, other bytes: kept as new, and flagged.
)

func (v Verdict) String() string {
	switch v {
	case New:
		return "new"
	case Repeat:
		return "repeat"
	case Changed:
		return "changed"
	}
	return "none"
}

// Receipt is what Accept and Seal return: the arrival is on disk.
type Receipt struct {
	Arrival Arrival // For a Repeat, the first one.
	Verdict Verdict
	Reply   []byte // For a Repeat that is settled: what the first one was answered.
}

// Settlement is everything that follows from one arrival. It happens entirely or not at all (P4).
type Settlement struct {
	Arrival    int64
	Decision   string // What it was taken for: "result", "order", "query".
	Rule       string // The named rule that decided or filtered.
	Reply      []byte // What the sender is answered, kept for its retransmissions.
	Owed       []Owed
	Park       *Park   // Set aside for a person; nil when it is understood.
	Supersedes []int64 // Parked arrivals that this one resolves.
	Bindings   []Binding
	Revisions  []Revision
	Desk       *Desk
	Keys       []SearchKey
	Note       string // For people; no identity.
}

// Owed is one thing owed to one destination.
type Owed struct {
	Key         string // From [Store.Key]; the peer dedupes on it.
	Destination string
	Lane        string // "" for strict order over the whole destination.
	Kind        string // "order", "result" or "status".
	Subject     string // Order id, for follow-up.
	Label       string // For people; no identity.
	Payload     []byte // Frozen: every retry sends these bytes.
}

// Park says why an arrival is set aside, in words for the bench.
type Park struct{ Reason, Hint, Subject string }

// Binding ties a specimen to its order. Body is the JSON of lab.OrderWire.
type Binding struct {
	Specimen string
	Order    string
	Body     []byte
}

// Revision is the last state of one observation (P11). Value is a hash.
type Revision struct {
	Key    string
	Status string
	Value  string
	At     time.Time
}

// Desk is the state of the collection at one desk; nil State clears it.
type Desk struct {
	Name  string
	State []byte
}

// SearchKey is a value that people look an arrival up by. Only its keyed hash is stored.
type SearchKey struct {
	Kind  string // "specimen", "order", "person", "control", "code": for the caller's reader, not stored.
	Value string
}

// Delivery is one thing owed, and how far it is.
type Delivery struct {
	ID          int64
	Arrival     int64
	Key         string
	Destination string
	Lane        string
	Kind        string
	Subject     string
	Label       string
	Payload     []byte // nil when retention has removed it.
	OwedAt      time.Time
	State       string
	Attempts    int
	NotBefore   time.Time // Zero: at once.
	LastError   string
}

// Outcome is what one attempt at a delivery came to.
type Outcome struct {
	Delivery  int64
	Class     string
	Detail    string
	Hint      string
	NotBefore time.Time // For a retry.
	Then      []Owed    // Owed from now on, in the same transaction.
}

// Attempt is one recorded [Outcome].
type Attempt struct {
	N            int
	At           time.Time
	Class        string
	Detail, Hint string
}

// ParkedItem is one thing set aside for a person: an arrival, or, when Delivery is not 0, a delivery owed for it.
type ParkedItem struct {
	ID          int64
	Arrival     int64
	Delivery    int64
	Source      string // Source of the arrival, or destination of the delivery.
	Reason      string
	Hint        string
	Subject     string
	At          time.Time
	Resolved    string // "", "release", "reject" or "superseded".
	ResolvedAt  time.Time
	ResolvedBy  string
	ResolvedWhy string
}

// The actions of a [Resolution].
const (
	ActionRelease    = "release"
	ActionReject     = "reject"
	ActionSuperseded = "superseded"
)

// Resolution is what a person decided about a parked item.
type Resolution struct {
	Item   int64
	Action string
	By     string
	Why    string
}

// Released is what a resolution set free; each pointer is nil unless it was released.
type Released struct {
	Arrival  *Arrival  // Kept again: run the flow on it.
	Delivery *Delivery // Owed again: wake its lane.
}

// Query selects arrivals, newest first.
type Query struct {
	Limit  int    // 0 means 50; at most 1000.
	Before int64  // Only ids below; 0 for the newest.
	Source string // "" for all.
	State  string // "" for all.
	Text   string // An exact search key: specimen, order, control id, person in wire form. "" for all.
}

// ArrivalRow is one line of a list: no body, no identity.
type ArrivalRow struct {
	ID         int64
	At         time.Time
	Kind       Kind
	Source     string
	Peer       string
	Control    string
	Incomplete bool
	Changes    int64
	State      string
	Decision   string
	Rule       string
	Note       string
	Size       int // Bytes received.
	Owed       int // Deliveries that are neither delivered nor rejected.
	Deliveries int
}

// ArrivalDetail is everything that is known of one arrival.
type ArrivalDetail struct {
	Arrival     Arrival
	Settlements []Settling // Oldest first; more than one after a release.
	Deliveries  []DeliveryDetail
	Parked      []ParkedItem
}

// Settling is one recorded settlement.
type Settling struct {
	At                   time.Time
	Decision, Rule, Note string
	Reply                []byte
}

// DeliveryDetail is a delivery with its history.
type DeliveryDetail struct {
	Delivery
	History []Attempt
}

// Counts are totals since the store began.
type Counts struct {
	Arrivals   map[Kind]int64
	Kept       int64 // Waiting for a decision now.
	Settled    int64 // Decided, all time.
	Repeats    int64
	Changed    int64
	ParkedOpen int64
	Deliveries map[string]map[string]int64 // Destination → state → number now.
	Oldest     map[string]time.Time        // Destination → since when its oldest delivery has been owed.
	WAL        int64                       // Bytes of the write-ahead log on disk.
}

// The values of Event.What.
const (
	EventKept           = "kept"
	EventSettled        = "settled"
	EventParked         = "parked"
	EventDelivered      = "delivered"
	EventRetry          = "retry"
	EventDeliveryParked = "delivery-parked"
	EventResolved       = "resolved"
	EventFailed         = "failed"    // The store has stopped acknowledging; Detail says why.
	EventRecovered      = "recovered" // It acknowledges again.
)

// Event tells what was committed. It carries no personal data.
type Event struct {
	Time        time.Time
	What        string
	Arrival     int64
	Delivery    int64
	Source      string
	Destination string
	Kind        string
	Decision    string
	Label       string
	Detail      string
}
