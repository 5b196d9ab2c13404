package callbacks

import (
	"context"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// JSONL writes a line of JSON for each epoch at whose end a metric is fresh, that
// is, was recorded at this epoch. The fresh metrics are in the order of their
// declaration:
//
//	{"epoch": 200, "step": 600, "seconds": 1.234, "metrics": {"train/loss": 0.07124561, …}, "crc32": "1c291ca3"}
//
// Numbers are written with all digits. The checksum is that of all bytes of the file before
// it, so that damage is noticed by whoever reads the file. A line is in the file as soon as the epoch
// has ended. An epoch that only then turns out to be the last, in a
// trainer.Session, has another line with what was measured since. A new run begins with an empty file. A resumed run keeps the lines
// that were written before its checkpoint and appends to them.
type JSONL struct {
	Path string // path of the file, such as "metrics.jsonl"; its folder is created

	appendFile
}

// appendFile is an unexported name for the file that hooks embed, so that the
// field is not exported.
type appendFile = record.AppendFile

var (
	_ trainer.Hook          = (*JSONL)(nil)
	_ trainer.Phased        = (*JSONL)(nil)
	_ trainer.TrainBeginner = (*JSONL)(nil)
	_ trainer.EpochEnder    = (*JSONL)(nil)
	_ trainer.TrainEnder    = (*JSONL)(nil)
	_ trainer.Interrupted   = (*JSONL)(nil)
	_ trainer.Snapshotter   = (*JSONL)(nil)
)

// Name implements trainer.Hook.
func (*JSONL) Name() string { return "jsonl" }

// Phase implements trainer.Phased.
func (*JSONL) Phase() trainer.Phase { return trainer.Record }

// TrainBegin implements trainer.TrainBeginner.
func (j *JSONL) TrainBegin(context.Context, *trainer.State) error { return j.Open(j.Path) }

// EpochEnd implements trainer.EpochEnder.
func (j *JSONL) EpochEnd(_ context.Context, s *trainer.State) error {
	entry, metrics := entryOf(s)
	if len(entry.Metrics) == 0 {
		return nil
	}
	object, err := entry.Object(metrics)
	if err != nil {
		return err
	}
	return j.AppendEntry(object)
}
