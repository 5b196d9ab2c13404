package experiment

import (
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
	"github.com/hessoscope/hessoscope/trainer"
)

// Config is an experiment: a YAML file, a preset, or the config.yaml of a run.
type Config struct {
	Name        string     `yaml:"name"`
	Description string     `yaml:"description,omitempty"`
	Seed        uint64     `yaml:"seed"`
	Data        Data       `yaml:"data"`
	Model       Model      `yaml:"model"`
	Training    Training   `yaml:"training"`
	Spectrum    Spectrum   `yaml:"spectrum"`
	Complexity  Complexity `yaml:"complexity"`
	Plane       Plane      `yaml:"plane,omitempty"`
	Rank        Rank       `yaml:"effective_rank,omitempty"`
	Critical    Critical   `yaml:"critical_sharpness,omitempty"`
	Margin      Margin     `yaml:"margin"`
	Sharpness   Sharpness  `yaml:"sharpness,omitempty"`
	Log         Log        `yaml:"log,omitempty"`
	Export      Export     `yaml:"export,omitempty"`
	Stop        Stop       `yaml:"stop,omitempty"`
	Checkpoint  Checkpoint `yaml:"checkpoint"`
	Workers     int        `yaml:"workers,omitempty"`   // chunks of data computed in parallel; one per CPU if 0
	MemoryGB    float64    `yaml:"memory_gb,omitempty"` // memory that the run may take by its estimate; what the computer has left if 0
	Begun       Begun      `yaml:"begun,omitempty"`

	file    source          // what it was read from, where that is known
	changes []record.Change // since the run began
}

// Begun tells how a run began. It stands in the config.yaml of a run alone: run.json may
// not be written yet when the run is killed.
type Begun struct {
	Folder     string   `yaml:"folder,omitempty"`     // that of the run, to which paths are relative; see locate
	Experiment string   `yaml:"experiment,omitempty"` // argument of train
	Set        []string `yaml:"set,omitempty"`        // assignments of --set
}

// Data chooses the data set and how it is prepared.
type Data struct {
	Set          string   `yaml:"set,omitempty"`           // a built-in set (hessoscope datasets list), an .npz file or, with a slash, a folder of images
	CSV          string   `yaml:"csv,omitempty"`           // a CSV file, instead of a set
	Label        string   `yaml:"label,omitempty"`         // csv: column of the labels; "label" if empty
	Split        string   `yaml:"split,omitempty"`         // csv: column of the splits; "split" if empty
	Features     []string `yaml:"features,omitempty"`      // csv: columns of the inputs; all others if empty
	Exclude      []string `yaml:"exclude,omitempty"`       // csv: columns that are not read
	Delimiter    string   `yaml:"delimiter,omitempty"`     // csv: the character between fields; a comma if empty
	Categorical  []string `yaml:"categorical,omitempty"`   // csv: columns that are encoded one-hot, also if they hold numbers
	Standardize  bool     `yaml:"standardize,omitempty"`   // scale features, or the channels of images, to mean 0 and variance 1 on the training split
	Samples      int      `yaml:"samples,omitempty"`       // synthetic sets: number of generated points, which replace the paper's points
	TestSamples  int      `yaml:"test_samples,omitempty"`  // synthetic sets: number of generated points that replace the paper's test split
	Noise        float64  `yaml:"noise,omitempty"`         // synthetic sets: standard deviation
	RandomLabels bool     `yaml:"random_labels,omitempty"` // permute the labels of the training split
	Seed         uint64   `yaml:"seed,omitempty"`          // seed of generated points and random labels, the experiment's if 0; and of the splits that are drawn
	Classes      []int    `yaml:"classes,omitempty"`       // not for synthetic sets: only these classes
	PerClass     int      `yaml:"per_class,omitempty"`     // not for synthetic sets: number of samples of each class
	DataDir      string   `yaml:"dir,omitempty"`           // mnist, fashion_mnist, cifar10: folder of the files instead of the cache
	MaxGB        float64  `yaml:"max_gb,omitempty"`        // data in files: most memory that the values may take; 1 if 0

	Missing     datasets.Missing     `yaml:"missing,omitempty"`      // csv: what is done about gaps; they are errors if empty
	SplitShares datasets.SplitShares `yaml:"split_shares,omitempty"` // csv: shares of the rows that are held out, drawn by Seed

	Augmentation datasets.Augmentation `yaml:"augmentation,omitempty"` // images: random changes in training only
}

