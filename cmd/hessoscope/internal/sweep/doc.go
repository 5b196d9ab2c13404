// Package sweep trains many runs of an experiment, each in a process of its own.
//
// A plan is a YAML file that gives an experiment, a grid of settings, variants
// and seeds. Every variant is trained at every point of the grid, or of a sample
// of it, with every seed:
//
//	Load → Plan → New → Sweep → Train → WriteTable
//
// New expands the plan into runs with complete settings, and finds out how far
// each is. Train starts a process for each run that is not finished, a number of
// them at once, and a run that starts from another waits for it. The process is
// the program itself with the command line of hessoscope train, attached by a
// pipe: Obey is its side of that pipe. The folder of the sweep holds the plan, the
// folders of the runs, their logs, and the table of all runs as sweep.json and
// sweep.csv.
package sweep
