//go:build !windows && (!unix || aix || solaris)

package durable

import (
	"errors"
	"os"
)

func lockFile(*os.File) error { return errors.ErrUnsupported }
