// Package memory compares what a training or a measurement will need with what the
// computer has left, so that it is told before it begins and not found out by the
// kernel.
package memory
