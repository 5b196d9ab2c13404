// Package datasets holds labelled classification data: the sets of arXiv:2306.07104, MNIST, Fashion-MNIST, CIFAR-10, and
// any CSV file, NumPy file or folder of images.
//
// [Load] returns a set by its name. The small sets are built in, with the points and splits of the paper; given
// [Options.Samples] a synthetic set is drawn anew from the same distribution, in any size, split 50/30/20 into train,
// validation and test. MNIST is read from its IDX files, which [FetchMNIST] puts into the user's cache on first use. A path
// in place of a name is that of an .npz file or of a folder of images. [ReadCSV] reads a table with a label column, of
// numbers and words, with gaps, and [Preprocessing] turns new rows into inputs as it did; [FromTensors] and [FromSlices]
// take what a program holds already. [Register] adds a set of your own. [List] describes what there is.
//
//	name or path, Options ──Load──▶ Dataset ──Split("train")──▶ X or Packed (Len × Width, row-major), Labels, Index
//	file.csv ──ReadCSV──▶              │
//	                      Choose, Standardize, Fingerprint
//
// A [Split] holds float64 in X or, of images and arrays that came as bytes or float32, those in Packed; [CopyRow] and
// [Split.Values] read both. An [Augmentation] changes images while they are trained on.
//
// A [Schema] is what is stored with the weights of a network: it reads new samples, with or without labels, as the network
// takes them.
//
// Every call returns fresh values that share no memory with another's, but for Packed, which never changes; and the same
// arguments give the same bits.
package datasets