// Model chooses the network and its initial parameters.
type Model struct {
	Type       string            `yaml:"type,omitempty"`        // mlp (the default), or the name of a type that a program has registered
	Options    map[string]any    `yaml:"options,omitempty"`     // options of a registered type
	Name       string            `yaml:"name,omitempty"`        // a ready-made network of layers: cnn, lenet5 or resnet18
	File       string            `yaml:"file,omitempty"`        // a network of layers in a YAML file
	Input      []int             `yaml:"input,flow,omitempty"`  // network of layers: shape of a sample; that of the data if empty
	Layers     network.Layers    `yaml:"layers,omitempty"`      // a network of layers
	Hidden     []int             `yaml:"hidden,flow,omitempty"` // mlp: widths of the hidden layers
	Activation models.Activation `yaml:"activation,omitempty"`
	Init       models.Init       `yaml:"init,omitempty"`
	Precision  string            `yaml:"precision,omitempty"` // float64 (the default) or float32
	Weights    string            `yaml:"weights,omitempty"`   // start from this file or checkpoint, or from the last one of the run NAME, "@NAME"
	NormOf     string            `yaml:"norm_of,omitempty"`   // start fresh, rescaled to the norm of these weights
}

// Training chooses how the loss is minimised.
type Training struct {
	Epochs    int                     `yaml:"epochs"`
	BatchSize int                     `yaml:"batch_size,omitempty"` // the whole split if 0
	Loss      LossName                `yaml:"loss,omitempty"`
	Weights   ClassWeights            `yaml:"class_weights,omitempty,flow"` // of the classes in the loss; all alike if empty
	Rate      trainer.Rate            `yaml:"rate"`
	Optimizer trainer.OptimizerConfig `yaml:"optimizer,omitempty"`
	ClipNorm  float64                 `yaml:"clip_norm,omitempty"`
	Evaluate  trainer.Schedule        `yaml:"evaluate,omitempty"` // every epoch if empty
}

// Spectrum chooses which eigenvalues of the Hessian are measured, when and how.
type Spectrum struct {
	Off       bool             `yaml:"off,omitempty"`
	Schedule  trainer.Schedule `yaml:"schedule,omitempty"`  // if empty, 50 log-spaced epochs, as far as a tenth of the work allows
	Method    curvature.Method `yaml:"method"`              // auto, dense, lanczos, reduced or density
	Resolved  bool             `yaml:"resolved,omitempty"`  // auto: choose a method that finds all resolvable pairs
	Matrix    analysis.Matrix  `yaml:"matrix,omitempty"`    // hessian, gauss_newton or empirical_fisher
	Precision string           `yaml:"precision,omitempty"` // of the products: float64 (the default) or float32
	Only      []string         `yaml:"only,omitempty"`      // layers or parameters; all if empty
	Samples   int              `yaml:"samples,omitempty"`   // number of samples of the training split to measure on, drawn by the seed; all if 0
	Top       int              `yaml:"top,omitempty"`       // number of largest pairs; C + 2 if 0
	Bottom    int              `yaml:"bottom,omitempty"`    // number of smallest pairs; none if 0 or −1
	Tolerance float64          `yaml:"tolerance,omitempty"`
	Memory    int64            `yaml:"memory,omitempty"` // bytes for what products at the same parameters share; an eighth of the machine's if 0
}

