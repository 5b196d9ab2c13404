// Package runs reads the folders of recorded runs.
//
// Candidates reads runs for package selection, and sets those apart that cannot be
// read. Histories reads whole histories for package stopping, and every run must be
// readable. Both take folders of runs and folders that contain such folders, such as
// that of a sweep.
package runs
