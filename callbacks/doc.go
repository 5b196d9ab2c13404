// Package callbacks holds the hooks of a training run: small types whose
// fields have good zero values, given to trainer.New or trainer.NewSession.
//
// In the order in which they run at the end of an epoch:
//
//	measure   Spectrum, the Hessian's eigenvalues, and with it Complexity; Margin
//	decide    EarlyStopping, by a rule of the package stopping, and others that read metrics and may stop the run
//	record    JSONL, CSV, Logger, Progress
//	save      Checkpoint, RunRecord
//
// A measuring hook records metrics in the trainer.State; a recorder writes
// those that are fresh, whoever measured them. What is written survives a
// crash: files are replaced as a whole, or grow by lines and are cut back to
// where the checkpoint was taken, so that a run that was killed and resumed
// leaves the same lines as one that was not.
package callbacks
