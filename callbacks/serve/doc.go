// Package serve shows runs in a browser while they train: a list of runs, and for each run
// the page of package report, which follows the run.
//
//	/                         the list; /data.json and /events feed it
//	/runs/NAME/               the page of a run; data.json and events below it feed it
//	/metrics                  the last values of all runs, for Prometheus
//
// The events are server-sent: after an event named change, the page requests data.json
// again. The server only reads the files of the runs, so it serves a run of the same
// process as well as one of another. Every few moments it looks whether they have changed.
//
// What a server on the own computer must not do: it listens on the loopback interface
// alone; it answers GET and HEAD alone; it answers requests to a loopback name alone, so
// that a site whose name is made to point to this computer gets nothing; and no part of an
// address becomes a path of a file.
package serve