// Complexity chooses how the complexity of the boundary is measured, from the
// eigenvectors of the spectrum.
type Complexity struct {
	Off       bool               `yaml:"off,omitempty"`
	Schedule  trainer.Schedule   `yaml:"schedule,omitempty"`  // selects some of the epochs of the spectrum; all if empty
	Epsilon   float64            `yaml:"epsilon,omitempty"`   // calibrated if 0
	Alpha     float64            `yaml:"alpha,omitempty"`     // significance level of the calibration; 0.05 if 0
	Statistic boundary.Statistic `yaml:"statistic,omitempty"` // max, or the paper's mean
	Vectors   boundary.Selection `yaml:"vectors,omitempty"`   // resolvable, or the paper's all
}

// Plane chooses whether the regions and alignments in the plane are stored with the
// spectrum, if the inputs have two values, and how finely.
type Plane struct {
	Off  bool `yaml:"off,omitempty"`
	Side int  `yaml:"side,omitempty"` // cells along a side; 24 to 64, by the cost of the spectrum, if 0
}

// Rank chooses when and on how many samples the effective rank of the gradients
// is measured.
type Rank struct {
	Off      bool             `yaml:"off,omitempty"`
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // every epoch that a fiftieth of the work pays for, if empty
	Samples  int              `yaml:"samples,omitempty"`  // of the training split, drawn by the seed; all of at most 1000 if 0
}

// Critical chooses when, along which direction and on how many samples the critical
// sharpness is measured.
type Critical struct {
	Off      bool                `yaml:"off,omitempty"`
	Schedule trainer.Schedule    `yaml:"schedule,omitempty"` // every epoch that a twentieth of the work pays for, if empty
	Along    sharpness.Direction `yaml:"along,omitempty"`    // gradient or update
	Samples  int                 `yaml:"samples,omitempty"`  // of the training split, drawn by the seed; all of at most 1000 if 0
}

// Margin chooses when and on how many samples the margin is measured.
type Margin struct {
	Off      bool             `yaml:"off,omitempty"`
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // if empty, 50 log-spaced epochs, as far as a tenth of the work allows
	Samples  int              `yaml:"samples,omitempty"`  // number of samples of the training split to measure, drawn by the seed; all, but at most 1000, if 0
}

// Sharpness chooses which measures of sharpness are computed that need no
// eigenvectors, when, and on how many samples.
type Sharpness struct {
	Fisher        bool             `yaml:"fisher,omitempty"`        // the trace of the Fisher information
	Perturbations int              `yaml:"perturbations,omitempty"` // random perturbations for 1/σ²; no such estimate if 0
	Schedule      trainer.Schedule `yaml:"schedule,omitempty"`      // if empty, 20 log-spaced epochs, as far as a tenth of the work allows
	Samples       int              `yaml:"samples,omitempty"`       // of the training split, drawn by the seed; all of at most 1000 if 0
}

// measures reports whether anything is to be measured.
func (s *Sharpness) measures() bool { return s.Fisher || s.Perturbations != 0 }

// Log chooses the epochs that are logged.
type Log struct {
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // if empty, about 20 epochs, and every epoch with a measurement
}

// Export chooses the formats of other programs in which metrics are written, too.
type Export struct {
	TensorBoard bool `yaml:"tensorboard,omitempty"` // an event file
	OpenMetrics bool `yaml:"openmetrics,omitempty"` // a text file of the last values
}

// Stop chooses when training ends early, and which parameters are kept.
type Stop struct {
	Rule        stopping.Rule `yaml:"when,omitempty"`         // the condition on which to stop
	RestoreBest string        `yaml:"restore_best,omitempty"` // metric; the parameters of its best epoch are put back when training ends
}

// Checkpoint chooses when the state of a run is saved.
type Checkpoint struct {
	Seconds  float64          `yaml:"seconds,omitempty"`  // time between saves of last.npz; 10 if 0
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // epochs whose checkpoints are kept in files of their own
	Best     string           `yaml:"best,omitempty"`     // metric; its best epoch is kept as best.npz
}
