package margin

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Companions holds two measures that are cheap and may replace the margin.
type Companions struct {
	// Logit has the logit margin f_y − max_{c≠y} f_c of every sample, with y its
	// label: negative for a misclassified sample.
	Logit []float64
	// Input has first-order estimates of the distance to the boundary,
	// |f_a − f_b|/‖∇ₓ(f_a − f_b)‖₂ with a and b the classes of the two largest logits
	// (Elsayed 2018), of the samples that are classified correctly and have a
	// gradient that does not vanish.
	Input []float64
}

// companionBlock is how many samples are widened and differentiated at once.
const companionBlock = 1024

// MeasureCompanions measures every sample of split, in one forward and one
// backward pass.
func MeasureCompanions(ctx context.Context, field *models.Field, split *datasets.Split) (*Companions, error) {
	n, d := split.Len(), field.Width()
	if width, err := split.Width(); err != nil {
		return nil, err
	} else if width != d {
		return nil, fmt.Errorf("margin: split %q has samples of %d values; the model takes %d values", split.Name, width, d)
	}
	c := &Companions{Logit: make([]float64, n)}
	most := min(n, companionBlock)
	x, gradients, gaps := make([]float64, most*d), make([]float64, most*d), make([]float64, most)
	for from := 0; from < n; from += most {
		block := min(most, n-from)
		for i := range block {
			datasets.CopyRow(x[i*d:(i+1)*d], split, from+i)
		}
		err := field.Gradients(ctx, gradients[:block*d], x[:block*d], func(i int, z, s []float64) {
			label := split.Labels[from+i]
			c.Logit[from+i] = z[label] - z[rival(z, label)]
			a := floats.MaxIdx(z)
			b := rival(z, a)
			gaps[i], s[a], s[b] = z[a]-z[b], 1, -1
		})
		if err != nil {
			return nil, fmt.Errorf("margin: first-order margins: %w", err)
		}
		for i, gap := range gaps[:block] {
			if c.Logit[from+i] < 0 {
				continue
			}
			if norm := floats.Norm(gradients[i*d:(i+1)*d], 2); norm > 0 && !math.IsInf(gap/norm, 0) {
				c.Input = append(c.Input, gap/norm)
			}
		}
	}
	return c, nil
}

// Quantiles of a measure; nil if there are no values.
type Quantiles struct {
	Min    *float64 `json:"min"`
	Q05    *float64 `json:"q05"`
	Median *float64 `json:"median"`
}

// LogitQuantiles returns the quantiles of Logit.
func (c *Companions) LogitQuantiles() Quantiles { return quantiles(c.Logit) }

// InputQuantiles returns the quantiles of Input.
func (c *Companions) InputQuantiles() Quantiles { return quantiles(c.Input) }

func quantiles(values []float64) Quantiles {
	return Quantiles{quantileOf(values, 0), quantileOf(values, 0.05), quantileOf(values, 0.5)}
}
