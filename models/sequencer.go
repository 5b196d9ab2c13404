package models

import "sync"

// sequencer delivers the results of workers in the order of the chunks, so that
// sums are bit for bit the same for any number of workers. A pass over the chunks
// may have several results for each.
type sequencer struct {
	mu      sync.Mutex
	changed sync.Cond
	due     []int // for each result j, the chunk that is to be delivered next
	err     error // the first
}

// reset prepares a pass with k results a chunk.
func (s *sequencer) reset(k int) {
	s.changed.L = &s.mu
	s.err = nil
	if cap(s.due) < k {
		s.due = make([]int, k)
	}
	s.due = s.due[:k]
	clear(s.due)
}

// deliver waits until result j of the chunk is due and then collects it. It
// returns false once anything has failed, err included.
func (s *sequencer) deliver(chunk, j int, err error, collect func() error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for err == nil && s.err == nil && s.due[j] != chunk {
		s.changed.Wait()
	}
	if err == nil && s.err == nil {
		err = collect()
	}
	if s.err == nil {
		s.err = err
	}
	s.due[j]++
	s.changed.Broadcast()
	return s.err == nil
}
