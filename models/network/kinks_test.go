package network_test

import (
	"testing"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
)

// Maximum pooling has kinks as rectifiers have; all else is smooth.
func TestKinked(t *testing.T) {
	for layer, want := range map[string]bool{
		"relu": true, "leaky_relu": true, "max_pool: {kernel: 2}": true, "residual: {layers: [relu]}": true,
		"tanh": false, "gelu": false, "avg_pool: {kernel: 2}": false, "batch_norm": false, "layer_norm": false, "dropout: {p: 0.5}": false,
	} {
		n := newNetwork(t, "{input: [1, 4, 4], layers: [conv2d: {out: 2, kernel: 3, padding: 1}, "+layer+", flatten, dense: {out: 3}]}", network.Settings{})
		f, err := models.NewField(n, models.ObjectiveSettings{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if f.Kinked() != want {
			t.Errorf("%s: kinked %v; want %v", layer, f.Kinked(), want)
		}
	}
}
