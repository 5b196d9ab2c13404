// Package sweep trains many runs of an experiment, each in a process of its own.
//
// A plan is a YAML file with an experiment, a grid of settings, variants and seeds.
// Every variant is trained with every seed at every point of the grid, or of a sample
// of it:
//
//	Load → Plan → New → Sweep → Train → WriteTable
//
// New expands the plan into runs with complete settings, and determines which of them
// are finished or interrupted. Train starts a process for each run that is not
// finished, several at once. A run that starts from another waits for it. The process
// executes this program with the command line of hessoscope train. It is attached by a
// pipe, whose other side is Obey. The folder of the sweep contains the plan, the
// folders of the runs, their logs, and the table of all runs as sweep.json and
// sweep.csv.
package sweep
