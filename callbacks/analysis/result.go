package analysis

import (
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
)

// Result holds what Analyze measured of a model on a split. Its JSON is a stable
// format, described in docs/formats.md.
type Result struct {
	Model struct {
		Parameters  int    `json:"parameters"`  // P
		Description string `json:"description"` // one line
		// FrozenStatistics is the number of running means and variances of batch
		// normalisation. They are no parameters, and constants in all that is measured.
		FrozenStatistics int `json:"frozen_statistics"`
	} `json:"model"`
	Data struct {
		Name    string `json:"name"` // name of the data set; Analyze leaves it empty
		Split   string `json:"split"`
		Samples int    `json:"samples"`
		Classes int    `json:"classes"`
	} `json:"data"`
	Loss     float64 `json:"loss"`
	Accuracy float64 `json:"accuracy"`
	// Confusion says which classes are taken for which; nil in a regression, or if the
	// Objective is one of the user's without Logits. Analyze numbers the classes.
	Confusion    *record.Confusion `json:"confusion"`
	GradientNorm float64           `json:"gradient_norm"` // ‖∇L‖₂
	// Critical is nil if the gradient is zero, or if the Objective is one of the user's
	// that is no sharpness.Objective.
	Critical   *Critical            `json:"critical_sharpness"`
	Spectrum   Spectrum             `json:"spectrum"`
	Complexity *boundary.Complexity `json:"complexity"` // nil if not requested, or if no curvature is positive
	// Directions bounds the number of eigenvectors that share the gradients'
	// energy, and EffectiveRank is that of the gradients themselves; nil as
	// Complexity is, and for more than 4000 samples.
	Directions    *boundary.Directions    `json:"directions"`
	EffectiveRank *boundary.EffectiveRank `json:"effective_rank"`
	Margin        *Margin                 `json:"margin"`    // nil if not requested
	Alignment     *Alignment              `json:"alignment"` // nil if not requested
	Precision     string                  `json:"precision"` // precision of the computation
	Seconds       float64                 `json:"seconds"`   // time of the computation

	// Measurement has the eigenpairs. Distances has the samples' distances to the
	// boundary; it is nil if Margin is.
	Measurement *Measurement      `json:"-"`
	Distances   *margin.Distances `json:"-"`

	// AllRules asks WriteTable for the outliers by the gap and by the edge, too.
	AllRules bool `json:"-"`
}

// Critical is the critical sharpness λ_c along the gradient: see sharpness.Critical.
type Critical struct {
	Value  *float64 `json:"value"` // nil if it is not known to 1 %
	Low    float64  `json:"low"`   // λ_c lies in [Low, High]
	High   *float64 `json:"high"`  // nil if no step was found at which the loss falls
	Passes int      `json:"passes"`
}

// Spectrum is the part of a Result about the eigenvalues.
type Spectrum struct {
	Method           string             `json:"method"`
	Matrix           Matrix             `json:"matrix"`
	Precision        string             `json:"precision"`        // of the products that the pairs were searched with; residuals are in that of the Result
	Top              []float64          `json:"top"`              // descending
	Residuals        []float64          `json:"residuals"`        // ‖Hv − λv‖ for Top
	Bottom           []float64          `json:"bottom"`           // ascending
	BottomResiduals  []float64          `json:"bottom_residuals"` // ‖Hv − λv‖ for Bottom
	Converged        bool               `json:"converged"`        // every residual met the tolerance
	Reason           string             `json:"reason"`           // why not all converged, in one line
	Trace            *Estimate          `json:"trace"`            // nil if not computed
	Frobenius        *float64           `json:"frobenius"`        // ‖H‖_F; nil if not computed, as its error and interval
	FrobeniusError   *float64           `json:"frobenius_error"`
	FrobeniusLow     *float64           `json:"frobenius_low"`
	FrobeniusHigh    *float64           `json:"frobenius_high"`
	FrobeniusSamples *int               `json:"frobenius_samples"`
	Resolved         *int               `json:"resolved"` // number of eigenvalues with |λ| > 1e-10·λ₁; nil if not all of them were computed
	Basis            int                `json:"basis"`    // reduced: dimension of the space
	Missed           float64            `json:"missed"`   // reduced: bound of ‖Hv‖ for unit vectors v outside this space
	Outliers         *boundary.Outliers `json:"outliers"`
	Density          *Density           `json:"density"` // nil unless the method is density
	HVPs             int                `json:"hvps"`    // Hessian-vector products
}

// Density is the distribution of all eigenvalues, each with the weight 1/P. The
// Weights sum to 1.
type Density struct {
	Nodes   []float64 `json:"nodes"`
	Weights []float64 `json:"weights"`
	Error   float64   `json:"error"` // bound of the mean |λᵢ − λ̂ᵢ| over the ordered eigenvalues that holds with probability 0.95
}

// Estimate is a value and its error.
type Estimate struct {
	Value   float64 `json:"value"`
	Error   float64 `json:"error"` // a bound; one standard error if the value is estimated from random vectors
	Low     float64 `json:"low"`   // the true value lies in [Low, High], of an estimate with probability 0.95
	High    float64 `json:"high"`
	Samples int     `json:"samples"` // number of these random vectors; 0 if there are none
}

// Margin is the part of a Result about the samples' distances to the boundary.
type Margin struct {
	margin.Summary
	Logit       margin.Quantiles    `json:"logit"`       // of the label's logit minus the largest other logit
	Input       margin.Quantiles    `json:"input"`       // of |f_a − f_b|/‖∇(f_a − f_b)‖
	Eigenvector *margin.Eigenvector `json:"eigenvector"` // nil if there are no outliers or no boundary
	Paper       *margin.Eigenvector `json:"paper"`       // nil if there are no outliers or no boundary
}

// Arrays returns the eigenpairs for a .npz file, and the alignments if the
// complexity was measured.
func (r *Result) Arrays() []weights.Array { return r.Measurement.Arrays() }

// describe returns the part of a Result about the spectrum s.
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
