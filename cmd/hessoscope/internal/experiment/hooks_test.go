package experiment

import "testing"

// TensorBoard shows the settings by the keys of the file.
func TestFlat(t *testing.T) {
	c, err := Load("gauss")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set("spectrum.bottom=-1", "training.optimizer={name: adam}"); err != nil {
		t.Fatal(err)
	}
	flat, err := c.flat()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"seed": uint64(0), "spectrum.bottom": int64(-1), "training.optimizer.name": "adam", "training.rate.base": c.Training.Rate.Base, "data.set": "gauss",
	} {
		if flat[key] != want {
			t.Errorf("%s is %T %v; want %v", key, flat[key], flat[key], want)
		}
	}
	if _, named := flat["name"]; named || flat["model.hidden"] == nil {
		t.Errorf("settings %v; want all but the name", flat)
	}
}
