package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Trained is a trained model with what must be known to use it.
type Trained struct {
	Model       models.Model
	Data        *datasets.Schema
	Loss        LossName
	Fingerprint string             // of the data that it was trained on
	Epoch       int                // of the parameters
	Metrics     map[string]float64 // those that were recorded at that epoch
	Version     string             // of the program that trained it; empty if not known

	description Model // of the network alone, not of its start
}

// ReadTrained reads a model from a checkpoint of a run: that of an epoch, or the last
// one if epoch is negative. A checkpoint of an older version has no schema: then the
// run's data are loaded.
func ReadTrained(ctx context.Context, dir string, epoch int) (*Trained, error) {
	c, err := ReadRun(dir)
	if err != nil {
		return nil, err
	}
	path, err := CheckpointOf(dir, epoch)
	if err != nil {
		return nil, err
	}
	checkpoint, err := trainer.ReadCheckpoint(path)
	if err != nil {
		return nil, Unreadable(record.Folder(dir), path, err)
	}
	p := checkpoint.Progress
	t := &Trained{Data: checkpoint.Data, Loss: cmp.Or(c.Training.Loss, LossName(models.CrossEntropy.Name())), Fingerprint: p.Data, Epoch: p.Epoch}
	if t.Data == nil {
		data, err := c.LoadData(ctx)
		if err != nil {
			return nil, err
		}
		if data.Fingerprint() != p.Data {
			return nil, fmt.Errorf("%s: is of an older version, without classes and scaling, and the data of the run have changed since: they cannot be told any more", path)
		}
		t.Data = data.Schema()
	}
	if err := t.Data.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if t.description, err = c.Model.alone(t.Data); err != nil {
		return nil, err
	}
	if t.Model, err = c.LoadModel(path, t.skeleton()); err != nil {
		return nil, err
	}
	return t, t.readRecord(record.Folder(dir), p.Stage > 0, path)
}

