// Package machine tells how much memory the computer has for this process.
//
// On Linux it is what the kernel says in /proc/meminfo, or what the control group of
// the process and those above it allow if that is less, as in a container. Elsewhere it
// is not known.
package machine
