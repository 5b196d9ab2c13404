// Package experiment turns an experiment file into a monitored training run.
//
// An experiment is a YAML file that chooses the data, the model, the training and
// the measurements. It is a preset, a file of the user, or the config.yaml of a
// run:
//
//	Load, Set → Validate → Resolve → Prepare → trainer.Trainer
//
// Load reads the file strictly, and Set changes settings. Validate finds invalid
// settings before any data is loaded. Resolve fills in the defaults. Prepare loads
// the data, builds the model and attaches the hooks that write into the folder of
// the run. LoadData and BuildModel are parts of Prepare for callers that do not
// train. Resume prepares an interrupted run from its last checkpoint.
//
// A Trained is a finished model: ReadTrained reads it from a run, Write stores it in one
// file with all that is needed to use it, and ReadModelFile reads that.
package experiment
