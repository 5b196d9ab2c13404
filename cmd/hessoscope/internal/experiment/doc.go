// Package experiment makes a monitored training run of an experiment file.
//
// An experiment says in YAML which data, which model, how it is trained and what
// is measured meanwhile. It is a preset, a file of the user, or the config.yaml
// of a run:
//
//	Load, Set → Validate → Resolve → Prepare → trainer.Trainer
//
// Load reads it strictly and Set changes one setting. Validate finds what cannot
// be meant, before any data is loaded. Resolve puts in the defaults. Prepare
// loads the data, builds the model and attaches the hooks that write into the
// folder of the run. LoadData and BuildModel are its parts for those who do not
// train. Resume prepares an interrupted run again, from its last checkpoint.
package experiment
