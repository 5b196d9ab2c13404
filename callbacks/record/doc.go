// Package record is what a training run leaves behind, for those that write it
// and those that read it. A run is a [Folder]:
//
//	config.yaml           all its settings
//	run.json              what it is and how it ended: a [Run]
//	metrics.jsonl         what was fresh at the end of each epoch: an [Entry] a line
//	metrics.csv           the same as a table
//	checkpoints/          last.npz, best.npz, epoch-000200.npz
//	measurements/         spectrum-000200.npz, margin-000200.npz
//
// Files that are written once are replaced as a whole, by package durable. Files
// that grow line by line are an [AppendFile]: its length is part of a checkpoint,
// and a run that is resumed cuts it back to that, so that it ends with the same
// lines as a run that was never interrupted.
//
// The package also names the metrics that others depend on by name.
package record
