package analysis

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
)

// WriteTable writes the result for people: one line per quantity, and then the classes
// and the eigenvalues with their residuals. It fits the width of a terminal.
func (r *Result) WriteTable(w io.Writer) error {
	var quantities strings.Builder
	t := tabwriter.NewWriter(&quantities, 0, 0, 2, ' ', 0)
	s := &r.Spectrum
	fmt.Fprintf(t, "model\t%s, %d parameters\n", r.Model.Description, r.Model.Parameters)
	if n := r.Model.FrozenStatistics; n > 0 {
		fmt.Fprintf(t, "batch norm\tmeasured with its running statistics, frozen: %d values that are no parameters\n", n)
	}
	fmt.Fprintf(t, "data\t%s%s: %d samples, %d classes\n", prefixed(r.Data.Name), r.Data.Split, r.Data.Samples, r.Data.Classes)
	fmt.Fprintf(t, "loss\t%.6g\n", r.Loss)
	if r.Data.Classes > 0 {
		fmt.Fprintf(t, "accuracy\t%.4f\n", r.Accuracy)
	}
	fmt.Fprintf(t, "gradient norm\t%.6g\n", r.GradientNorm)
	r.Critical.write(t)
	in := ""
	if s.Precision != r.Precision {
		in = fmt.Sprintf(" in %s, residuals in %s", s.Precision, r.Precision)
	}
	fmt.Fprintf(t, "method\t%s, %d %s-vector products%s, %.2g s\n", s.Method, s.HVPs, s.Matrix.title(), in, r.Seconds)
	s.writeEstimates(t)
	s.writeOutliers(t, r.AllRules)
	writeComplexity(t, r.Complexity)
	r.writeDirections(t)
	r.Margin.write(t)
	r.Alignment.write(t)
	if err := t.Flush(); err != nil {
		return err
	}
	if err := terminal.Wrap(w, quantities.String()); err != nil {
		return err
	}
	if err := r.writeConfusion(w); err != nil {
		return err
	}
	return s.writeEigenvalues(w, r.Model.Parameters)
}

// write writes the smallest step along the gradient at which the loss rises, and the
// critical sharpness.
func (c *Critical) write(t io.Writer) {
	if c == nil {
		return
	}
	const heading = "critical step"
	switch {
	case c.Value != nil:
		fmt.Fprintf(t, "%s\t%.4g: from there on the loss rises along the gradient; λ_c = %.4g (%.4g to %.4g)\n", heading, 2 / *c.Value, *c.Value, c.Low, *c.High)
	case c.High == nil:
		fmt.Fprintf(t, "%s\tbelow %.3g: along the gradient no step was found at which the loss falls; λ_c is above %.3g\n", heading, 2/c.Low, c.Low)
	case c.Low == 0:
		fmt.Fprintf(t, "%s\tabove %.3g: as far as that the loss falls along the gradient; λ_c is below %.3g\n", heading, 2 / *c.High, *c.High)
	default:
		fmt.Fprintf(t, "%s\t%.3g to %.3g: from there on the loss rises along the gradient; λ_c is %.3g to %.3g\n", heading, 2 / *c.High, 2/c.Low, c.Low, *c.High)
	}
}

// prefixed returns the name of a data set in the form that precedes the name of a
// split.
func prefixed(name string) string {
	if name == "" {
		return ""
	}
	return name + ", "
}

// writeEstimates writes the quantities of the spectrum as a whole.
func (s *Spectrum) writeEstimates(t io.Writer) {
	if s.Trace != nil {
		s.Trace.write(t, "trace")
	}
	if s.Frobenius != nil {
		norm := Estimate{*s.Frobenius, *s.FrobeniusError, *s.FrobeniusLow, *s.FrobeniusHigh, *s.FrobeniusSamples}
		norm.write(t, "Frobenius norm")
	}
	if d := s.Density; d != nil {
		fmt.Fprintf(t, "density\t%d nodes; eigenvalues are off by %.1g on the mean, at most\n", len(d.Nodes), d.Error)
	}
	if s.Resolved != nil {
		fmt.Fprintf(t, "resolvable\t%d eigenvalues above 1e-10·λ₁ in magnitude\n", *s.Resolved)
	}
	if !s.Converged {
		fmt.Fprintf(t, "not converged\t%s\n", s.Reason)
	}
}

