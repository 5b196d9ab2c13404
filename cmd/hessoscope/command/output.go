package command

import "io"

// output is where commands write: results that people read or pipe to stdout,
// progress to stderr.
type output struct {
	stdout, stderr io.Writer
}
