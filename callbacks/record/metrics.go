package record

// The names of metrics on which other packages depend. The hooks of package
// callbacks record them; stopping rules, the selection of runs and tables read
// them. The names of a split's loss and accuracy are trainer.LossOf and
// trainer.AccuracyOf.
const (
	LambdaMax       = "spectrum/lambda_max"
	LambdaMin       = "spectrum/lambda_min"
	Trace           = "spectrum/trace"
	Frobenius       = "spectrum/frobenius"
	Outliers        = "spectrum/outliers"
	SpectrumSamples = "spectrum/samples"
	SpectrumSeconds = "spectrum/seconds"

	Complexity    = "boundary/complexity"
	Epsilon       = "boundary/epsilon"
	Participation = "boundary/participation"
	Directions    = "boundary/directions"
	EffectiveRank = "boundary/effective_rank"

	CriticalSharpness = "sharpness/critical"
	FisherTrace       = "sharpness/fisher_trace"
	Perturbation      = "sharpness/perturbation"

	LearningRate = "train/learning_rate" // that package trainer records

	ParameterNorm     = "parameters/norm"
	ParameterDistance = "parameters/distance"

	Margin            = "boundary/margin"
	MarginMedian      = "boundary/margin_median"
	MarginSamples     = "boundary/margin_samples"
	MarginSeconds     = "boundary/margin_seconds"
	LogitMarginMedian = "boundary/logit_margin_median"
	Misclassified     = "boundary/misclassified"
)

// Low and High name the ends of the interval that a metric lies in. A metric that
// is not certain is recorded as these two, and not under its own name.
func Low(metric string) string  { return metric + "_low" }
func High(metric string) string { return metric + "_high" }

// Resolved names the metric that is 1 if a count is certain and 0 if it is not.
func Resolved(count string) string { return count + "_resolved" }
