package reproduce

import (
	"context"
	"fmt"
	"slices"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
)

// recipe is how a network is trained.
type recipe struct {
	name   string
	preset string   // the same as name if empty
	set    []string // settings, as of experiment.Config.Set
	quick  []string // further ones for a quick reproduction, where training is long
	// cost is the time in seconds that training and measuring takes on two cores,
	// and quickCost that of a quick one: for the estimate of what is left.
	cost, quickCost float64
}

// normal ends the normal regime at the loss at which the presets of the others end, so
// that the networks can be compared.
var normal = []string{"training.epochs=20000", "training.evaluate={every: 20}", "stop.when={monitor: train/loss, at_most: 0.001}"}

// digits are the paper's 450, and the loss at which their networks can be compared. What
// is not needed is not measured while they train.
var digits = []string{
	"data.per_class=150", "training.epochs=300", "training.evaluate={every: 5}", "stop.when={monitor: train/loss, at_most: 0.02}",
	"spectrum.off=true", "margin.off=true", "effective_rank.off=true", "critical_sharpness.off=true",
}

// clouds test on so many fresh points that differences can be told: of the paper's 60 one
// is 1.7 %.
var clouds = []string{"data.test_samples=5000"}

// recipes are all networks, in an order in which each can start from those before it.
var recipes = []recipe{
	{name: "intro1D", cost: 2, quickCost: 2},
	{name: "gauss", set: slices.Concat(normal, clouds), cost: 3, quickCost: 3},
	{name: "gauss_random_labels", set: clouds, cost: 6, quickCost: 3},
	{name: "gauss_large_norm", set: clouds, cost: 4, quickCost: 3},
	{name: "gauss_adversarial", set: clouds, cost: 5, quickCost: 4},
	{name: "checkerboard_linear", set: normal, cost: 4, quickCost: 3},
	{name: "checkerboard_noisy", cost: 2, quickCost: 2},
	{name: "checkerboard_linear_wide_margin", cost: 2, quickCost: 2},
	{name: "mnist-017", set: digits, quick: fewDigits, cost: 25, quickCost: 8},
	{name: "mnist-017-random-labels", preset: "mnist-017", set: slices.Concat(digits, []string{
		"data.random_labels=true", "training.rate.base=0.05", "training.epochs=1500",
		"stop.when={all: [{monitor: train/accuracy, at_least: 1}, {monitor: train/loss, at_most: 0.05}]}",
	}), quick: fewDigits, cost: 40, quickCost: 8},
	{name: "mnist-017-adversarial", preset: "mnist-017-adversarial", set: digits, quick: fewDigits, cost: 25, quickCost: 8},
}

// fewDigits are the digits of a quick reproduction.
var fewDigits = []string{"data.per_class=50"}

// A Figure is one of the paper.
type Figure struct {
	Name  string // fig1 to fig6, as the paper counts
	Title string
	// needs are the recipes of the networks that are measured. Those that these start
	// from are trained, too.
	needs []string
	draw  func(ctx context.Context, networks map[string]*network) ([]picture, error)
}

// Figures are all figures, in the paper's order.
var Figures = []Figure{
	{"fig1", "six points on a line: logits, gradients, alignments, spectrum and loss", []string{"intro1D"}, drawIntro},
	{"fig2", "the boundary of three clouds beside the alignments with v₁ to v₅", []string{"gauss"}, drawBoundary},
	{"fig3", "boundaries of three regimes: alignments with v₁ to v₇, and the spectra", regimeNames, drawRegimes},
	{"fig4", "alignments of all training gradients with v₁ to v₂₅ in three regimes", regimeNames, drawAllGradients},
	{"fig5", "a narrow and a wide margin of the checkerboard", []string{"checkerboard_linear", "checkerboard_linear_wide_margin"}, drawMargins},
	{"fig6", "three digits of MNIST in the plane of their principal components", []string{"mnist-017", "mnist-017-adversarial"}, drawDigits},
}

var regimeNames = []string{"gauss", "gauss_large_norm", "gauss_adversarial"}

// config returns the experiment of a recipe.
func (r *recipe) config(s Settings) (*experiment.Config, error) {
	preset := r.preset
	if preset == "" {
		preset = r.name
	}
	c, err := experiment.Load(preset)
	if err != nil {
		return nil, err
	}
	set := r.set
	if s.Quick {
		set = slices.Concat(set, r.quick)
	}
	if err := c.Set(slices.Concat(set, s.Set)...); err != nil {
		return nil, err
	}
	c.Name = r.name
	if c.Data.Set == "mnist" {
		c.Data.DataDir = s.DataDir
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	return c, nil
}

// needed returns the recipes that figures need, those that others start from included,
// in the order of recipes.
func needed(figures []Figure) []*recipe {
	names := make(map[string]bool)
	for _, f := range figures {
		for _, name := range f.needs {
			for name != "" && !names[name] {
				names[name] = true
				name = find(name).start()
			}
		}
	}
	var all []*recipe
	for i := range recipes {
		if names[recipes[i].name] {
			all = append(all, &recipes[i])
		}
	}
	return all
}

func find(name string) *recipe {
	return &recipes[slices.IndexFunc(recipes, func(r recipe) bool { return r.name == name })]
}

// start returns the name of the recipe whose network this one starts from, or "".
func (r *recipe) start() string {
	c, err := r.config(Settings{})
	if err != nil {
		panic(err) // a part of the program
	}
	return c.StartName()
}
