package memory

import (
	"io/fs"
	"runtime"
	"strings"
	"testing"
)

func TestAvailable(t *testing.T) {
	const meminfo = "MemTotal: 4000 kB\nMemFree: 100 kB\nMemAvailable:    2000 kB\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  float64 // 0 if it is not known
	}{
		{"another system", nil, 0},
		{"no groups", map[string]string{"/proc/meminfo": meminfo}, 2_048_000},
		{"without limits", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/user.slice\n",
			"/sys/fs/cgroup/user.slice/memory.max": "max\n", "/sys/fs/cgroup/user.slice/memory.current": "5\n",
		}, 2_048_000},
		{"limit of the group", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n",
			"/sys/fs/cgroup/a/b/memory.max": "1000000\n", "/sys/fs/cgroup/a/b/memory.current": "300000\n",
		}, 700_000},
		{"limit of a group above, and a cache", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n",
			"/sys/fs/cgroup/a/b/memory.max": "1000000\n", "/sys/fs/cgroup/a/b/memory.current": "300000\n",
			"/sys/fs/cgroup/a/memory.max": "900000\n", "/sys/fs/cgroup/a/memory.current": "800000\n",
			"/sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 200000\n",
		}, 300_000},
		{"a container", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/docker/8f\n",
			"/sys/fs/cgroup/memory.max": "500000\n", "/sys/fs/cgroup/memory.current": "600000\n",
			"/sys/fs/cgroup/memory.stat": "inactive_file 400000\n",
		}, 300_000},
		{"version 1", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "4:cpu:/\n3:memory:/a\n",
			"/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "400000\n", "/sys/fs/cgroup/memory/a/memory.usage_in_bytes": "100000\n",
			"/sys/fs/cgroup/memory/a/memory.stat": "total_inactive_file 50000\n",
		}, 350_000},
		{"nonsense", map[string]string{"/proc/meminfo": "MemAvailable:\n", "/proc/self/cgroup": "::\n0::../..\n:"}, 0},
	} {
		bytes, known := available(func(path string) ([]byte, error) {
			text, ok := test.files[path]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		})
		if known != (test.want != 0) || known && bytes != test.want {
			t.Errorf("%s: %v, %v; want %v", test.name, bytes, known, test.want)
		}
	}
	if bytes, known := Available(); known != (runtime.GOOS == "linux") || known && bytes < 1e6 {
		t.Errorf("here %v, %v", bytes, known)
	}
}

func TestCheck(t *testing.T) {
	fits := func(free float64) string {
		if free < 0 || free > 2e9 {
			t.Errorf("free %v", free)
		}
		return "spectrum.top=3"
	}
	parts := []Part{{"training", 1e9}, {"spectrum", 4e9}, {"margin", 1e6}}
	if err := Check(parts, 6, "memory_gb", fits); err != nil {
		t.Error(err)
	}
	err := Check(parts, 2, "memory_gb", fits)
	if err == nil || !strings.HasPrefix(err.Error(), "about 5 GB of memory are needed, and 1.9") ||
		!strings.Contains(err.Error(), "Needed for spectrum 4 GB, training 1 GB. spectrum.top=3 fits; memory_gb=5.1 goes on nevertheless") {
		t.Error(err)
	}
	if _, known := Available(); known && Check([]Part{{"all", 1e18}}, 0, "memory_gb", func(float64) string { return "less" }) == nil {
		t.Error("a million terabytes: no error")
	}
}
