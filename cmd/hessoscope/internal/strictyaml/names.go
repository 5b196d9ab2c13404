package strictyaml

import (
	"io/fs"
	"path"
	"strings"
)

// Names returns the names, without extensions, of the YAML files one folder below the
// root.
func Names(root fs.FS) []string {
	files, _ := fs.Glob(root, "*/*.yaml") // the only possible error is that of an invalid pattern
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return names
}
