package datasets

import (
	"fmt"
	"math"
	"strconv"
)

// CheckRange returns an error that names the column, or the channel of images, of the first value whose magnitude is above
// most, or that is not finite. In float64, the squares of a loss's second derivatives overflow for inputs above about 1e75.
func (d *Dataset) CheckRange(most float64) error {
	buf := make([]float64, d.Width())
	for i := range d.Splits {
		s := &d.Splits[i]
		if err := s.fits(d.Width()); err != nil {
			return err
		}
		if p := s.Packed; p != nil && p.bytes != nil && p.scaling == nil {
			continue // from 0 to 1
		}
		for r := range s.Len() {
			for k, v := range s.row(buf, r) {
				if !(math.Abs(v) <= most) {
					return fmt.Errorf("datasets: %s: %s has the value %.4g in the %s split: above %.0e, what is computed from it overflows: standardize the values (data.standardize, --standardize), or leave the column out", d.Name, d.inputName(k), v, s.Name, most)
				}
			}
		}
	}
	return nil
}

// inputName names input k for an error.
func (d *Dataset) inputName(k int) string {
	switch {
	case k < len(d.Features):
		return "column " + strconv.Quote(d.Features[k])
	case len(d.Shape) == 3:
		return fmt.Sprintf("channel %d", k*d.Shape[0]/d.Width())
	}
	return fmt.Sprintf("column %d", k)
}
