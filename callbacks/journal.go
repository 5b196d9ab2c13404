package callbacks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/trainer"
)

// journal writes entries to the logger that the user chose; the other is nil.
type journal struct {
	logrus *logrus.Logger
	slog   *slog.Logger
}

// newJournal returns a journal for one of two loggers. If both are nil, it writes
// a Table to standard error.
func newJournal(l *logrus.Logger, s *slog.Logger) (journal, error) {
	switch {
	case l != nil && s != nil:
		return journal{}, errors.New("both Log and Slog are set; choose one")
	case l == nil && s == nil:
		l = &logrus.Logger{Out: os.Stderr, Formatter: new(Table), Level: logrus.InfoLevel}
	}
	return journal{l, s}, nil
}

// table returns the Table that the entries become, if they do.
func (j journal) table() (*Table, bool) {
	if j.logrus == nil {
		return nil, false
	}
	table, ok := j.logrus.Formatter.(*Table)
	return table, ok
}

// write writes an entry of the level info or warning. A slog.Logger gets the fields
// in the order of their names.
func (j journal) write(ctx context.Context, level logrus.Level, message string, fields logrus.Fields) {
	if j.slog == nil {
		j.logrus.WithContext(ctx).WithFields(fields).Log(level, message)
		return
	}
	var attrs []slog.Attr
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		attrs = append(attrs, slog.Any(name, fields[name]))
	}
	severity := slog.LevelInfo
	if level == logrus.WarnLevel {
		severity = slog.LevelWarn
	}
	j.slog.LogAttrs(ctx, severity, message, attrs...)
}

// earlier is a reading of an earlier epoch than the last. JSON has it as an object.
type earlier trainer.Reading

func (e earlier) String() string {
	return fmt.Sprintf("%s at epoch %d", formatNumber(e.Value), e.Epoch)
}
