package command

import (
	"flag"
	"math"
	"path/filepath"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
)

var reference = flag.String("reference", "", "folder of the reference nets: weights/, expected/ and datasets/; not tested without")

// TestReference analyzes whole nets of the paper. It takes minutes.
func TestReference(t *testing.T) {
	if *reference == "" {
		t.Skip("wants -reference")
	}
	for net, data := range map[string]string{
		"intro1D_seed29":    "intro1D",
		"gauss_small":       "gauss",
		"gauss_normal":      "gauss",
		"iris":              "iris",
		"checker_normal":    "checkerboard_linear_close",
		"checker_noisyinit": "checkerboard_linear_close",
	} {
		t.Run(net, func(t *testing.T) {
			want := decode[truth](t, read(t, filepath.Join(*reference, "expected", net+".json")))
			out := succeed(t, "analyze", "--weights", filepath.Join(*reference, "weights", net+".npz"),
				"--data", filepath.Join(*reference, "datasets", data+".csv"), "--json", "-")
			have := decode[analysis.Result](t, out)
			want.check(t, have)
			off, residual := 0.0, 0.0
			for i, v := range have.Spectrum.Top {
				off, residual = max(off, math.Abs(v-want.Top[i])), max(residual, have.Spectrum.Residuals[i])
			}
			for i, v := range have.Spectrum.Bottom {
				off, residual = max(off, math.Abs(v-want.Bottom[i])), max(residual, have.Spectrum.BottomResiduals[i])
			}
			t.Logf("%s: loss %.1e and gradient norm %.1e off, relative; eigenvalues %.1e off, residuals %.1e, relative to λ₁; %d H·v, %.1f s",
				have.Spectrum.Method, math.Abs(have.Loss/want.Loss-1), math.Abs(have.GradientNorm/want.GradientNorm-1),
				off/want.Lambda1, residual/want.Lambda1, have.Spectrum.HVPs, have.Seconds)
		})
	}
}
