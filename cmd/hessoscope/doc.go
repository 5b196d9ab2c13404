// Command hessoscope trains classifiers and measures, while they learn, how
// complex the decision boundary has become: the Hessian spectrum of the
// training loss, by symbolic double differentiation of Gorgonia graphs.
//
//	hessoscope train iris          a monitored training run, into runs/iris
//	hessoscope analyze runs/iris   the same measures of a finished model
//	hessoscope select runs         which of many runs to take
//	hessoscope stop-study runs     where rules would have stopped them
//	hessoscope sweep regimes       many runs at once, to choose from or to study
//
// Every command tells more with --help. The exit status is 0 when all went
// well, 1 when a check of doctor failed, 2 when the input or the run is at fault, with one line that says what,
// where and what would be right, and 130 after an interrupt.
package main
