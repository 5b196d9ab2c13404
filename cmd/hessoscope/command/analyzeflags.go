package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/models"
)

// maxSide bounds --alignment-points, and so the memory of a grid.
const maxSide = 1000

type analyzeCmd struct {
	Run_         string              `arg:"" optional:"" complete:"runs" name:"run" help:"Folder of a run." placeholder:"RUN_DIR"`
	Epoch        int                 `help:"Epoch of the run whose checkpoint was kept; the last if not given." default:"-1" placeholder:"N"`
	Weights      string              `help:"Weights, .npz or .safetensors, named as PyTorch does: of an MLP, unless there is a --model. A file of hessoscope export tells the network, the loss and the scaling by itself." placeholder:"FILE"`
	Model        string              `help:"Network of layers that the weights belong to: a YAML file, or cnn, lenet5 or resnet18." placeholder:"FILE.yaml"`
	Layers       []string            `help:"Layers of an MLP, from the input to the output, if the numbers in their names (fc1, fc2) or the order of the file do not tell." placeholder:"fc1,fc2,out"`
	Data         string              `help:"Data: a CSV file, a NumPy file (.npz) with x and y or x_train, y_train, x_test and y_test, a folder of images (DIR/), or the name of a built-in set." placeholder:"FILE|DIR/|SET"`
	DataDir      string              `help:"Folder of the files of MNIST, Fashion-MNIST or CIFAR-10, instead of your cache." placeholder:"DIR"`
	MaxGB        float64             `name:"max-gb" help:"Most memory that the values of data in files may take, in GB; 1 if not given." placeholder:"GB"`
	MemoryGB     float64             `name:"memory-gb" help:"Memory that measuring may take by its estimate, in GB; what the computer has left if not given." placeholder:"GB"`
	Label        string              `help:"Column of the CSV that holds the labels; that of the training data, or label, if not given." placeholder:"COLUMN"`
	Standardize  bool                `help:"Standardize the data by their train split. A run and a file of hessoscope export scale them as in training, without this."`
	Set          []string            `help:"Read --data with a setting of data: in an experiment: --set data.missing=median. May be repeated. A run and a file of hessoscope export read a table as in training, without this." placeholder:"data.KEY=VALUE" sep:"none"`
	Split        string              `help:"Split of the data." default:"train"`
	Activation   models.Activation   `help:"Nonlinearity between the layers of an MLP. A file of weights does not contain it." default:"relu"`
	Loss         experiment.LossName `help:"Loss: cross_entropy or squared_error." default:"cross_entropy"`
	Matrix       analysis.Matrix     `help:"Matrix whose eigenvalues are measured: hessian, gauss_newton, or empirical_fisher (the second moment of the samples' gradients)." default:"hessian"`
	Precision    string              `help:"Precision of the products that eigenpairs are searched with: float64, or float32, in which lanczos and density work; residuals are in float64 always." enum:"float64,float32" default:"float64"`
	Method       curvature.Method    `help:"How to find eigenvalues: dense (all of them), lanczos (the ends), reduced (all resolvable pairs), density (the ends, and an estimate of all), or auto by size." default:"auto"`
	Top          int                 `help:"How many of the largest eigenvalues." default:"10"`
	Bottom       int                 `help:"How many of the smallest eigenvalues." default:"5"`
	Tolerance    float64             `help:"Largest residual of an eigenpair, relative to the largest |λ|; 1e-8, or 1e-5 with --precision float32, if not given." placeholder:"R"`
	Epsilon      float64             `help:"Threshold ε of the alignment for the complexity; calibrated against chance if 0." placeholder:"ε"`
	NoComplexity bool                `help:"Measure the spectrum only."`
	OutlierRules bool                `help:"Show the outliers by two other rules as well: by the largest gap, and by the edge of the bulk."`
	Margin       bool                `help:"Measure the margin too: the samples' distances to the boundary, and the estimate of the margin from the outliers' eigenvectors."`
	Margins      string              `help:"Write the distance of every sample to the boundary to this CSV file; implies --margin." placeholder:"FILE.csv"`
	Boundary     string              `name:"boundary-images" help:"Draw the samples nearest to the boundary, each beside the nearest image on the boundary and their difference, to this .png file; implies --margin." placeholder:"FILE.png"`
	Samples      int                 `name:"margin-samples" help:"How many samples' distances are measured, drawn by the seed; all of at most 1000 if 0." placeholder:"N"`
	Alignment    string              `help:"Write the alignments of the top eigenvectors with the gradients at many points to this .csv or .npz file, and compare the gradients on and off the boundary." placeholder:"FILE"`
	AlignmentAt  string              `help:"These points: a grid in the plane; a line between the nearest samples of two predicted classes, or between two rows of the split (line:3,17); the samples of a split; or a .csv file with the columns of the features, as in the table of the data. By default the grid, or the samples of --split if the inputs do not have two dimensions." placeholder:"grid|line|SPLIT|FILE.csv"`
	AlignVectors int                 `name:"alignment-vectors" help:"How many top eigenvectors at least; those of the outliers if 0." placeholder:"K"`
	AlignPoints  int                 `name:"alignment-points" help:"Number of points along each side of the grid, or on the line." default:"100"`
	Picture      string              `help:"Draw the decision regions (or the samples' distances, if the inputs do not have two dimensions) and the eigenvalues to this .png file." placeholder:"FILE.png"`
	Seed         uint64              `help:"Seed of Lanczos' random start, and of the margin's directions."`
	Workers      int                 `help:"Number of chunks of data computed in parallel; one per CPU if 0. The results do not depend on it."`
	JSON         string              `name:"json" help:"Write the results as JSON: to a file, or to standard output (-) in place of the table." placeholder:"FILE|-"`
	Vectors      string              `help:"Write eigenvalues, eigenvectors (one per row), residuals and alignments to this .npz file." placeholder:"FILE"`

	trained models.Loss // that of the run, or nil
}

