package memory

import (
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Available returns how many bytes this process may take in addition to what it has:
// on Linux what the kernel takes for available, or what the control group of the
// process has left if that is less. Elsewhere it is not known.
func Available() (bytes float64, known bool) { return available(os.ReadFile) }

// programBytes is the approximate memory that the Go runtime does not report, mostly
// the code of the program.
const programBytes = 16e6

// Held returns the bytes that the process uses now. A process that measures needs about
// as much in addition to the measurement.
func Held() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return programBytes + float64(m.HeapAlloc) + float64(m.Sys-m.HeapSys)
}

// available is Available for files that read returns.
func available(read func(string) ([]byte, error)) (bytes float64, known bool) {
	left := field(read, "/proc/meminfo", "MemAvailable:") * 1024
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
			most, taken := field(read, path.Join(root, dir, limit), ""), field(read, path.Join(root, dir, used), "")
			if kept := field(read, path.Join(root, dir, "memory.stat"), cache); kept < taken {
				taken -= kept // the kernel gives it back
			}
			if !math.IsInf(most, 1) && !math.IsInf(taken, 1) {
				left = math.Min(left, math.Max(most-taken, 0))
			}
			if dir == "/" {
				break
			}
		}
	}
	return left, !math.IsInf(left, 1)
}

// field returns the number after a name in a file, or the number that the file is if
// name is empty. It is +Inf if there is none.
func field(read func(string) ([]byte, error), file, name string) float64 {
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
