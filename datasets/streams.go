package datasets

// Streams of the random generator, one for each use, so that a change of one use does not affect another.
const (
	streamPoints = iota + 1
	streamLabels
	streamDraw
	streamTest
	streamSplit
)
