// Package export writes the metrics of runs in the formats of other programs:
//
//	TensorBoard   a hook that writes an event file: scalars, histograms of eigenvalues, hyper-parameters
//	OpenMetrics   a hook that keeps a text file with the last values, for a collector of text files
//	Collector     the last values of any number of runs, for a registry of github.com/prometheus/client_golang
//
// An event file grows like those of callbacks.JSONL and callbacks.CSV: its length is part
// of a checkpoint, and a resumed run cuts it back. The text file is replaced atomically.
package export
