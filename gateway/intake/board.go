package intake

import (
	"sync"
	"time"
)

// board is where the parts of one intake write how they are doing.
type board struct {
	mu sync.Mutex
	st Status
}

func newBoard(st Status) *board {
	st.State, st.Since = StateDown, time.Now()
	st.Detail = "not started"
	return &board{st: st}
}

func (b *board) status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.st
}

// become changes the state; Since moves only when the state does.
func (b *board) become(state, detail, hint string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(state, detail, hint)
}

func (b *board) set(state, detail, hint string) {
	if b.st.State != state {
		b.st.State, b.st.Since = state, time.Now()
	}
	b.st.Detail, b.st.Hint = detail, hint
}

// rank orders the states of an open port.
var rank = map[string]int{StateOpen: 1, StateBytes: 2, StateFrames: 3, StateMessages: 4}

// heard notes that something came, and that the other side has got at least as far as state.
func (b *board) heard(state, detail, hint string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.st.LastSeen = time.Now()
	if rank[state] > rank[b.st.State] {
		b.set(state, detail, hint)
	}
}

// message counts one message that is kept. It clears what was said of earlier trouble.
func (b *board) message() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.st.LastSeen = time.Now()
	b.st.Messages++
	b.set(StateMessages, "", "")
}

// reject counts one thing that was refused or incomplete, and says why.
func (b *board) reject(detail, hint string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.st.LastSeen = time.Now()
	b.st.Rejected++
	b.st.Detail, b.st.Hint = detail, hint
}

// remark says something without a change of state.
func (b *board) remark(detail, hint string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.st.Detail, b.st.Hint = detail, hint
}

// left notes that the last caller has hung up before it sent a message.
func (b *board) left() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.st.State == StateBytes {
		detail, hint := b.st.Detail, b.st.Hint
		if b.st.Rejected == 0 {
			detail, hint = listening, callHint
		}
		b.set(StateOpen, detail, hint)
	}
}
