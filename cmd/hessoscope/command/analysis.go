package command

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// analysis is the result of analyze: its JSON is a stable format.
type analysis struct {
	Model struct {
		Parameters  int    `json:"parameters"`
		Description string `json:"description"`
	} `json:"model"`
	Data struct {
		Name    string `json:"name"`
		Split   string `json:"split"`
		Samples int    `json:"samples"`
		Classes int    `json:"classes"`
	} `json:"data"`
	Loss         float64              `json:"loss"`
	Accuracy     float64              `json:"accuracy"`
	GradientNorm float64              `json:"gradient_norm"`
	Spectrum     spectrumAnalysis     `json:"spectrum"`
	Complexity   *boundary.Complexity `json:"complexity"` // null if not asked for, or without positive curvature
	Margin       *marginAnalysis      `json:"margin"`     // null if not asked for
	Precision    string               `json:"precision"`  // of the computation
	Seconds      float64              `json:"seconds"`
}

type spectrumAnalysis struct {
	Method          string             `json:"method"`
	Top             []float64          `json:"top"`              // descending
	Residuals       []float64          `json:"residuals"`        // ‖Hv − λv‖ of top
	Bottom          []float64          `json:"bottom"`           // ascending
	BottomResiduals []float64          `json:"bottom_residuals"` // of bottom
	Converged       bool               `json:"converged"`        // every residual met the tolerance
	Reason          string             `json:"reason"`           // why not, in one line
	Trace           *estimate          `json:"trace"`            // null where it is not computed
	Frobenius       *float64           `json:"frobenius"`        // ‖H‖_F, likewise
	FrobeniusError  *float64           `json:"frobenius_error"`
	Resolved        *int               `json:"resolved"` // eigenvalues with |λ| > 1e-10·λ₁; null where not all of them are computed
	Basis           int                `json:"basis"`    // reduced: dimension of the space
	Missed          float64            `json:"missed"`   // reduced: bound of ‖Hv‖ outside of it
	Outliers        *boundary.Outliers `json:"outliers"`
	Density         *densityAnalysis   `json:"density"` // null but with the method density
	HVPs            int                `json:"hvps"`    // Hessian-vector products
}

// densityAnalysis is the distribution of all eigenvalues, each with the weight
// 1/P: Weights sum to 1.
type densityAnalysis struct {
	Nodes   []float64 `json:"nodes"`
	Weights []float64 `json:"weights"`
	Error   float64   `json:"error"` // of the mean |λᵢ − λ̂ᵢ| over the ordered eigenvalues, with a probability of 0.95
}

type estimate struct {
	Value   float64 `json:"value"`
	Error   float64 `json:"error"`   // a bound, or, of samples, one standard error
	Samples int     `json:"samples"` // random vectors it was estimated from; 0 where it is exact
}

func describeSpectrum(s *curvature.Spectrum) spectrumAnalysis {
	a := spectrumAnalysis{
		Method: s.Method.String(), Converged: s.Converged, Reason: s.Reason, HVPs: s.Applications,
		Top: s.Top.Values, Residuals: s.Top.Residuals,
		Bottom: s.Bottom.Values, BottomResiduals: s.Bottom.Residuals,
		Basis: s.Basis, Missed: s.Missed,
	}
	if s.Trace != nil {
		a.Trace = &estimate{s.Trace.Value, s.Trace.Error, s.Trace.Samples}
	}
	if s.Frobenius != nil {
		a.Frobenius, a.FrobeniusError = &s.Frobenius.Value, &s.Frobenius.Error
	}
	if d := s.Density; d != nil {
		a.Density = &densityAnalysis{d.Nodes, d.Weights, d.Error}
	}
	if s.Resolved.Complete {
		resolved := s.Resolved.Len()
		a.Resolved = &resolved
	}
	return a
}

// bulk is that of the density, where one was estimated.
func bulk(s *curvature.Spectrum) *boundary.Bulk {
	if s.Density == nil {
		return nil
	}
	return boundary.NewBulk(s.Density)
}

// write writes the JSON to a file, or to stdout in place of the table.
func (r *analysis) write(path string, stdout io.Writer) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if path == "-" {
		_, err := stdout.Write(data)
		return err
	}
	if path != "" {
		if err := durable.WriteFile(path, data); err != nil {
			return err
		}
	}
	return r.table(stdout)
}

