package models

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// sequencer delivers the results of workers in the order of the chunks, so that
// sums are bit for bit the same for any number of workers. A pass over the chunks
// may have several results for each.
type sequencer struct {
	due     []atomic.Int64 // for each result, the chunk that is to be delivered next
	workers int
	met     atomic.Int64 // how often a worker came to a meeting
	failed  atomic.Bool

	mu      sync.Mutex
	changed sync.Cond
	err     error // the first
}

// patience is how long a worker looks out for the others before it sleeps. Workers
// are done with chunks of the same size at nearly the same time, and to be woken
// takes a tenth of a millisecond.
const patience = time.Millisecond

// reset prepares a pass of workers with k results a chunk.
func (s *sequencer) reset(k, workers int) {
	s.changed.L = &s.mu
	s.workers = workers
	s.met.Store(0)
	s.err = nil
	s.failed.Store(false)
	if len(s.due) < k {
		s.due = make([]atomic.Int64, k)
	}
	for i := range k {
		s.due[i].Store(0)
	}
}

// deliver waits until result i of the chunk is due and then collects it. It
// returns false once anything has failed.
func (s *sequencer) deliver(chunk, i int, collect func() error) bool {
	if !s.until(func() bool { return s.due[i].Load() == int64(chunk) }) {
		return false
	}
	if err := collect(); err != nil {
		s.fail(err)
		return false
	}
	s.due[i].Store(int64(chunk) + 1)
	s.wake()
	return true
}

// meet waits until all workers have come. It returns false once anything has failed.
func (s *sequencer) meet() bool {
	came := s.met.Add(1)
	all := (came + int64(s.workers) - 1) / int64(s.workers) * int64(s.workers)
	if came == all {
		s.wake()
	}
	return s.until(func() bool { return s.met.Load() >= all })
}

// until waits until a condition holds, which another worker makes true before it calls
// wake. It returns false once anything has failed.
func (s *sequencer) until(holds func() bool) bool {
	ready := func() bool { return s.failed.Load() || holds() }
	for begin := time.Now(); !ready() && time.Since(begin) < patience; {
		runtime.Gosched()
	}
	if !ready() {
		s.mu.Lock()
		for !ready() {
			s.changed.Wait()
		}
		s.mu.Unlock()
	}
	return !s.failed.Load()
}

// fail ends the pass with an error, unless another has.
func (s *sequencer) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.failed.Store(true)
	s.wake()
}

// wake lets sleepers look for their turn. Under the lock, none of them misses it
// between its look and its sleep.
func (s *sequencer) wake() {
	s.mu.Lock()
	s.changed.Broadcast()
	s.mu.Unlock()
}
