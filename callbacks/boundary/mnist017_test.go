package boundary_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
	"github.com/hessoscope/hessoscope/models/weights"
)

// mnist017 returns the paper's convolutional network for the digits 0, 1 and 7 and
// the samples that it was trained on.
func mnist017(t testing.TB) (*network.Network, *datasets.Split) {
	t.Helper()
	arrays, err := weights.Read("../../models/testdata/mnist017.npz")
	if err != nil {
		t.Fatal(err)
	}
	split := &datasets.Split{Name: "train"}
	var parameters []weights.Array
	for _, a := range arrays {
		switch a.Name {
		case "x":
			split.X = a.Data
			floats.Scale(1./255, split.X)
		case "y":
			for _, label := range a.Data {
				split.Labels = append(split.Labels, int(label))
			}
		case "v", "hv":
		default:
			parameters = append(parameters, a)
		}
	}
	n, err := network.New(network.CNN(3), network.Settings{}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if err := models.Import(n.Parameters(), parameters); err != nil {
		t.Fatal(err)
	}
	return n, split
}

// truth017 are values of PyTorch, in float64.
type truth017 struct {
	Top        []float64   `json:"top"`        // the largest eigenvalues
	Bottom     []float64   `json:"bottom"`     // the smallest
	Samples    []int       `json:"samples"`    // some of those whose reinforcing gradients are above 1e-9
	Norms      []float64   `json:"norms"`      // of their gradients
	Alignments [][]float64 `json:"alignments"` // with the largest eigenvectors, whose signs are arbitrary
}

func readTruth017(t testing.TB) (truth truth017) {
	t.Helper()
	text, err := os.ReadFile("testdata/mnist017.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	return truth
}

// The ends of the spectrum of the paper's convolutional network, and the alignments
// of its samples.
func TestConvolutionalNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some hundred Hessian-vector products of a convolutional network")
	}
	truth := readTruth017(t)
	n, split := mnist017(t)
	o, err := models.NewObjective(n, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := curvature.Solve(t.Context(), curvature.Hessian{Objective: o}, curvature.Settings{
		Method: curvature.Lanczos, Top: len(truth.Top), Bottom: len(truth.Bottom),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d Hessian-vector products", s.Applications)
	if !s.Converged {
		t.Errorf("not converged: %s", s.Reason)
	}
	for _, end := range []struct {
		name string
		have curvature.Pairs
		want []float64
	}{{"largest", s.Top, truth.Top}, {"smallest", s.Bottom, truth.Bottom}} {
		for i, want := range end.want {
			if off := math.Abs(end.have.Values[i] - want); !(off <= 1e-8*truth.Top[0]) || !(off <= end.have.Residuals[i]+1e-10*truth.Top[0]) {
				t.Errorf("%s %d: %v with residual %.2g; want %v", end.name, i, end.have.Values[i], end.have.Residuals[i], want)
			}
		}
	}

	r, err := boundary.NewReinforcing(t.Context(), n, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	alignments, err := r.Alignments(t.Context(), s.Top.Vectors)
	if err != nil {
		t.Fatal(err)
	}
	for i, sample := range truth.Samples {
		if norm := r.Factors[sample] * r.Norms[sample]; !(math.Abs(norm-truth.Norms[i]) <= 1e-9*truth.Norms[i]) {
			t.Errorf("sample %d: reinforcing gradient of norm %v; want %v", sample, norm, truth.Norms[i])
		}
		for k, want := range truth.Alignments[i] {
			if have := alignments.At(sample, k); !(math.Abs(math.Abs(have)-math.Abs(want)) <= 1e-6) {
				t.Errorf("sample %d, vector %d: alignment %v; want ±%v", sample, k, have, want)
			}
		}
	}
}