// write writes an exact value with its error, and a sampled one with its interval, in
// whose bounds it shows two digits of its length.
func (e *Estimate) write(t io.Writer, name string) {
	if e.Samples == 0 {
		fmt.Fprintf(t, "%s\t%.6g ± %.1g\n", name, e.Value, e.Error)
		return
	}
	digits := 2
	if length := e.High - e.Low; length > 0 {
		digits += max(int(math.Ceil(math.Log10(max(-e.Low, e.High)/length))), 0)
	}
	fmt.Fprintf(t, "%s\t%.6g, 95 %% from %.*g to %.*g by %d random vectors\n", name, e.Value, digits, e.Low, digits, e.High, e.Samples)
}

func (s *Spectrum) writeOutliers(t io.Writer, all bool) {
	o := s.Outliers
	if o == nil {
		return
	}
	for _, rule := range []struct {
		name  string
		found boundary.Outlier
		above string
		use   string
	}{
		{"outliers", o.Ratio, "λ₁/10", ""},
		{"by the gap", o.Gap, "the largest ratio of neighbours", ": where the spectrum breaks most, which one eigenvalue can move"},
		{"by the edge", o.Edge, "the edge of the bulk", ": what a bulk of few and similar values does not explain; many, if its tail is heavy"},
	} {
		unresolved := ""
		if !rule.found.Resolved {
			unresolved = "; may be another number"
		}
		if all || rule.use == "" {
			fmt.Fprintf(t, "%s\t%d above %s (%.3g), %s%s%s\n", rule.name, rule.found.Count, rule.above, rule.found.Threshold, excess(rule.found.Excess), unresolved, rule.use)
		}
	}
	for i, p := range o.Pairs {
		fmt.Fprintf(t, "λ%d is about\tthe boundary of classes %d and %d (mean alignments %+.2f and %+.2f)\n", i+1, p.Along, p.Against, p.MeanAlong, p.MeanAgainst)
	}
}

// excess compares a number of outliers with the C − 1 of the simplest boundary.
func excess(more int) string {
	switch {
	case more > 0:
		return fmt.Sprintf("%d more than the C − 1 of the simplest boundary", more)
	case more < 0:
		return fmt.Sprintf("%d fewer than C − 1: not every section of the boundary stands out", -more)
	}
	return "the C − 1 of the simplest boundary"
}

func writeComplexity(t io.Writer, c *boundary.Complexity) {
	if c == nil {
		return
	}
	if c.Value == nil {
		fmt.Fprintf(t, "complexity\tG is not known by these pairs, it is between %.3g and %.3g: --method reduced finds all that matter\n", c.Low, c.High)
		return
	}
	fmt.Fprintf(t, "complexity\tG = %.5g: %d of %d eigenvectors are aligned with a sample by %.4g or more (%s)\n", *c.Value, c.Count, c.Parameters, c.Epsilon, c.EpsilonOrigin)
	if c.Participation != nil {
		fmt.Fprintf(t, "participation\t%.3g of the resolvable eigenvectors share the gradients' energy, %.0f%% of it in the outliers, %.2g%% not resolved\n", *c.Participation, 100*c.OutlierEnergy, 100*c.UnresolvedEnergy)
	}
}

func (r *Result) writeDirections(t io.Writer) {
	if d := r.Directions; d != nil {
		fmt.Fprintf(t, "directions\t%.4g to %.4g of all eigenvectors share the gradients' energy\n", d.All.Low, d.All.High)
	}
	if e := r.EffectiveRank; e != nil && e.Samples > 0 {
		fmt.Fprintf(t, "effective rank\t%.3g directions by the gradients alone, without eigenvectors", e.Value)
		if e.Entropy != nil {
			fmt.Fprintf(t, "; %.3g by their entropy", *e.Entropy)
		}
		fmt.Fprintln(t)
	}
}

