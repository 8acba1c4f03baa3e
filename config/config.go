// Package config turns one TOML file into typed values, strictly: an unknown key, a duplicate name, a dangling reference
// or a value out of range is an error with file, line and column, what was found, what is allowed and a hint.
//
//	cfg, err := config.Load("/etc/rorpost/rorpost.toml", config.Options{Profiles: devices.Names()})
//
// The file example.toml beside this package is its documentation: every key, its default and one sentence; tests hold it
// to [Default] and to the types below. Environment variables override scalars of the single sections, never of the
// lists: RORPOST_STORE_DIR is store.dir. TOML alone decodes the document, so that keys keep their case and errors have
// lines; viper only layers the environment over it.
//
// [Parse] reports every mistake at once, as [Errors]. What is suspicious but allowed is in [Config.Warnings].
// It opens no port and connects to nothing, and reads certificates only when asked to, by the Config method of a TLS section.
package config

import "time"

// Config is the whole file.
type Config struct {
	Unit         Unit          `toml:"unit"`
	Log          Log           `toml:"log"`
	Web          Web           `toml:"web"`
	Store        Store         `toml:"store"`
	Desk         Desk          `toml:"desk"`
	Orders       Orders        `toml:"orders"`
	Central      Central       `toml:"central"`
	Listeners    []Listener    `toml:"listener"`
	Devices      []Device      `toml:"device"`
	Destinations []Destination `toml:"destination"`
	Routes       []Route       `toml:"route"`
	Users        []User        `toml:"user"`

	warnings []string
}

// Warnings returns what is allowed and yet suspicious, one sentence each, with file and line.
func (c *Config) Warnings() []string { return c.warnings }

// Unit is the sampling unit that this gateway stands in.
type Unit struct {
	ID   string `toml:"id"` // HSA-id; "" in a data centre.
	Name string `toml:"name"`
}

// Log is what the program writes about itself.
type Log struct {
	Level  string `toml:"level"`  // "debug", "info", "warn" or "error".
	Format string `toml:"format"` // "": text on a terminal, JSON otherwise; or "text", "json".
}

// Web is the pages, the API and the metrics.
type Web struct {
	Listen string    `toml:"listen"`
	Hosts  []string  `toml:"hosts"` // Further host names, as behind a proxy.
	TLS    ServerTLS `toml:"tls"`
}

// Store is the durable memory.
type Store struct {
	Dir  string   `toml:"dir"`
	Keep Duration `toml:"keep"` // What is not delivered or still parked is kept longer.
}

// Desk is the work at the sampling desk.
type Desk struct {
	Confirm  string   `toml:"confirm"` // "auto" or "desk".
	Lifetime Duration `toml:"lifetime"`
	Specimen Label    `toml:"specimen"`
	Scan     Scan     `toml:"scan"`
}

// Label says what the barcode on a tube looks like.
type Label struct {
	Pattern string `toml:"pattern"` // Regular expression without the check character; "" means 6 to 22 letters, digits and dashes.
	Check   string `toml:"check"`   // "none", "luhn", "mod10", "mod11" or "mod43".
	Codabar bool   `toml:"codabar"`
}

// Scan is what the scanners add around each scan.
type Scan struct {
	Prefix string `toml:"prefix"`
	Suffix string `toml:"suffix"`
}

// Orders is where the orders are kept.
type Orders struct {
	Source  string    `toml:"source"` // "central" or "none".
	URL     string    `toml:"url"`
	Timeout Duration  `toml:"timeout"` // One look-up; the person at the desk waits for it.
	TLS     ClientTLS `toml:"tls"`
}

// Central is the order store and patient queue, for rorpost central.
type Central struct {
	Dir       string    `toml:"dir"`
	Listen    string    `toml:"listen"`
	Sources   []string  `toml:"sources"`   // Certificate names that may place and cancel orders.
	Consumers []string  `toml:"consumers"` // Certificate names that may empty the patient queue.
	TLS       ServerTLS `toml:"tls"`
}

