// Package strictyaml reads YAML into structs for people who write it by hand.
//
// Every error is one line that names the file, the line and the column, and
// says what would be right:
//
//	mine.yaml:3:1: unknown key "trainig"; did you mean "training"?
//
// Parse refuses unknown keys, a second document, and numbers that the decoder
// would round or cut off. Input that can bring a parser down, such as aliases
// and deep nesting, is refused before it is decoded, and a panic of the YAML
// library becomes an error. Assign changes one setting, named by its keys with
// dots between them, as in training.epochs. The package works for any struct
// with yaml tags.
package strictyaml
