package strictyaml

import (
	"io/fs"
	"path"
	"strings"
)

// Names are those of the YAML files one folder below the root, without their
// endings.
func Names(root fs.FS) []string {
	files, _ := fs.Glob(root, "*/*.yaml") // the pattern is right, so there is no error
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return names
}
