// Package report shows runs as a page that one opens in a browser: one HTML file
// that holds everything and requests nothing.
//
//	folder of a run  ── Collect ──▶  Data  ── Write ─────▶  report.html
//	                                  │ JSON
//	                                  └── data.json ──▶  WriteLive, the same page of a run that is still training
//
// Data is what the page shows. Collect reads it from the folder of one run, and
// Compare from those of several. It has a Summary in plain words, the metrics as
// Series, and a Frame for every epoch whose spectrum was measured. So that a page
// stays small, numbers are rounded to what a chart can show, and of a long run only
// some epochs are kept; the page says how many.
//
// A page holds its data as JSON in which <, > and & are escaped, and its script
// shows every string as text. A policy in the page forbids requests, and scripts
// other than its own.
package report
