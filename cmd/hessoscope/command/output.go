package command

import "io"

// output has the streams that commands write to: results go to stdout, progress to
// stderr.
type output struct {
	stdout, stderr io.Writer
}
