// Package strictyaml reads YAML that people write by hand into structs.
//
// Every error is one line that names the file, the line and the column, and says
// what is valid:
//
//	mine.yaml:3:1: unknown key "trainig"; did you mean "training"?
//
// Parse refuses unknown keys, a second document, and numbers that the decoder would
// round or truncate. Input that can exhaust or crash a parser, such as aliases and
// deep nesting, is refused before it is decoded, and a panic of the YAML library
// becomes an error. Assign changes one setting, which is named by a dotted key, that
// is, its keys joined by dots, such as training.epochs. The package works for any
// struct with yaml tags.
package strictyaml
