package datasets

// Streams of the random generator: one for each use, so that none shifts another.
const (
	streamPoints = iota + 1
	streamLabels
	streamDraw
	streamTest
)
