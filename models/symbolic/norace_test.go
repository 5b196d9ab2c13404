//go:build !race

package symbolic_test

const raceEnabled = false
