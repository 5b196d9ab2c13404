package callbacks

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// CSV writes a row for each epoch at whose end a metric is fresh, that is, was
// recorded at this epoch. The columns are epoch, step, seconds and all declared
// metrics, in that order. The cell of a metric that is not fresh is empty.
// Numbers are written with all digits. On resume, and where the last epoch was not
// known to be the last, the file is treated like that of JSONL.
type CSV struct {
	Path string // path of the file, such as "metrics.csv"; its folder is created

	appendFile
}

var (
	_ trainer.Hook          = (*CSV)(nil)
	_ trainer.Phased        = (*CSV)(nil)
	_ trainer.TrainBeginner = (*CSV)(nil)
	_ trainer.EpochEnder    = (*CSV)(nil)
	_ trainer.TrainEnder    = (*CSV)(nil)
	_ trainer.Interrupted   = (*CSV)(nil)
	_ trainer.Snapshotter   = (*CSV)(nil)
)

// Name implements trainer.Hook.
func (*CSV) Name() string { return "csv" }

// Phase implements trainer.Phased.
func (*CSV) Phase() trainer.Phase { return trainer.Record }

// TrainBegin implements trainer.TrainBeginner.
func (c *CSV) TrainBegin(_ context.Context, s *trainer.State) error {
	if err := c.Open(c.Path); err != nil {
		return err
	}
	_, metrics := entryOf(s)
	header := record.Columns(metrics)
	have, err := csv.NewReader(c.Written()).Read()
	switch {
	case errors.Is(err, io.EOF): // the file is empty: a new run
		return c.appendRow(header)
	case err != nil:
		return fmt.Errorf("%s: %w", c.Path, err)
	case !slices.Equal(have, header):
		return fmt.Errorf("%s:1: the columns are %q, this run has %q; resume with the same hooks", c.Path, have, header)
	}
	return nil
}

// EpochEnd implements trainer.EpochEnder.
func (c *CSV) EpochEnd(_ context.Context, s *trainer.State) error {
	entry, metrics := entryOf(s)
	if len(entry.Metrics) == 0 {
		return nil
	}
	return c.appendRow(entry.Row(metrics))
}

func (c *CSV) appendRow(row []string) error {
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	if err := w.Write(row); err != nil {
		return err
	}
	w.Flush()
	return c.Append(line.Bytes())
}
