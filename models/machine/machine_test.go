package machine

import (
	"io/fs"
	"runtime"
	"testing"
)

func TestMemory(t *testing.T) {
	const meminfo = "MemTotal: 4000 kB\nMemFree: 100 kB\nMemAvailable:    2000 kB\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  float64 // available; 0 if it is not known
		all   int64
	}{
		{"another system", nil, 0, Common},
		{"no groups", map[string]string{"/proc/meminfo": meminfo}, 2_048_000, 4_096_000},
		{"without limits", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/user.slice\n",
			"/sys/fs/cgroup/user.slice/memory.max": "max\n", "/sys/fs/cgroup/user.slice/memory.current": "5\n",
		}, 2_048_000, 4_096_000},
		{"limit of the group", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n",
			"/sys/fs/cgroup/a/b/memory.max": "1000000\n", "/sys/fs/cgroup/a/b/memory.current": "300000\n",
		}, 700_000, 1_000_000},
		{"limit of a group above, and a cache", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n",
			"/sys/fs/cgroup/a/b/memory.max": "1000000\n", "/sys/fs/cgroup/a/b/memory.current": "300000\n",
			"/sys/fs/cgroup/a/memory.max": "900000\n", "/sys/fs/cgroup/a/memory.current": "800000\n",
			"/sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 200000\n",
		}, 300_000, 900_000},
		{"a container", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/docker/8f\n",
			"/sys/fs/cgroup/memory.max": "500000\n", "/sys/fs/cgroup/memory.current": "600000\n",
			"/sys/fs/cgroup/memory.stat": "inactive_file 400000\n",
		}, 300_000, 500_000},
		{"version 1", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "4:cpu:/\n3:memory:/a\n",
			"/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "400000\n", "/sys/fs/cgroup/memory/a/memory.usage_in_bytes": "100000\n",
			"/sys/fs/cgroup/memory/a/memory.stat": "total_inactive_file 50000\n",
		}, 350_000, 400_000},
		{"nonsense", map[string]string{"/proc/meminfo": "MemAvailable:\n", "/proc/self/cgroup": "::\n0::../..\n:"}, 0, Common},
	} {
		read := func(path string) ([]byte, error) {
			text, ok := test.files[path]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		}
		bytes, known := available(read)
		if known != (test.want != 0) || known && bytes != test.want {
			t.Errorf("%s: %v, %v; want %v", test.name, bytes, known, test.want)
		}
		if all := memory(read); all != test.all {
			t.Errorf("%s: %v in all; want %v", test.name, all, test.all)
		}
	}
	bytes, known := Available()
	if known != (runtime.GOOS == "linux") || known && bytes < 1e6 {
		t.Errorf("here %v, %v", bytes, known)
	}
	if all := Memory(); all < 1e6 || known && float64(all) < bytes {
		t.Errorf("here %v in all, %v available", all, bytes)
	}
}
