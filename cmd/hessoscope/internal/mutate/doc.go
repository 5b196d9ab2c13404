// Package mutate tests the tests: it changes an operator or a number of the
// libraries, one at a time, and looks whether a test fails. What no test notices
// has survived, and is either not tested or of no consequence. The reasons of those
// that may survive are in the table of docs/tests.md.
//
//	go test ./cmd/hessoscope/internal/mutate -run Mutate -mutate=300 -timeout 0 -v
//
// The package has tests only. The changed file is an overlay of the go command, so
// that the source tree stays as it is.
package mutate
