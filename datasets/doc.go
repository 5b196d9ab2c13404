// Package datasets holds labelled classification data: the sets of arXiv:2306.07104, MNIST, and any CSV file.
//
// [Load] returns a set by its name. The small sets are built in, with the points and splits of the paper; given
// [Options.Samples] a synthetic set is drawn anew from the same distribution, in any size, split 50/30/20 into train,
// validation and test. MNIST is read from its IDX files, which [FetchMNIST] puts into the user's cache on first use.
// [ReadCSV] reads a table of numbers with a label column, [FromTensors] and [FromSlices] take what a program holds
// already. [Register] adds a set of your own. [List] describes what there is.
//
//	name, Options ──Load──▶ Dataset ──Split("train")──▶ X (Len × Width, row-major), Labels, Index
//	file.csv ──ReadCSV──▶      │
//	                       Standardize, Fingerprint
//
// Every call returns fresh values that share no memory with another's, and the same arguments give the same bits.
package datasets
