package models

import "golang.org/x/sys/unix"

// machineMemory is the memory of this machine, in bytes, or commonMemory if the
// system does not tell.
func machineMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return commonMemory
	}
	return int64(info.Totalram) * int64(info.Unit)
}