// table writes the results for people.
func (r *analysis) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	s := r.Spectrum
	fmt.Fprintf(t, "model\t%s, %d parameters\n", r.Model.Description, r.Model.Parameters)
	fmt.Fprintf(t, "data\t%s, %s: %d samples, %d classes\n", r.Data.Name, r.Data.Split, r.Data.Samples, r.Data.Classes)
	fmt.Fprintf(t, "loss\t%.6g\n", r.Loss)
	fmt.Fprintf(t, "accuracy\t%.4f\n", r.Accuracy)
	fmt.Fprintf(t, "gradient norm\t%.6g\n", r.GradientNorm)
	fmt.Fprintf(t, "method\t%s, %d Hessian-vector products, %.2g s\n", s.Method, s.HVPs, r.Seconds)
	if s.Trace != nil {
		fmt.Fprintf(t, "trace\t%.6g ± %.1g\n", s.Trace.Value, s.Trace.Error)
	}
	if s.Frobenius != nil {
		fmt.Fprintf(t, "Frobenius norm\t%.6g ± %.1g\n", *s.Frobenius, *s.FrobeniusError)
	}
	if s.Density != nil {
		fmt.Fprintf(t, "density\t%d nodes; eigenvalues are off by %.1g on the mean, at most\n", len(s.Density.Nodes), s.Density.Error)
	}
	if s.Resolved != nil {
		fmt.Fprintf(t, "resolvable\t%d eigenvalues above 1e-10·λ₁ in magnitude\n", *s.Resolved)
	}
	if !s.Converged {
		fmt.Fprintf(t, "not converged\t%s\n", s.Reason)
	}
	r.outlierRows(t)
	r.complexityRows(t)
	r.Margin.rows(t)
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\n\teigenvalue\tresidual\t\n")
	for i, v := range s.Top {
		fmt.Fprintf(t, "λ%d\t%.6g\t%.1g\t\n", i+1, v, s.Residuals[i])
	}
	between := r.Model.Parameters - len(s.Top) - len(s.Bottom)
	if len(s.Top) > 0 && len(s.Bottom) > 0 && between > 0 {
		fmt.Fprintf(t, "…\t\t\t\n")
	}
	for i := len(s.Bottom) + min(between, 0) - 1; i >= 0; i-- { // without those of the top
		fmt.Fprintf(t, "λ%d\t%.6g\t%.1g\t\n", r.Model.Parameters-i, s.Bottom[i], s.BottomResiduals[i])
	}
	return t.Flush()
}

func (r *analysis) outlierRows(t io.Writer) {
	o := r.Spectrum.Outliers
	if o == nil {
		return
	}
	for _, rule := range []struct {
		name  string
		found boundary.Outlier
		above string
	}{
		{"outliers", o.Ratio, "λ₁/10"},
		{"by the gap", o.Gap, "the largest ratio of neighbours"},
		{"by the edge", o.Edge, "the edge of the bulk"},
	} {
		unresolved := ""
		if !rule.found.Resolved {
			unresolved = "; may be another number"
		}
		fmt.Fprintf(t, "%s\t%d above %s (%.3g), %+d beyond C − 1%s\n", rule.name, rule.found.Count, rule.above, rule.found.Threshold, rule.found.Excess, unresolved)
	}
	for i, p := range o.Pairs {
		fmt.Fprintf(t, "λ%d is about\tthe boundary of classes %d and %d (mean alignments %+.2f and %+.2f)\n", i+1, p.Along, p.Against, p.MeanAlong, p.MeanAgainst)
	}
}

func (r *analysis) complexityRows(t io.Writer) {
	c := r.Complexity
	if c == nil {
		return
	}
	fmt.Fprintf(t, "complexity\tG = ")
	if c.Value != nil {
		fmt.Fprintf(t, "%.5g: %d of %d eigenvectors are aligned", *c.Value, c.Count, c.Parameters)
	} else {
		fmt.Fprintf(t, "between %.5g and %.5g: %d of the known eigenvectors are aligned", c.Low, c.High, c.Count)
	}
	fmt.Fprintf(t, " with a sample by %.4g or more (%s)\n", c.Epsilon, c.EpsilonOrigin)
	fmt.Fprintf(t, "participation\t%.3g directions share the gradients' energy, %.0f%% of it in the outliers, %.2g%% not resolved\n", c.Participation, 100*c.OutlierEnergy, 100*c.UnresolvedEnergy)
}
