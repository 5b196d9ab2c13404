// Package record defines the files that a training run leaves behind, for the
// code that writes them and the code that reads them. A run is a [Folder]:
//
//	config.yaml           all settings of the run
//	run.json              the description of the run and how it ended: a [Run]
//	metrics.jsonl         the metrics recorded at each epoch: one [Entry] per line
//	metrics.csv           the same metrics as a table
//	metrics.prom, events.out.tfevents.hessoscope   for other programs: package export
//	checkpoints/          last.npz, previous.npz, best.npz, epoch-000200.npz
//	measurements/         spectrum-000200.npz, margin-000200.npz
//	report.html           the run as a page
//
// Files that are written once are replaced atomically, by package durable. A file
// that grows line by line is an [AppendFile]. Its length and checksum are part of a
// checkpoint, and a resumed run cuts the file back to that length, so that it ends with the
// same lines as a run that was never interrupted. Records and histories have checksums of
// their own, so that damage is an error and no other number.
//
// [Folder.Spectra] and [Folder.ReadSpectrum] read the measurements, and [Series] the
// values of a metric.
//
// The package also has constants for the names of metrics that other packages
// read.
package record