// Help returns the text that analyze --help adds.
func (analyzeCmd) Help() string {
	return `
Measures the loss of a finished model and its Hessian, in float64.

  hessoscope analyze runs/iris
  hessoscope analyze --weights W.npz --data D.csv --split train --top 10 --json -
  hessoscope analyze --weights W.npz --data D.npz --split test
  hessoscope analyze --weights W.npz --data D.csv --set data.missing=median --set data.exclude=[id]
  hessoscope analyze --weights iris.safetensors --data iris
  hessoscope analyze --model net.yaml --weights W.npz --data D.npz
  hessoscope analyze runs/iris --margin --margins distances.csv
  hessoscope analyze runs/gauss --margin --picture gauss.png
  hessoscope analyze runs/mnist-017 --boundary-images nearest.png --margin-samples 20
  hessoscope analyze runs/gauss --alignment grid.csv
  hessoscope analyze runs/iris --alignment line.npz --alignment-at line:3,17

Every eigenvalue comes with the residual ‖Hv − λv‖ of its pair: a true eigenvalue is within this distance.`
}

func (a analyzeCmd) validate() error {
	switch {
	case a.Run_ == "" && (a.Weights == "" || a.Data == ""):
		return errors.New("analyze wants the folder of a run, or --weights and --data")
	case a.Run_ != "" && (a.Weights != "" || a.Data != "" || a.Model != ""):
		return errors.New("analyze wants the folder of a run or --weights and --data, not both")
	case a.Run_ == "" && a.Epoch >= 0:
		return errors.New("--epoch belongs to the folder of a run")
	case a.Run_ != "" && a.Standardize:
		return errors.New("--standardize belongs to --weights and --data; the data of a run are scaled as in training")
	case a.Run_ != "" && len(a.Set) > 0:
		return errors.New("--set belongs to --weights and --data; the data of a run are read as in training")
	case len(a.Layers) > 0 && (a.Weights == "" || a.Model != ""):
		return errors.New("--layers belongs to the --weights of an MLP; those of a network of layers have their names in --model")
	case a.Top < 0 || a.Bottom < 0:
		return errors.New("--top and --bottom want numbers that are not negative")
	case a.Samples < 0:
		return fmt.Errorf("--margin-samples %d: want 0, for all of at most %d, or more", a.Samples, analysis.MarginSamples)
	case a.Workers < 0:
		return fmt.Errorf("--workers %d: want 0, for one a CPU, or more", a.Workers)
	case a.Alignment == "" && (a.AlignmentAt != "" || a.AlignVectors != 0):
		return errors.New("--alignment-at and --alignment-vectors belong to --alignment FILE")
	case a.AlignVectors < 0:
		return fmt.Errorf("--alignment-vectors %d: want 0, for those of the outliers, or more", a.AlignVectors)
	case a.AlignPoints < 2 || a.AlignPoints > maxSide:
		return fmt.Errorf("--alignment-points %d: want 2 to %d", a.AlignPoints, maxSide)
	case !(a.Tolerance >= 0 && a.Tolerance < 1):
		return fmt.Errorf("--tolerance %g: want a number between 0 and 1, or 0 for the default", a.Tolerance)
	case a.Precision == "float32" && (a.Method == curvature.Dense || a.Method == curvature.Reduced):
		return fmt.Errorf("--precision float32: products in it do not resolve all pairs, as %s does; want --method %s or %s", a.Method, curvature.Lanczos, curvature.Quadrature)
	}
	for _, path := range []string{a.JSON, a.Vectors, a.Margins, a.Boundary, a.Picture, a.Alignment} {
		if err := writable(path); err != nil {
			return err
		}
	}
	for _, file := range []struct {
		flag, path string
		exts       []string
	}{
		{"--margins", a.Margins, []string{".csv"}},
		{"--boundary-images", a.Boundary, []string{".png"}},
		{"--picture", a.Picture, []string{".png"}},
		{"--vectors", a.Vectors, []string{".npz"}},
		{"--alignment", a.Alignment, []string{".csv", ".npz"}},
	} {
		if file.path != "" && !slices.Contains(file.exts, filepath.Ext(file.path)) {
			return fmt.Errorf("%s %s: want a name that ends in %s", file.flag, file.path, strings.Join(file.exts, " or "))
		}
	}
	if err := a.Activation.Validate(); err != nil {
		return fmt.Errorf("--activation %w", err)
	}
	if err := a.Loss.Validate(); err != nil {
		return fmt.Errorf("--loss %w", err)
	}
	return nil
}
