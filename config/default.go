package config

import (
	_ "embed"
	"slices"
	"time"
)

// Example is the documented example configuration; it parses to [Default].
//
//go:embed example.toml
var Example string

// Default returns what an empty file means.
func Default() *Config {
	return &Config{
		Log:     Log{Level: "info"},
		Web:     Web{Listen: "127.0.0.1:8080"},
		Store:   Store{Dir: "/var/lib/rorpost", Keep: days(90)},
		Desk:    Desk{Confirm: "auto", Lifetime: span(30 * time.Minute), Specimen: Label{Check: "none"}},
		Orders:  Orders{Source: "none", Timeout: span(5 * time.Second)},
		Central: Central{Dir: "/var/lib/rorpost-central", Listen: "127.0.0.1:8090"},
	}
}

// DefaultListener returns what the keys of a [[listener]] mean when they are not given.
func DefaultListener() Listener {
	return Listener{
		Protocol: "mllp", Ack: "auto", Unmatched: "park", Processing: []string{"P"}, Zone: "Europe/Stockholm",
		Specimen:   []string{"SPM-2.1.1", "SPM-2.2.1", "SPM-2", "SAC-3.1"},
		MaxMessage: 4 << 20, MaxConnections: 64,
	}
}

// DefaultDevice returns what the keys of a [[device]] mean when they are not given.
func DefaultDevice() Device { return Device{Unmatched: "park"} }

// DefaultDestination returns what the keys of a [[destination]] mean when they are not given.
func DefaultDestination() Destination {
	return Destination{
		Kind: "mllp", Timeout: span(30 * time.Second), Lanes: 8, Version: "2.5.1", Charset: "UNICODE UTF-8",
		Processing: "P", Specimen: "NTE", Application: "RORPOST",
		Retry: Retry{First: span(500 * time.Millisecond), Max: span(30 * time.Second), AE: "retry", AEAttempts: 5, AR: "park"},
	}
}

func span(d time.Duration) Duration { return Duration{d} }

func days(n int) Duration { return span(time.Duration(n) * 24 * time.Hour) }

// complete fills in the defaults of the lists, which TOML decodes from nothing. given tells whether the file has a key.
func (c *Config) complete(given func(path string) bool) {
	for i := range c.Listeners {
		c.Listeners[i].complete(given, at("listener", i))
	}
	for i := range c.Devices {
		fill(&c.Devices[i].Unmatched, DefaultDevice().Unmatched, given(at("device", i)+".unmatched"))
	}
	for i := range c.Destinations {
		c.Destinations[i].complete(given, at("destination", i))
	}
}

func (l *Listener) complete(given func(string) bool, path string) {
	d := DefaultListener()
	fill(&l.Protocol, d.Protocol, given(path+".protocol"))
	fill(&l.Ack, d.Ack, given(path+".ack"))
	fill(&l.Unmatched, d.Unmatched, given(path+".unmatched"))
	fill(&l.Zone, d.Zone, given(path+".zone"))
	fill(&l.MaxMessage, d.MaxMessage, given(path+".max_message"))
	fill(&l.MaxConnections, d.MaxConnections, given(path+".max_connections"))
	if !given(path + ".specimen") {
		l.Specimen = slices.Clone(d.Specimen)
	}
	if !given(path + ".processing") {
		l.Processing = slices.Clone(d.Processing)
	}
}

func (t *Destination) complete(given func(string) bool, path string) {
	d := DefaultDestination()
	fill(&t.Kind, d.Kind, given(path+".kind"))
	fill(&t.Timeout, d.Timeout, given(path+".timeout"))
	fill(&t.Lanes, d.Lanes, given(path+".lanes"))
	fill(&t.Version, d.Version, given(path+".version"))
	fill(&t.Charset, d.Charset, given(path+".charset"))
	fill(&t.Processing, d.Processing, given(path+".processing"))
	fill(&t.Specimen, d.Specimen, given(path+".specimen"))
	fill(&t.Application, d.Application, given(path+".application"))
	fill(&t.Retry.First, d.Retry.First, given(path+".retry.first"))
	fill(&t.Retry.Max, d.Retry.Max, given(path+".retry.max"))
	fill(&t.Retry.AE, d.Retry.AE, given(path+".retry.ae"))
	fill(&t.Retry.AEAttempts, d.Retry.AEAttempts, given(path+".retry.ae_attempts"))
	fill(&t.Retry.AR, d.Retry.AR, given(path+".retry.ar"))
}

func fill[T any](field *T, value T, given bool) {
	if !given {
		*field = value
	}
}