// Listener takes messages in.
type Listener struct {
	Name           string    `toml:"name"`
	Protocol       string    `toml:"protocol"` // "mllp".
	Listen         string    `toml:"listen"`
	TLS            ServerTLS `toml:"tls"`
	Allow          []Network `toml:"allow"`
	Ack            string    `toml:"ack"`        // "auto" (MSH-15 and MSH-16 decide), "original" or "enhanced".
	Unmatched      string    `toml:"unmatched"`  // "park" or "pass".
	Specimen       []string  `toml:"specimen"`   // HL7 paths tried in turn for the specimen id.
	Component      int       `toml:"component"`  // Of OBX-3 that holds the code; 0: the first that is not empty.
	Processing     []string  `toml:"processing"` // MSH-11 values that are accepted.
	Zone           string    `toml:"zone"`       // Of times that carry none.
	MaxMessage     Bytes     `toml:"max_message"`
	MaxConnections int       `toml:"max_connections"`
}

// Scanner is the profile name of a barcode scanner; every other profile is an analyzer's.
const Scanner = "scanner"

// Device is an analyzer or a barcode scanner.
type Device struct {
	Name      string `toml:"name"`
	Profile   string `toml:"profile"`
	Port      string `toml:"port"`
	Unmatched string `toml:"unmatched"` // "park" or "pass".
}

// IsScanner reports whether the device is a barcode scanner.
func (d Device) IsScanner() bool { return d.Profile == Scanner }

// Destination is a receiver of messages.
type Destination struct {
	Name           string    `toml:"name"`
	Kind           string    `toml:"kind"`   // "mllp", "http" or "file".
	Serves         string    `toml:"serves"` // "journal", "patient", "laboratory" or "".
	Address        string    `toml:"address"`
	TLS            ClientTLS `toml:"tls"`
	Timeout        Duration  `toml:"timeout"` // For an answer.
	ApplicationAck bool      `toml:"application_ack"`
	OrderBy        string    `toml:"order_by"` // "", "patient" or "specimen".
	Lanes          int       `toml:"lanes"`

	Version         string `toml:"version"`
	Charset         string `toml:"charset"`
	Processing      string `toml:"processing"`
	Specimen        string `toml:"specimen"`
	Application     string `toml:"application"`
	Facility        string `toml:"facility"`
	PeerApplication string `toml:"peer_application"`
	PeerFacility    string `toml:"peer_facility"`

	Retry Retry `toml:"retry"`
}

// Retry says when a delivery is tried again and when it is set aside for a person.
type Retry struct {
	First      Duration `toml:"first"`
	Max        Duration `toml:"max"`
	AE         string   `toml:"ae"`          // "retry" or "park".
	AEAttempts int      `toml:"ae_attempts"` // -1: without end.
	AR         string   `toml:"ar"`          // "park" or "retry".
}

// Route is one line of the table that says who gets what; the first that matches decides.
type Route struct {
	Name   string   `toml:"name"`
	When   When     `toml:"when"`
	To     []string `toml:"to"`
	Filter string   `toml:"filter"` // The reason why a match is set aside on purpose.
	Park   string   `toml:"park"`   // The reason why a person must look at a match.
}

// When is what a route asks for; an empty field asks nothing.
type When struct {
	Kind   string `toml:"kind"`   // "result", "order" or "message".
	Type   string `toml:"type"`   // MSH-9.1.
	Event  string `toml:"event"`  // MSH-9.2.
	Source string `toml:"source"` // A listener's or a device's name.
	Unit   string `toml:"unit"`   // HSA-id.
	Code   string `toml:"code"`   // Of an analysis.
	Status string `toml:"status"` // HL7 table 0085.
}

// User may log in to the pages.
type User struct {
	Name         string `toml:"name"`
	Role         string `toml:"role"` // "staff", "lab-it", "operations" or "auditor".
	PasswordHash Secret `toml:"password_hash"`
}

// Location returns the time zone of times that carry none. [Parse] has checked that it exists.
func (l Listener) Location() *time.Location {
	zone, err := time.LoadLocation(l.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}
