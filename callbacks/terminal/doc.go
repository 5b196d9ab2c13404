// Package terminal writes for people: tables and text that fit the width of their
// terminal, and a line of progress at its foot.
//
//	 epoch     step      loss  accuracy        λ₁     time
//	     4        4    1.0244    0.7000     21.33    0.38s
//	12% |███▌                          | epoch 120/1000, loss 0.3312, 2.13s left
//
// What is written elsewhere, to a file or through a pipe, is neither cut nor wrapped.
// Nothing is coloured, and a terminal that understands no control sequences
// (TERM=dumb) gets no line of progress.
package terminal