// readRecord reads what the files of a run tell of the parameters in a checkpoint.
func (t *Trained) readRecord(dir record.Folder, atEnd bool, checkpoint string) error {
	run, err := record.ReadRun(dir.Run())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	t.Version = run.Version
	if run.Restored != nil && checkpoint == dir.LastCheckpoint() {
		t.Epoch = run.Restored.Epoch
	}
	history, err := run.History(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range history {
		if atEnd && entry.Epoch == t.Epoch {
			t.Metrics = entry.Metrics
		}
	}
	return nil
}

// alone returns the description of a network without the settings of its start, and
// with the layers of one that is known by a name.
func (m Model) alone(data *datasets.Schema) (Model, error) {
	m.Weights, m.NormOf, m.Init = "", "", ""
	switch {
	case m.isMLP():
		m.Type, m.Activation = mlp, cmp.Or(m.Activation, models.ReLU)
	case m.isNetwork():
		d, err := m.description(len(data.Classes))
		if err != nil {
			return m, err
		}
		if shape := (&datasets.Dataset{Shape: data.Shape}); d.Input == nil {
			d.Input = data.Shape
		} else if m.Name != "" && m.Input == nil {
			d = sized(d, shape)
		}
		m = Model{Input: d.Input, Layers: d.Layers, Precision: m.Precision}
	}
	return m, nil
}

// skeleton is a data set without samples, which tells a model's inputs and outputs.
func (t *Trained) skeleton() *datasets.Dataset {
	return &datasets.Dataset{Name: t.Data.Name, Shape: t.Data.Shape, Classes: t.Data.Classes}
}

// Keys of the metadata of a model file. Values but those of the first four are JSON.
const (
	formatKey      = "hessoscope" // version of the format
	lossKey        = "loss"
	fingerprintKey = "fingerprint"
	versionKey     = "version"
	modelKey       = "model"
	dataKey        = "data"
	epochKey       = "epoch"
	metricsKey     = "metrics"
)

const modelFormat = "1"

// Write stores the model in a .safetensors file, with everything else as its metadata.
func (t *Trained) Write(path string) error {
	text, err := yaml.Marshal(t.description)
	if err != nil {
		return err
	}
	model, err := yaml.YAMLToJSON(text)
	if err != nil {
		return err
	}
	data, err1 := json.Marshal(t.Data)
	metrics, err2 := json.Marshal(t.Metrics)
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	return weights.WriteWithMetadata(path, models.Export(models.State(t.Model)), map[string]string{
		formatKey: modelFormat, lossKey: string(t.Loss), fingerprintKey: t.Fingerprint, versionKey: t.Version,
		modelKey: strings.TrimSpace(string(model)), dataKey: string(data), epochKey: strconv.Itoa(t.Epoch), metricsKey: string(metrics),
	})
}

// ReadModelFile reads a file that Trained.Write stored. It returns nil for a file of
// weights alone.
func ReadModelFile(path string) (*Trained, error) {
	metadata, err := weights.ReadMetadata(path)
	if err != nil || metadata[formatKey] == "" {
		return nil, err
	}
	t := new(Trained)
	if err := t.read(path, metadata); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func (t *Trained) read(path string, metadata map[string]string) (err error) {
	if have := metadata[formatKey]; have != modelFormat {
		return fmt.Errorf("the model file has format %.20s; this version reads %s", have, modelFormat)
	}
	t.Loss, t.Fingerprint, t.Version = LossName(metadata[lossKey]), metadata[fingerprintKey], metadata[versionKey]
	if err := t.Loss.Validate(); err != nil {
		return fmt.Errorf("metadata loss %w", err)
	}
	for _, m := range []struct {
		key  string
		into any
	}{{dataKey, &t.Data}, {epochKey, &t.Epoch}, {metricsKey, &t.Metrics}} {
		if err := json.Unmarshal([]byte(metadata[m.key]), m.into); err != nil {
			return fmt.Errorf("metadata %s: %w", m.key, err)
		}
	}
	if t.Data == nil {
		return errors.New("metadata data: is null; want classes and shape")
	}
	if err := t.Data.Validate(); err != nil {
		return err
	}
	if err := strictyaml.Parse("metadata model", []byte(metadata[modelKey]), &t.description, "want a network"); err != nil {
		return err
	}
	c := &Config{Model: t.description}
	if t.Model, err = c.LoadModel(path, t.skeleton()); err != nil {
		return err
	}
	values := 1
	for _, n := range t.Model.InputShape() {
		values *= n
	}
	if width := t.skeleton().Width(); values != width || t.Model.Classes() != len(t.Data.Classes) {
		return fmt.Errorf("the network takes %d values and has %d outputs; the metadata have samples of %d values and %d classes", values, t.Model.Classes(), width, len(t.Data.Classes))
	}
	return nil
}

// TrainedOn returns the schema and the fingerprint of the data that a run was trained
// on, by one of its checkpoints. There is no schema in a checkpoint of an older version,
// and no fingerprint if nothing tells it.
func TrainedOn(dir, checkpoint string) (schema *datasets.Schema, fingerprint string) {
	if c, err := trainer.ReadCheckpoint(checkpoint); err == nil {
		return c.Data, c.Progress.Data
	}
	if run, err := record.ReadRun(record.Folder(dir).Run()); err == nil {
		return nil, run.Data.Fingerprint
	}
	return nil, "" // whoever reads the weights finds out what is wrong with the checkpoint
}

// LoadDataAs loads the data of a run as they were when it was trained. Where their
// fingerprint is no longer the one that was recorded, changed is true, and the values
// are scaled as in training. Without a fingerprint they count as unchanged.
func (c *Config) LoadDataAs(ctx context.Context, schema *datasets.Schema, fingerprint string) (data *datasets.Dataset, changed bool, err error) {
	data, err = c.LoadData(ctx)
	if err != nil || fingerprint == "" || data.Fingerprint() == fingerprint {
		return data, false, err
	}
	if schema == nil {
		return data, true, nil
	}
	if data, err = c.source(ctx); err != nil || data.Scaling != nil {
		return data, true, err
	}
	data, err = schema.Apply(data)
	return data, true, err
}
