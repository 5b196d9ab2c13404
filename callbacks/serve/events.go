package serve

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// rest is the least time between two events, in units of the time that it took to collect
// data last. So a page takes at most a twentieth of a processor from training.
const rest = 20

// events writes server-sent events: change at once, since the data may have changed while
// the page had no connection, and when the files have changed. The connection is open
// until the page closes it, or until the server ends.
func (s *Server) events(w http.ResponseWriter, r *http.Request, ended <-chan struct{}, open *atomic.Int32, files *watch) {
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(text string) bool {
		_, err := fmt.Fprint(w, text)
		return err == nil && control.Flush() == nil
	}
	const change = "event: change\ndata: files\n\n"
	open.Add(1)
	defer open.Add(-1)
	files.changed(time.Now())
	if r.Method == http.MethodHead || !send(change) {
		return
	}
	look := time.NewTicker(cmp.Or(s.Every, time.Second))
	defer look.Stop()
	alive := time.NewTicker(15 * time.Second) // tells the browser that the server is there, and the server that the browser is
	defer alive.Stop()
	sent, waiting := time.Now(), false
	for {
		select {
		case <-r.Context().Done():
			return
		case <-ended:
			send(change)
			return
		case <-alive.C:
			if !send(":\n\n") {
				return
			}
		case now := <-look.C:
			waiting = files.changed(now) || waiting
			if !waiting || now.Sub(sent) < rest*time.Duration(s.took.Load()) {
				continue
			}
			if !send(change) {
				return
			}
			sent, waiting = now, false
		}
	}
}

// A watch tells whether the files of runs have changed.
type watch struct {
	folders func() []record.Folder
	records map[record.Folder]*watched
	seen    string
}

// watched is the record of a run as it was read last.
type watched struct {
	stamp string
	run   *record.Run // nil if it cannot be read
}

func newWatch(folders func() []record.Folder) *watch {
	return &watch{folders: folders, records: make(map[record.Folder]*watched)}
}

// changed reports whether anything has changed since the last call: runs that came or
// went, their files, or whether a run is alive.
func (w *watch) changed(now time.Time) bool {
	var all strings.Builder
	for _, folder := range w.folders() {
		last := w.records[folder]
		if stamp := stampOf(folder.Run()); last == nil || last.stamp != stamp {
			last = &watched{stamp: stamp}
			if run, err := record.ReadRun(folder.Run()); err == nil {
				last.run = run
			}
			w.records[folder] = last
		}
		condition := record.Condition("")
		if last.run != nil {
			condition = last.run.Condition(now)
		}
		fmt.Fprintln(&all, folder, last.stamp, stampOf(folder.History()), condition)
	}
	was := w.seen
	w.seen = all.String()
	return w.seen != was
}

// stampOf returns the size of a file and when it was modified.
func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "none"
	}
	return fmt.Sprint(info.Size(), " ", info.ModTime().UnixNano())
}
