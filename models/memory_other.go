//go:build !linux

package models

// machineMemory is taken to be that of a common machine.
func machineMemory() int64 { return commonMemory }
