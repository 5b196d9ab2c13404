// Package network builds models from a list of layers: convolutional networks on
// images, and others that are a sequence of layers with residual sums.
//
// One Description serves Go and, through github.com/goccy/go-yaml, YAML:
//
//	input: [1, 28, 28]
//	layers:
//	- conv2d: {out: 16, kernel: 3}
//	- relu
//	- max_pool: {kernel: 2}
//	- flatten
//	- dense: {out: 3}
//
// New makes a Network of it: shapes follow from layer to layer, and a mistake is an
// *Error with the path of its layer. CNN, LeNet5 and ResNet18 are ready-made.
//
// Parameters are named NAME.weight and NAME.bias and laid out as PyTorch does it,
// with the running statistics of batch normalisation, NAME.running_mean and
// NAME.running_var, beside them. The name of a layer that has none is its index in
// the list, from 0, as in torch.nn.Sequential. Within a residual layer it is
// NAME.layers.INDEX or NAME.shortcut.INDEX, with the NAME of the residual layer. A
// name that is given is taken as it is, at any depth.
//
// A Network is trained in another form than it is measured in (models.TrainingForm):
// dropout acts and batch normalisation takes the statistics of the mini-batch in
// training only. In evaluation and measurements batch normalisation takes its
// running statistics, which are constants there.
package network
