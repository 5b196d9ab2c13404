package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/memory"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// What a run takes at its peak, in vectors of its parameters, with what the garbage
// collector leaves for later and with a checkpoint that is written. Measured on networks
// of 4 and 9 million parameters.
const (
	trainVectors    = 13 // in float64
	train32Vectors  = 7  // in float32, counted in float64
	stateVectors    = 3  // for each that the optimizer keeps
	criticalVectors = 6
	quickVectors    = 26 // measuring λ₁ alone
)

// checkMemory returns an error if training and measuring need more memory than the
// computer has left, or than memory_gb says; else how many bytes of passes may be kept
// within that. The planned work is that of the trainer.
func (c *Config) checkMemory(m models.Model, data *datasets.Dataset, planned float64) (kept int64, err error) {
	train, err := data.Split(datasets.Train)
	if err != nil {
		return 0, err
	}
	parts := c.memoryParts(m, train.Len(), planned)
	left, err := memory.Check(parts, c.MemoryGB, "memory_gb", func(free float64) string { return c.fitting(m, train.Len(), free, parts) })
	return memory.Kept(c.Spectrum.Memory, c.MemoryGB, left), err
}

// Kept returns how many bytes of passes may be kept, as spectrum.memory and memory_gb
// say, in a run of the model on so many samples that measures all pairs.
func (c *Config) Kept(m models.Model, samples int) int64 {
	return memory.Kept(c.Spectrum.Memory, c.MemoryGB, memory.Left(c.memoryParts(m, samples, math.Inf(1)), c.MemoryGB))
}

// memoryParts estimates what training and the measurements on so many samples need.
func (c *Config) memoryParts(m models.Model, samples int, planned float64) []memory.Part {
	vector := 8 * float64(models.Size(m))
	vectors := float64(trainVectors)
	if c.Model.Precision == "float32" {
		vectors = train32Vectors
	}
	vectors += stateVectors * float64(c.Training.Optimizer.Slots())
	parts := []memory.Part{
		{What: "training", Bytes: vectors * vector},
		{What: "outputs", Bytes: 8 * float64(samples) * float64(m.Classes())},
	}
	if !c.Critical.Off {
		parts = append(parts, memory.Part{What: "critical_sharpness", Bytes: criticalVectors * vector})
	}
	if samples := min(samples, cmp.Or(c.Rank.Samples, callbacks.RankSamples)); !c.Rank.Off {
		parts = append(parts, memory.Part{What: "effective_rank", Bytes: boundary.GramMemory(m, samples) + boundary.ReinforcingMemory(samples, models.Size(m))})
	}
	if !c.Spectrum.Off {
		parts = append(parts, memory.Part{What: "spectrum", Bytes: c.spectrumMemory(m, samples, planned)})
	}
	return parts
}

// spectrumMemory estimates what measuring the spectrum needs. By default all pairs are
// measured only if the budget pays for them, and else λ₁ alone.
func (c *Config) spectrumMemory(m models.Model, samples int, planned float64) float64 {
	s := c.measured(m, samples)
	budget := c.Spectrum.Schedule.Budget
	if pays := budget == 0 || callbacks.SpectrumWork(s.Settings.Top, s.Samples) <= budget*planned; c.Spectrum.Top == 0 && !pays {
		return quickVectors * 8 * float64(s.Parameters)
	}
	return s.Bytes()
}

// measured returns what is measured of the spectrum on at most so many samples.
func (c *Config) measured(m models.Model, samples int) memory.Spectrum {
	if c.Spectrum.Samples > 0 {
		samples = min(samples, c.Spectrum.Samples)
	}
	return memory.Spectrum{
		Model: m, Parameters: c.differentiated(m), Samples: samples, Settings: c.solver(m.Classes()),
		Float32: c.Spectrum.Precision == "float32", Complexity: !c.Complexity.Off,
	}
}

// solver returns the settings of the solver with the numbers of pairs that the hook
// Spectrum measures at least.
func (c *Config) solver(classes int) curvature.Settings {
	s := c.Solver()
	switch {
	case s.Top != 0:
	case c.Complexity.Off:
		s.Top = classes + 2
	default:
		s.Top = max(classes+2, 12)
	}
	if s.Bottom == 0 {
		s.Bottom = -1
	}
	return s
}

// differentiated returns the number of parameters whose curvature is measured.
func (c *Config) differentiated(m models.Model) int {
	n := 0
	for _, p := range m.Parameters() {
		if len(c.Spectrum.Only) == 0 || slices.ContainsFunc(c.Spectrum.Only, func(name string) bool {
			return p.Name == name || strings.HasPrefix(p.Name, name+".")
		}) {
			n += p.Value.DataSize()
		}
	}
	return max(n, 1)
}

// fitting says with what settings a run fits into the memory that is free.
func (c *Config) fitting(m models.Model, samples int, free float64, parts []memory.Part) string {
	others := 0.0
	for _, p := range parts {
		if p.What != "spectrum" {
			others += p.Bytes
		}
	}
	if others <= free {
		s := c.measured(m, samples)
		if pairs := s.Pairs(free - others); pairs > 0 {
			return fmt.Sprintf("spectrum.method=%s with spectrum.top=%d", curvature.Lanczos, pairs)
		}
		if s.Complexity = false; !c.Complexity.Off && s.Bytes() <= free-others {
			return "complexity.off=true"
		}
		return "spectrum.off=true"
	}
	alone := ""
	if !c.Spectrum.Off {
		alone = " with spectrum.off=true"
	}
	outputs := parts[1].Bytes
	switch {
	case outputs > free:
		return fmt.Sprintf("A set of %.0f samples in %d classes", 0.9*free/8/float64(m.Classes()), m.Classes())
	case c.Model.Precision != "float32" && others-parts[0].Bytes*(1-train32Vectors/float64(trainVectors)) < free:
		return "model.precision=float32" + alone
	}
	return fmt.Sprintf("A network of %.2g parameters%s", 0.9*float64(models.Size(m))*(free-outputs)/(others-outputs), alone)
}
