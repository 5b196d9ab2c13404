// Package callbacks provides hooks for training runs. A hook is a small type
// whose zero fields mean the defaults; it is passed to trainer.New or
// trainer.NewSession.
//
// At the end of an epoch, hooks run in the order of their phases:
//
//	measure   Spectrum, the eigenvalues of the Hessian; Complexity, which uses its eigenpairs; Plane, likewise; Margin;
//	          EffectiveRank, CriticalSharpness and Parameters, which are cheap; Sharpness
//	decide    EarlyStopping, by a rule of package stopping
//	record    JSONL, CSV, Logger, Progress
//	save      Checkpoint, RunRecord
//
// A hook that measures records metrics in the trainer.State. A hook that records
// writes the metrics that are fresh, that is, recorded at this epoch, whichever
// hook measured them. The files survive a crash. Some are replaced atomically.
// The others grow line by line, and a resumed run cuts them back to their length
// at the checkpoint, so that it leaves the same lines as an uninterrupted run.
package callbacks
