package record

// The names of metrics that others depend on: the hooks of package callbacks
// record them, and rules for stopping, the choice among runs and tables read
// them. Those of a split's loss and accuracy are trainer.LossOf and
// trainer.AccuracyOf.
const (
	LambdaMax       = "spectrum/lambda_max"
	LambdaMin       = "spectrum/lambda_min"
	Trace           = "spectrum/trace"
	Outliers        = "spectrum/outliers"
	SpectrumSamples = "spectrum/samples"

	Complexity     = "boundary/complexity"
	ComplexityLow  = "boundary/complexity_low"
	ComplexityHigh = "boundary/complexity_high"
	Epsilon        = "boundary/epsilon"
	Participation  = "boundary/participation"

	Margin            = "boundary/margin"
	MarginSamples     = "boundary/margin_samples"
	LogitMarginMedian = "boundary/logit_margin_median"
	Misclassified     = "boundary/misclassified"
)
