// Command hessoscope trains classifiers and measures, while they learn, how
// complex the decision boundary has become: the Hessian spectrum of the
// training loss, by symbolic double differentiation of Gorgonia graphs.
//
//	hessoscope train iris          a monitored training run, into runs/iris
//	hessoscope serve               pages that follow the runs, in a browser
//	hessoscope runs                the runs in a table; --follow shows one as it trains
//	hessoscope analyze runs/iris   the same measures for a finished model
//	hessoscope predict runs/iris   classes and probabilities of new samples
//	hessoscope export runs/iris iris.safetensors   one file with the model and all that is needed to use it
//	hessoscope report runs/iris    a page about a run, or a comparison of several, for a browser
//	hessoscope select runs         a ranking of many runs
//	hessoscope stop-study runs     where stopping rules would have stopped them
//	hessoscope sweep regimes       many runs at once, to choose from or to study
//	hessoscope reproduce all       the paper's figures, from networks trained here
//
// Each command describes itself with --help. The exit status is 0 after success, 1
// if a check of doctor failed, 2 if the input is invalid or the run failed, and 130
// after an interrupt. With status 2, one line says what is wrong, where, and what
// is valid.
package main
