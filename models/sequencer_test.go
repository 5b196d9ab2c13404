package models

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// The results of three workers come in the order of the chunks, whatever their pace:
// one that is slower than the others' patience, too.
func TestSequencerOrders(t *testing.T) {
	const workers, chunks, results = 3, 9, 2
	s := new(sequencer)
	for range 2 { // it is used again
		s.reset(results, workers)
		var got [results][]int
		var wait sync.WaitGroup
		for w := range workers {
			wait.Go(func() {
				for chunk := w; chunk < chunks; chunk += workers {
					if chunk == 3 {
						time.Sleep(3 * patience)
					}
					for i := range results {
						if !s.deliver(chunk, i, func() error { got[i] = append(got[i], chunk); return nil }) {
							t.Errorf("chunk %d was not delivered", chunk)
						}
					}
				}
			})
		}
		wait.Wait()
		for i := range results {
			if !slices.Equal(got[i], []int{0, 1, 2, 3, 4, 5, 6, 7, 8}) {
				t.Errorf("result %d came in the order %v", i, got[i])
			}
		}
	}
}

// A failure wakes those that wait, and is the error of the pass.
func TestSequencerFails(t *testing.T) {
	s := new(sequencer)
	s.reset(1, 2)
	first := errors.New("chunk 0 is broken")
	done := make(chan bool)
	go func() {
		done <- s.deliver(1, 0, func() error { t.Error("chunk 1 before chunk 0"); return nil })
	}()
	time.Sleep(2 * patience)
	if s.deliver(0, 0, func() error { return first }) || <-done {
		t.Error("delivered after a failure")
	}
	s.fail(errors.New("another"))
	if s.err != first {
		t.Errorf("the error is %v; want the first, %v", s.err, first)
	}
	s.reset(1, 2)
	if s.err != nil || !s.deliver(0, 0, func() error { return nil }) {
		t.Error("a failure outlives its pass")
	}
}
