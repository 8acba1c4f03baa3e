package outbox

import (
	"math/rand/v2"
	"time"
)

// The two things that a policy can do with an answer.
const (
	DoRetry = "retry"
	DoPark  = "park"
)

// Policy says when a delivery is tried again, and when a person must look at it. Zero fields mean their defaults.
// A destination that cannot be reached is tried for ever: nothing about the delivery is wrong.
type Policy struct {
	First  time.Duration // Pause before the second attempt; 500 ms. It doubles with each attempt.
	Max    time.Duration // Longest pause; 30 s.
	Jitter float64       // Random share of a pause, up or down; 0.2. Negative for none.

	OnAE       string // What AE and CE do: "retry" or "park"; "retry".
	AEAttempts int    // Answers AE or CE before a delivery is parked; 5. Negative: never.
	OnAR       string // What AR and CR do: "retry" or "park"; "park".

	// Attempts without an answer before a delivery is parked; 0: never. A peer that answers nothing is as a rule ill
	// itself, and parking would empty the whole queue into the hands of people.
	TimeoutAttempts int
}

func (p Policy) withDefaults() Policy {
	if p.First <= 0 {
		p.First = 500 * time.Millisecond
	}
	if p.Max <= 0 {
		p.Max = 30 * time.Second
	}
	p.Max = max(p.Max, p.First)
	if p.Jitter == 0 {
		p.Jitter = 0.2
	}
	if p.OnAE == "" {
		p.OnAE = DoRetry
	}
	if p.AEAttempts == 0 {
		p.AEAttempts = 5
	}
	if p.OnAR == "" {
		p.OnAR = DoPark
	}
	return p
}

// pause returns how long to wait after the n-th failed attempt, n from 1. luck is in [0, 1).
func (p Policy) pause(n int, luck float64) time.Duration {
	d := p.First
	for i := 1; i < n && d < p.Max; i++ {
		d *= 2
	}
	d = min(d, p.Max)
	if p.Jitter > 0 {
		d += time.Duration(float64(d) * p.Jitter * (2*luck - 1))
	}
	return d
}

func (p Policy) pauseNow(n int) time.Duration { return p.pause(n, rand.Float64()) }
