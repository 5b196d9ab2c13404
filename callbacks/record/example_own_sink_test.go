package record_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// losses is a hook that writes one line per epoch: its number and the training loss.
type losses struct {
	path string
	record.AppendFile
}

func (*losses) Name() string         { return "losses" }
func (*losses) Phase() trainer.Phase { return trainer.Record }

func (l *losses) TrainBegin(context.Context, *trainer.State) error { return l.Open(l.path) }

func (l *losses) EpochEnd(_ context.Context, s *trainer.State) error {
	loss, fresh := s.Fresh("train/loss")
	if !fresh {
		return nil
	}
	return l.Append(fmt.Appendf(nil, "%d %.3f\n", s.Epoch, loss))
}

// A user-defined file that grows during the run. The run is saved after epoch 2 and
// continues. When it is resumed from the checkpoint, the lines of the later epochs
// are cut off and written again.
func ExampleAppendFile() {
	dir, err := os.MkdirTemp("", "losses")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "losses.txt")
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	run := func(checkpoint *trainer.Checkpoint, hooks ...trainer.Hook) {
		model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{10}, Classes: 3}, trainer.Stream(1, "init", 0))
		if err != nil {
			log.Fatal(err)
		}
		t, err := trainer.New(trainer.Config{Epochs: 4, Rate: trainer.Rate{Base: 0.5}}, model, data, hooks...)
		if err != nil {
			log.Fatal(err)
		}
		if checkpoint != nil {
			if err := t.Restore(checkpoint); err != nil {
				log.Fatal(err)
			}
		}
		if _, err := t.Run(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
	saved := &saver{epoch: 2}
	run(nil, &losses{path: path}, saved)
	run(saved.checkpoint, &losses{path: path}, &saver{epoch: -1})
	text, err := os.ReadFile(path)
	fmt.Print(string(text), err)
	// Output:
	// 0 1.457
	// 1 0.792
	// 2 0.640
	// 3 0.537
	// 4 0.457
	// <nil>
}

// saver keeps the checkpoint of an epoch.
type saver struct {
	epoch      int
	checkpoint *trainer.Checkpoint
}

func (*saver) Name() string         { return "saver" }
func (*saver) Phase() trainer.Phase { return trainer.Save }

func (s *saver) EpochEnd(_ context.Context, state *trainer.State) (err error) {
	if state.Epoch == s.epoch {
		s.checkpoint, err = state.Checkpoint()
	}
	return err
}
