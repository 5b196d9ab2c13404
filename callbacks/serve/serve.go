package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hessoscope/hessoscope/callbacks/export"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/report"
)

// Server serves the pages of runs.
type Server struct {
	// Paths are folders of runs, and folders that contain such folders. Runs that begin
	// later are found, too.
	Paths []string
	// Collect reads the data of the page of a run; report.Collect if nil.
	Collect func(context.Context, record.Folder) (*report.Data, error)
	// Every is the time between two looks at the files of a page that is open; a second
	// if zero.
	Every time.Duration

	collecting sync.Mutex   // so that many pages do not take the processors from training
	took       atomic.Int64 // nanoseconds that it took to collect data last
}

// Listen listens on a port of the loopback interface; on a free one if it is 0.
func Listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// URL returns the address of the list on a listener.
func URL(l net.Listener) string { return "http://" + l.Addr().String() + "/" }

// RunURL returns the address of the page of a run in one of the Paths, whose folder has
// the given name.
func RunURL(l net.Listener, name string) string { return URL(l) + runAddress(name) }

func runAddress(name string) string { return "runs/" + url.PathEscape(name) + "/" }

// farewell is the time that open pages have to request the last state before the server
// ends.
const farewell = time.Second

// Serve answers requests until ctx is done. It then tells pages that are open to request
// their data once more, waits for that, and closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ended, open := make(chan struct{}), new(atomic.Int32)
	server := &http.Server{Handler: s.handler(ended, open), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 16}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	listening := open.Load() > 0
	close(ended)
	if listening {
		time.Sleep(farewell)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-failed // http.ErrServerClosed
	return err
}

// Handler returns a handler of all addresses, for a server of one's own. It refuses
// requests whose host is no loopback name.
func (s *Server) Handler() http.Handler { return s.handler(nil, new(atomic.Int32)) }

// handler returns the handler. Its events end when ended is closed; open counts the
// pages that listen.
func (s *Server) handler(ended <-chan struct{}, open *atomic.Int32) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&export.Collector{Runs: s.exported}) // the only one: no conflict is possible
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { page(w, "runs") })
	mux.HandleFunc("GET /data.json", func(w http.ResponseWriter, _ *http.Request) {
		s.data(w, s.list)
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		s.events(w, r, ended, open, newWatch(s.folders))
	})
	ofRun := func(serve func(http.ResponseWriter, *http.Request, record.Folder)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			folder, known := s.runs()[r.PathValue("name")]
			if !known {
				http.Error(w, "there is no such run", http.StatusNotFound)
				return
			}
			serve(w, r, folder)
		}
	}
	mux.HandleFunc("GET /runs/{name}/{$}", ofRun(func(w http.ResponseWriter, r *http.Request, _ record.Folder) {
		page(w, r.PathValue("name"))
	}))
	mux.HandleFunc("GET /runs/{name}/data.json", ofRun(func(w http.ResponseWriter, r *http.Request, folder record.Folder) {
		s.data(w, func() (*report.Data, error) {
			if s.Collect == nil {
				return report.Collect(folder)
			}
			return s.Collect(r.Context(), folder)
		})
	}))
	mux.HandleFunc("GET /runs/{name}/events", ofRun(func(w http.ResponseWriter, r *http.Request, folder record.Folder) {
		s.events(w, r, ended, open, newWatch(func() []record.Folder { return []record.Folder{folder} }))
	}))
	return guard(mux)
}

// guard refuses requests to other hosts, and sets headers that keep other sites from
// using the answers.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "frame-ancestors 'none'") // the page has a policy of its own besides
		h.Set("Cache-Control", "no-store")
		if !loopback(r.Host) {
			http.Error(w, "this server answers to the names of this computer alone, such as localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopback reports whether the host of a request, with its port, is this computer.
func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "localhost" || name == "127.0.0.1" || name == "::1" || name == "[::1]"
}

// folders returns the folders of all runs. A path that has none yet has none.
func (s *Server) folders() []record.Folder {
	var all []record.Folder
	for _, path := range s.Paths {
		if folders, err := record.Runs([]string{path}); err == nil {
			all = append(all, folders...)
		}
	}
	return all
}

// runs returns the folders of all runs by the names that they are served under: those of
// the folders. Further runs of the same name have a number.
func (s *Server) runs() map[string]record.Folder {
	runs := make(map[string]record.Folder)
	for _, folder := range s.folders() {
		base := string(folder)
		if absolute, err := filepath.Abs(base); err == nil {
			base = filepath.Base(absolute)
		}
		name := base
		for n := 2; runs[name] != ""; n++ {
			name = fmt.Sprintf("%s (%d)", base, n)
		}
		runs[name] = folder
	}
	return runs
}

// exported returns the runs that have begun, for /metrics.
func (s *Server) exported() ([]export.Run, error) {
	var all []export.Run
	runs := s.runs()
	for _, name := range slices.Sorted(maps.Keys(runs)) {
		if r, err := record.ReadRun(runs[name].Run()); err == nil {
			all = append(all, export.Run{Name: name, Run: r})
		}
	}
	return all, nil
}

// list returns the data of the list of runs. Those that have not begun are not in it.
func (s *Server) list() (*report.Data, error) {
	names := make(map[string]string)
	for name, folder := range s.runs() {
		names[string(folder)] = name
	}
	var begun []record.Folder
	for _, folder := range s.folders() {
		if _, err := os.Stat(folder.Run()); err == nil {
			begun = append(begun, folder)
		}
	}
	if len(begun) == 0 {
		return &report.Data{Title: "no runs yet", Compare: true, Runs: []*report.Run{}}, nil
	}
	d, err := report.Compare(begun)
	if err != nil {
		return nil, err
	}
	d.Title = "Runs"
	for _, run := range d.Runs {
		run.Name = names[run.Folder]
		run.Link = runAddress(run.Name)
	}
	return d, nil
}

// page writes the page of a run or of the list.
func page(w http.ResponseWriter, title string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = report.WriteLive(w, title) // an error means that the browser is gone
}

// data writes what collect returns as JSON.
func (s *Server) data(w http.ResponseWriter, collect func() (*report.Data, error)) {
	text, err := s.encode(collect)
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, os.ErrNotExist) { // a run that is being prepared, or was deleted
			status = http.StatusNotFound
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // an error means that the browser is gone
}

func (s *Server) encode(collect func() (*report.Data, error)) ([]byte, error) {
	s.collecting.Lock()
	defer s.collecting.Unlock()
	defer func(began time.Time) { s.took.Store(int64(time.Since(began))) }(time.Now())
	d, err := collect()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = json.NewEncoder(&text).Encode(d)
	return text.Bytes(), err
}
