package record

// The names of metrics on which other packages depend. The hooks of package
// callbacks record them; stopping rules, the selection of runs and tables read
// them. The names of a split's loss and accuracy are trainer.LossOf and
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
