package intake

import "time"

// The states of a device or listener, from nothing to everything.
const (
	StateDown     = "down"     // The port cannot be opened.
	StateWaiting  = "waiting"  // For the other side to connect.
	StateOpen     = "open"     // The port is open; nothing has been heard.
	StateBytes    = "bytes"    // Something was heard, but no frame yet.
	StateFrames   = "frames"   // Frames are understood, but no message was complete yet.
	StateMessages = "messages" // Messages arrive.
)

// The kinds of intake.
const (
	KindAnalyzer = "analyzer"
	KindScanner  = "scanner"
	KindListener = "listener"
)

// Status is how one device or listener is doing, without personal data.
type Status struct {
	Name, Kind         string // Kind is "analyzer", "scanner" or "listener".
	Profile, Port      string
	State              string    // "down", "waiting", "open", "bytes", "frames" or "messages".
	Since              time.Time // When that state began.
	LastSeen           time.Time // When the last byte or message was heard; zero for never.
	Detail, Hint       string    // What is the matter, and what a person at the bench can do.
	Messages, Rejected uint64    // Since the start of the program.
}
