// Package trainer trains models and calls hooks while it does.
//
// One epoch is a pass over the training split in mini-batches, and then its
// end, in stages:
//
//	evaluate → Measure hooks → Decide hooks → (evaluate and Measure again, if
//	the run was just stopped) → Record hooks → Save hooks
//
// Epoch 0 is the end of no batches at all: the untrained network is evaluated
// and measured too. Hooks are small optional interfaces, found by type
// assertion; they read a State, record metrics that they declared before, and
// may ask for a stop. Nothing else flows back: a run ends with the same
// parameters, bit for bit, whatever hooks watch it, unless one is asked to put
// those of an earlier epoch back when all is over.
//
// All randomness comes from one seed, by streams that are named and numbered
// instead of carried along, so a Checkpoint is small: parameters, optimizer,
// hook states and a cursor that tells batch and stage. A run resumed from it
// ends as if it had never been interrupted.
//
// Somebody who has a training loop already keeps it: a Session evaluates and
// fires the hooks alone.
package trainer
