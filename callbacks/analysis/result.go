package analysis

import (
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/models/weights"
)

// Result is what Analyze says of a model on a split. Its JSON is a stable format,
// described in docs/formats.md.
type Result struct {
	Model struct {
		Parameters  int    `json:"parameters"`  // P
		Description string `json:"description"` // one line
	} `json:"model"`
	Data struct {
		Name    string `json:"name"` // of the data set; Analyze does not know it
		Split   string `json:"split"`
		Samples int    `json:"samples"`
		Classes int    `json:"classes"`
	} `json:"data"`
	Loss         float64              `json:"loss"`
	Accuracy     float64              `json:"accuracy"`
	GradientNorm float64              `json:"gradient_norm"` // ‖∇L‖₂
	Spectrum     Spectrum             `json:"spectrum"`
	Complexity   *boundary.Complexity `json:"complexity"` // nil if not asked for, or without positive curvature
	Margin       *Margin              `json:"margin"`     // nil if not asked for
	Precision    string               `json:"precision"`  // of the computation
	Seconds      float64              `json:"seconds"`    // that it took

	// Measurement has the eigenpairs, and Distances those of the samples to the
	// boundary, nil without a Margin.
	Measurement *Measurement      `json:"-"`
	Distances   *margin.Distances `json:"-"`
}

// Spectrum is what a Result says of the eigenvalues.
type Spectrum struct {
	Method           string             `json:"method"`
	Top              []float64          `json:"top"`              // descending
	Residuals        []float64          `json:"residuals"`        // ‖Hv − λv‖ of top
	Bottom           []float64          `json:"bottom"`           // ascending
	BottomResiduals  []float64          `json:"bottom_residuals"` // of bottom
	Converged        bool               `json:"converged"`        // every residual met the tolerance
	Reason           string             `json:"reason"`           // why not, in one line
	Trace            *Estimate          `json:"trace"`            // nil where it is not computed
	Frobenius        *float64           `json:"frobenius"`        // ‖H‖_F, likewise
	FrobeniusError   *float64           `json:"frobenius_error"`
	FrobeniusLow     *float64           `json:"frobenius_low"`
	FrobeniusHigh    *float64           `json:"frobenius_high"`
	FrobeniusSamples *int               `json:"frobenius_samples"`
	Resolved         *int               `json:"resolved"` // eigenvalues with |λ| > 1e-10·λ₁; nil where not all of them are computed
	Basis            int                `json:"basis"`    // reduced: dimension of the space
	Missed           float64            `json:"missed"`   // reduced: bound of ‖Hv‖ outside of it
	Outliers         *boundary.Outliers `json:"outliers"`
	Density          *Density           `json:"density"` // nil but with the method density
	HVPs             int                `json:"hvps"`    // Hessian-vector products
}

// Density is the distribution of all eigenvalues, each with the weight 1/P:
// Weights sum to 1.
type Density struct {
	Nodes   []float64 `json:"nodes"`
	Weights []float64 `json:"weights"`
	Error   float64   `json:"error"` // of the mean |λᵢ − λ̂ᵢ| over the ordered eigenvalues, with a probability of 0.95
}

// Estimate is a value and how good it is.
type Estimate struct {
	Value   float64 `json:"value"`
	Error   float64 `json:"error"` // a bound, or, of samples, one standard error
	Low     float64 `json:"low"`   // the true value lies between them, of samples with a probability of 0.95
	High    float64 `json:"high"`
	Samples int     `json:"samples"` // random vectors that it was estimated from; 0 where it is exact
}

// Margin is what a Result says of the samples' distances to the boundary.
type Margin struct {
	margin.Summary
	Logit       margin.Quantiles    `json:"logit"`       // of the label's logit minus the largest other
	Input       margin.Quantiles    `json:"input"`       // of |f_a − f_b|/‖∇(f_a − f_b)‖
	Eigenvector *margin.Eigenvector `json:"eigenvector"` // nil without outliers, or without a boundary
	Paper       *margin.Eigenvector `json:"paper"`       // likewise
}

// Arrays returns the eigenpairs, and the alignments where the complexity was
// measured, for a .npz file.
func (r *Result) Arrays() []weights.Array { return r.Measurement.Arrays() }

// describe is what is said of a spectrum.
func describe(s *curvature.Spectrum) Spectrum {
	d := Spectrum{
		Method: s.Method.String(), Converged: s.Converged, Reason: s.Reason, HVPs: s.Applications,
		Top: s.Top.Values, Residuals: s.Top.Residuals,
		Bottom: s.Bottom.Values, BottomResiduals: s.Bottom.Residuals,
		Basis: s.Basis, Missed: s.Missed,
	}
	if s.Trace != nil {
		d.Trace = &Estimate{s.Trace.Value, s.Trace.Error, s.Trace.Low, s.Trace.High, s.Trace.Samples}
	}
	if f := s.Frobenius; f != nil {
		d.Frobenius, d.FrobeniusError, d.FrobeniusSamples = &f.Value, &f.Error, &f.Samples
		d.FrobeniusLow, d.FrobeniusHigh = &f.Low, &f.High
	}
	if s.Density != nil {
		d.Density = &Density{s.Density.Nodes, s.Density.Weights, s.Density.Error}
	}
	if s.Resolved.Complete {
		d.Resolved = new(s.Resolved.Len())
	}
	return d
}
