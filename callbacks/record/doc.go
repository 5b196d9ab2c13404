// Package record defines the files that a training run leaves behind, for the
// code that writes them and the code that reads them. A run is a [Folder]:
//
//	config.yaml           all settings of the run
//	run.json              the description of the run and how it ended: a [Run]
//	metrics.jsonl         the metrics recorded at each epoch: one [Entry] per line
//	metrics.csv           the same metrics as a table
//	checkpoints/          last.npz, best.npz, epoch-000200.npz
//	measurements/         spectrum-000200.npz, margin-000200.npz
//
// Files that are written once are replaced atomically, by package durable. A file
// that grows line by line is an [AppendFile]. Its length is part of a checkpoint,
// and a resumed run cuts the file back to that length, so that it ends with the
// same lines as a run that was never interrupted.
//
// [Folder.Spectra] and [Folder.ReadSpectrum] read the measurements, and [Series] the
// values of a metric.
//
// The package also has constants for the names of metrics that other packages
// read.
package record