func (m *Margin) write(t io.Writer) {
	if m == nil {
		return
	}
	if m.Min == nil {
		fmt.Fprintf(t, "margin\tnone: no rightly classified sample of %d has a boundary within reach\n", m.Samples)
		return
	}
	fmt.Fprintf(t, "margin\t%.6g: sample %d is so far from class %d (5%% of the samples within %.4g, half within %.4g)\n", *m.Min, m.Sample, m.Rival, *m.Q05, *m.Median)
	fmt.Fprintf(t, "measured\t%d samples, %d misclassified and not counted, %d not converged to %.0e", m.Samples, m.Misclassified, m.Unconverged, m.Tolerance)
	if m.Unconverged > 0 {
		fmt.Fprint(t, " and upper bounds only")
	}
	fmt.Fprintln(t)
	fmt.Fprintf(t, "certified\t%d of %d distances are the least ones", m.Certified, m.Samples-m.Misclassified)
	if m.MinLower != nil {
		fmt.Fprintf(t, "; the margin is at least %.6g", *m.MinLower)
	}
	fmt.Fprintln(t)
	if m.Logit.Median != nil && m.Input.Median != nil {
		fmt.Fprintf(t, "logit margin\t%.4g at least, half within %.4g; first-order distances %.4g and %.4g\n", *m.Logit.Min, *m.Logit.Median, *m.Input.Min, *m.Input.Median)
	}
	for _, e := range []struct {
		name  string
		found *margin.Eigenvector
	}{{"by eigenvectors", m.Eigenvector}, {"as published", m.Paper}} {
		if e.found != nil && e.found.Excess != nil {
			fmt.Fprintf(t, "%s\t%.6g by v%d from %d starts: %+.1f%% off the margin\n", e.name, e.found.Value, e.found.Vector, e.found.Starts, 100**e.found.Excess)
		}
	}
}

func (a *Alignment) write(t io.Writer) {
	if a == nil {
		return
	}
	for _, group := range []struct {
		name, points string
		means        AlignmentMeans
	}{
		{"on the boundary", "boundary points, from both sides", a.Boundary},
		{"at samples", "samples", a.Samples},
		{"far from it", "random points far from the boundary", a.Far},
	} {
		if group.means.Points == 0 {
			fmt.Fprintf(t, "%s\tno %s\n", group.name, group.points)
			continue
		}
		fmt.Fprintf(t, "%s\t%s of the gradient's energy is in the outliers, |A₁| %s (%d %s)\n",
			group.name, group.means.Energy, group.means.First, group.means.Points, group.points)
	}
}

func (m Mean) String() string {
	if m.Error == nil {
		return fmt.Sprintf("%.4f", *m.Value)
	}
	return fmt.Sprintf("%.4f ± %.4f", *m.Value, *m.Error)
}

// writeEigenvalues writes the known eigenvalues at both ends of the spectrum. The
// matrix has parameters eigenvalues in total.
func (s *Spectrum) writeEigenvalues(w io.Writer, parameters int) error {
	t := terminal.Table{Columns: []terminal.Column{{Right: true}, {Heading: "eigenvalue", Right: true}, {Heading: "residual", Right: true}}}
	add := func(i int, value, residual float64) {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("λ%d", i), fmt.Sprintf("%.6g", value), fmt.Sprintf("%.1g", residual)})
	}
	for i, v := range s.Top {
		add(i+1, v, s.Residuals[i])
	}
	between := parameters - len(s.Top) - len(s.Bottom)
	if len(s.Top) > 0 && len(s.Bottom) > 0 && between > 0 {
		t.Rows = append(t.Rows, []string{"…", "", ""})
	}
	for i := len(s.Bottom) + min(between, 0) - 1; i >= 0; i-- { // without eigenvalues that Top already has
		add(parameters-i, s.Bottom[i], s.BottomResiduals[i])
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.Write(w)
}
