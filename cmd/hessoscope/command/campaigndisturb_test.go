//go:build linux && amd64

package command

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// killsAtCalls kills work just before system calls that change a file, evenly spread over
// all of them. Two of three trials are killed again while they go on.
func killsAtCalls(c *campaign, n int) tally {
	return c.each("kill at a call", n, func(r *trial, i int) error {
		w, call := c.spread(i, (n+1)/2) // a trial has two kills on average
		if err := r.prepared(w); err != nil {
			return err
		}
		args := w.first
		for kills := 1 + i%3; kills > 0; kills-- {
			victim := []verdict{killAll, killFirst, killCaller}[r.rng.IntN(3)]
			end, err := r.traced(fmt.Sprintf(" killed (%d) at call %d", victim, call), func(*touch) verdict {
				call--
				if call == -1 {
					return victim
				}
				return goOn
			}, nil, args...)
			if err != nil {
				return err
			}
			if call >= 0 { // it ended before
				if err := sound(end); err != nil {
					return err
				}
				break
			}
			r.tried++
			args, call = w.next(r.dir), r.rng.IntN(w.calls)
		}
		return r.finish(w)
	})
}

// killsAtMoments kills work at any moment, with or without the processes that it started.
func killsAtMoments(c *campaign, n int) tally {
	return c.each("kill at any moment", n, func(r *trial, i int) error {
		w := c.works[i%len(c.works)]
		if i%2 == 0 { // half of all on what takes longest
			w = c.works[i/2%3]
		}
		if err := r.prepared(w); err != nil {
			return err
		}
		args := w.first
		for range 1 + i%3 {
			p, err := r.start(args...)
			if err != nil {
				return err
			}
			after := time.Duration(r.rng.Float64() * float64(w.took))
			time.Sleep(after)
			victim := p.Process.Pid
			if r.rng.IntN(2) == 0 {
				victim = -victim // the group
			}
			killed := syscall.Kill(victim, syscall.SIGKILL) == nil
			if end := r.ended(p, fmt.Sprint(" killed after ", after)); end.status != -1 {
				if err := sound(end); err != nil {
					return err
				}
				break
			}
			if killed {
				r.tried++
			}
			args = w.next(r.dir)
		}
		return r.finish(w)
	})
}

// fullDisks does work on a disk that becomes full at some write, and goes on when there
// is room again.
func fullDisks(c *campaign, n int) tally {
	return c.each("full disk", n, func(r *trial, i int) error {
		w, call := c.spread(i, n)
		if err := r.prepared(w); err != nil {
			return err
		}
		const (
			stays       = 1 << iota // the disk stays full; else there is room at once
			alsoSyncs               // as of a file system that reserves room late
			alsoFolders             // renaming takes room, too
		)
		kind, refused := r.rng.IntN(8), 0
		end, err := r.traced(fmt.Sprintf(" with a full disk (%d) from call %d", kind, call), func(t *touch) verdict {
			call--
			if call >= 0 || refused > 0 && kind&stays == 0 {
				return goOn
			}
			switch t.call {
			case syscall.SYS_WRITE, syscall.SYS_PWRITE64:
				if call == -1 {
					return writeHalf
				}
			case syscall.SYS_OPENAT:
				if !t.created {
					return goOn
				}
			case syscall.SYS_FSYNC:
				if kind&alsoSyncs == 0 {
					return goOn
				}
			case syscall.SYS_RENAMEAT, syscall.SYS_LINKAT:
				if kind&alsoFolders == 0 {
					return goOn
				}
			case syscall.SYS_MKDIRAT:
			default:
				return goOn
			}
			refused++
			return failForRoom
		}, nil, w.first...)
		if err != nil {
			return err
		}
		r.tried++
		if err := sound(end); err != nil {
			return err
		}
		if refused > 0 && end.status == 0 && !strings.Contains(end.stderr, "no report") {
			if err := r.compare(w); err != nil {
				return fmt.Errorf("it was told nothing of a full disk, but %w", err)
			}
		}
		return r.finish(w)
	})
}

// powerCuts does work while it is recorded what reaches the disk when, and goes on with
// what a power cut might have left of it.
func powerCuts(c *campaign, n int) tally {
	perRecord := min(25, n/len(c.works)+1) // power cuts
	return c.each("power cut", n, func(r *trial, i int) error {
		w := c.works[i%len(c.works)]
		if i%2 == 0 {
			w = c.works[i/2%3]
		}
		if err := r.prepared(w); err != nil {
			return err
		}
		args := w.first
		if i%4 < 2 { // work that goes on after a kill
			if err := r.killedAt(w, r.rng.IntN(w.calls)); err != nil {
				return err
			}
			args = w.next(r.dir)
		}
		d, err := newDisk(r.dir)
		if err != nil {
			return err
		}
		end, err := r.traced(" recorded", func(*touch) verdict { return goOn }, d.record, args...)
		if err := errors.Join(err, d.err); err != nil {
			return err
		}
		if end.status != 0 {
			return fmt.Errorf("undisturbed: status %d, error %q", end.status, end.stderr)
		}
		before := len(r.history)
		for range perRecord {
			if err := os.RemoveAll(r.dir); err != nil {
				return err
			}
			how, err := d.cut(r.dir, r.rng)
			r.history = append(r.history[:before], how)
			r.tried++
			if err != nil {
				return err
			}
			if err := r.finish(w); err != nil {
				return err
			}
		}
		return nil
	})
}
