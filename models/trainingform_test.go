package models_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

// formed is an MLP with a training form of the test's choice, and a buffer.
type formed struct {
	*models.MLP
	form func(logits, buffer *G.Node) (*models.Training, error)
}

func (m formed) Buffers() []models.Parameter {
	return []models.Parameter{{Name: "statistic", Value: tensor.New(tensor.WithShape(2), tensor.Of(tensor.Float64))}}
}

func (m formed) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	return m.MLP.Logits(x, params[:len(m.Parameters())])
}

func (m formed) TrainingLogits(x *G.Node, params G.Nodes) (*models.Training, error) {
	logits, err := m.Logits(x, params)
	if err != nil {
		return nil, err
	}
	return m.form(logits, params[len(params)-1])
}

// A training form that cannot be used is an error, never a panic in training.
func TestBadTrainingForm(t *testing.T) {
	for want, form := range map[string]func(logits, buffer *G.Node) (*models.Training, error){
		"": func(logits, buffer *G.Node) (*models.Training, error) {
			return &models.Training{Logits: logits, Updates: G.Nodes{buffer}}, nil
		},
		"no form": func(logits, buffer *G.Node) (*models.Training, error) { return nil, errors.New("no form") },
		"the training form has no logits": func(logits, buffer *G.Node) (*models.Training, error) {
			return nil, nil
		},
		"models: 0 updates for 1 buffers; want one each": func(logits, buffer *G.Node) (*models.Training, error) {
			return &models.Training{Logits: logits}, nil
		},
		"models: the update of buffer 0 is ": func(logits, buffer *G.Node) (*models.Training, error) {
			return &models.Training{Logits: logits, Updates: G.Nodes{logits}}, nil
		},
		"models: mask 0 holds a <nil> and drops 0.5; want": func(logits, buffer *G.Node) (*models.Training, error) {
			return &models.Training{Logits: logits, Updates: G.Nodes{buffer}, Masks: []models.Mask{{Node: logits, Drop: 0.5}}}, nil
		},
		"models: mask 0 holds a *tensor.Dense and drops NaN; want": func(logits, buffer *G.Node) (*models.Training, error) {
			return &models.Training{Logits: logits, Updates: G.Nodes{buffer}, Masks: []models.Mask{{Node: buffer, Drop: math.NaN()}}}, nil
		},
	} {
		m := formed{newMLP(t, models.MLPConfig{Input: 3, Classes: 3}), form}
		_, err := models.ExpressTraining(m, models.CrossEntropy, 4, tensor.Float64)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	if state := models.State(formed{newMLP(t, models.MLPConfig{Input: 3, Classes: 3}), nil}); len(state) != 3 || state[2].Name != "statistic" {
		t.Errorf("state %v", state)
	}
}
