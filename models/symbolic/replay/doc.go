// Package replay builds the nodes of one Gorgonia graph again on another, from
// operations of package op.
//
// A graph from outside is made of Gorgonia's own operations, and many of these
// cannot be differentiated twice, run in one precision only, or draw random
// numbers. A Replay reads such a graph and never writes to it. Every operation
// becomes one of package op, or several, that compute the same: a product of a
// matrix and a vector becomes one of two matrices, a slice a Gather. Dropout is
// left out, as it is when a network is used, and batch normalization becomes that
// by its running statistics. What cannot be written so is an error that names the
// operation.
//
// The new nodes are of the precision of the Replay. Scalars become vectors of one
// element.
//
// Losses takes a cost apart into the losses of the samples that it is the mean
// of. Verify computes every operation both ways and compares.
package replay
