// Package runs reads what finished runs have recorded in their folders.
//
// Candidates reads the runs to choose from, as package selection takes them, and
// sets those apart that cannot be read. Histories reads whole histories, as
// package stopping takes them, and wants every run to be readable. Both take the
// folders of runs, and folders that hold such folders, as that of a sweep.
package runs
