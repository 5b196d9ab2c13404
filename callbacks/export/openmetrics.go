package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// OpenMetrics keeps a text file with the last value of each metric, in the format of
// OpenMetrics 1.0, for a collector that reads text files. The names are those of a
// Collector. The file is replaced atomically when training begins, every five seconds
// while it goes on, and when it ends.
type OpenMetrics struct {
	Path string // path of the file, such as "metrics.prom"; its folder is created
	Run  string // label run of all metrics; the name of the file's folder if empty

	written time.Time
	begun   bool
}

// metricsEvery is the time between two versions of the file.
const metricsEvery = 5 * time.Second

var (
	_ trainer.Hook          = (*OpenMetrics)(nil)
	_ trainer.Phased        = (*OpenMetrics)(nil)
	_ trainer.TrainBeginner = (*OpenMetrics)(nil)
	_ trainer.BatchEnder    = (*OpenMetrics)(nil)
	_ trainer.EpochEnder    = (*OpenMetrics)(nil)
	_ trainer.TrainEnder    = (*OpenMetrics)(nil)
	_ trainer.Interrupted   = (*OpenMetrics)(nil)
	_ trainer.Resetter      = (*OpenMetrics)(nil)
)

// Name implements trainer.Hook.
func (*OpenMetrics) Name() string { return "openmetrics" }

// Phase implements trainer.Phased.
func (*OpenMetrics) Phase() trainer.Phase { return trainer.Record }

// TrainBegin implements trainer.TrainBeginner.
func (o *OpenMetrics) TrainBegin(_ context.Context, s *trainer.State) error {
	if o.Path == "" {
		return errors.New("the name of the file, Path, is empty; set it")
	}
	if err := durable.MkdirAll(filepath.Dir(o.Path)); err != nil {
		return err
	}
	o.begun = true
	return o.write(s, record.StatusRunning)
}

// BatchEnd implements trainer.BatchEnder.
func (o *OpenMetrics) BatchEnd(_ context.Context, s *trainer.State) error { return o.refresh(s) }

// EpochEnd implements trainer.EpochEnder.
func (o *OpenMetrics) EpochEnd(_ context.Context, s *trainer.State) error { return o.refresh(s) }

func (o *OpenMetrics) refresh(s *trainer.State) error {
	if time.Since(o.written) < metricsEvery {
		return nil
	}
	return o.write(s, record.StatusRunning)
}

// TrainEnd implements trainer.TrainEnder.
func (o *OpenMetrics) TrainEnd(_ context.Context, s *trainer.State) error {
	return o.write(s, record.StatusFinished)
}

// Interrupted implements trainer.Interrupted.
func (o *OpenMetrics) Interrupted(_ context.Context, s *trainer.State, err error) error {
	if !o.begun {
		return nil
	}
	return o.write(s, record.Status(trainer.StopOf(err).Reason))
}

// Reset implements trainer.Resetter.
func (o *OpenMetrics) Reset() { o.written, o.begun = time.Time{}, false }

// write replaces the file.
func (o *OpenMetrics) write(s *trainer.State, status record.Status) error {
	run := Run{o.Run, &record.Run{
		Status: status, Updated: time.Now(), Seconds: s.Elapsed().Seconds(),
		Epoch: s.Epoch, Epochs: s.Epochs, Step: s.Step, Metrics: s.Metrics(), Final: make(map[string]trainer.Reading),
	}}
	if run.Name == "" {
		path, err := filepath.Abs(o.Path)
		if err != nil {
			return err
		}
		run.Name = filepath.Base(filepath.Dir(path))
	}
	for _, m := range s.Metrics() {
		if last, ok := s.Last(m.Name); ok {
			run.Final[m.Name] = last
		}
	}
	err := durable.Write(o.Path, func(w io.Writer) error { return WriteOpenMetrics(w, run) })
	if err != nil {
		return fmt.Errorf("%s: %w", o.Path, err)
	}
	o.written = time.Now()
	return nil
}

// WriteOpenMetrics writes the last values of runs in the format of OpenMetrics 1.0.
func WriteOpenMetrics(w io.Writer, runs ...Run) error {
	registry := prometheus.NewRegistry()
	if err := registry.Register(&Collector{Runs: func() ([]Run, error) { return runs, nil }}); err != nil {
		return err
	}
	families, err := registry.Gather()
	if err != nil {
		return err
	}
	encoder := expfmt.NewEncoder(w, expfmt.NewFormat(expfmt.TypeOpenMetrics))
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			return err
		}
	}
	return encoder.(expfmt.Closer).Close()
}
