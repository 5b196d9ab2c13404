// Package trainer trains models and calls hooks during training.
//
// An epoch is one pass over the training split in mini-batches, followed by
// these stages:
//
//	evaluate → Measure hooks → Decide hooks → (evaluate and Measure again, if
//	the run was just stopped) → Record hooks → Save hooks
//
// Epoch 0 has no batches, only these stages: the untrained network is
// evaluated and measured too. A hook implements small optional interfaces,
// which are found by type assertion. It reads a State, records metrics that it
// declared beforehand, and may request a stop. A hook has no other influence: a
// run ends with the same parameters, bit for bit, whatever hooks watch it. The
// only exception is a hook that is told to put back the parameters of an
// earlier epoch when training ends.
//
// All random numbers come from one seed. Each use draws from a stream of its
// own, which is identified by a name and a number, so no generator state has to
// be saved. A Checkpoint is therefore small: parameters, optimizer, hook states,
// and the current batch and stage. A run that is resumed from it ends as if it
// had never been interrupted.
//
// A program that has its own training loop can keep it: a Session only
// evaluates the model and calls the hooks. It counts the epochs of the loop, or is
// told of each, and is saved and resumed at the end of epochs.
package trainer
