package machine

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Common is the memory of a common machine, in bytes.
const Common = 8 << 30

// Memory returns how many bytes the machine has, or its control groups allow; Common
// where it is not known.
func Memory() int64 { return memory(os.ReadFile) }

// Available returns how many bytes this process may take in addition to what it has;
// +Inf if that is not known.
func Available() (bytes float64, known bool) { return available(os.ReadFile) }

// reader is os.ReadFile, or that of a test.
type reader func(path string) ([]byte, error)

func memory(read reader) int64 {
	most := read.field("/proc/meminfo", "MemTotal:") * 1024
	read.groups(func(limit, _ float64) { most = math.Min(most, limit) })
	if !(most < math.MaxInt64) {
		return Common
	}
	return int64(most)
}

func available(read reader) (bytes float64, known bool) {
	left := read.field("/proc/meminfo", "MemAvailable:") * 1024
	read.groups(func(limit, used float64) {
		if !math.IsInf(limit, 1) && !math.IsInf(used, 1) {
			left = math.Min(left, math.Max(limit-used, 0))
		}
	})
	return left, !math.IsInf(left, 1)
}

// groups calls visit with the limit and the use of every control group that the process
// is in; +Inf where there is none.
func (read reader) groups(visit func(limit, used float64)) {
	groups, _ := read("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, limit, used, cache := "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
		switch {
		case parts[1] == "memory": // version 1
			root, limit, used, cache = "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
		case parts[1] != "":
			continue
		}
		// The limit of every group above holds, too. In a container the path may be that
		// of the host; then its root is the group of the process.
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			taken := read.field(path.Join(root, dir, used), "")
			if kept := read.field(path.Join(root, dir, "memory.stat"), cache); kept < taken {
				taken -= kept // the kernel gives it back
			}
			visit(read.field(path.Join(root, dir, limit), ""), taken)
			if dir == "/" {
				break
			}
		}
	}
}

// field returns the number after a name in a file, or the number that the file is if
// name is empty. It is +Inf if there is none.
func (read reader) field(file, name string) float64 {
	text, err := read(file)
	if err != nil {
		return math.Inf(1)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if name != "" && (len(words) < 2 || words[0] != name) {
			continue
		}
		if name != "" {
			words = words[1:]
		}
		if len(words) > 0 {
			if v, err := strconv.ParseFloat(words[0], 64); err == nil {
				return v
			}
		}
	}
	return math.Inf(1)
}
