package callbacks

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Logger logs the beginning and the end of a run and some of its epochs, as
// structured entries: the message is training, resumed, epoch, finished,
// interrupted, not_finite or failed, and the fields hold the rest, metrics
// under their names.
type Logger struct {
	// Log takes the entries. If nil, they make a Table on standard error.
	Log *logrus.Logger
	// Schedule is when an epoch is logged. If zero, that is 20 times, spread
	// on a logarithmic scale, and whenever a metric is fresh that is not of a
	// split: something was measured.
	Schedule trainer.Schedule
	// Metrics are the names of those to log where they are fresh. If nil, a
	// Table chooses those that fit a line, and other formatters get all.
	Metrics []string

	names []string // of the metrics of this run
}

var (
	_ trainer.Hook          = (*Logger)(nil)
	_ trainer.Phased        = (*Logger)(nil)
	_ trainer.TrainBeginner = (*Logger)(nil)
	_ trainer.EpochEnder    = (*Logger)(nil)
	_ trainer.TrainEnder    = (*Logger)(nil)
	_ trainer.Interrupted   = (*Logger)(nil)
)

// NewLogger returns a Logger that writes to w: format "text" is a Table for
// people, "json" is a line of JSON an entry for programs.
func NewLogger(w io.Writer, format string) (*Logger, error) {
	log := logrus.New()
	log.Out = w
	switch format {
	case "text":
		log.Formatter = new(Table)
	case "json":
		log.Formatter = &logrus.JSONFormatter{DisableHTMLEscape: true}
	default:
		return nil, fmt.Errorf("callbacks: log format %q; want text or json", format)
	}
	return &Logger{Log: log}, nil
}

// Name implements trainer.Hook.
func (*Logger) Name() string { return "log" }

// Phase implements trainer.Phased.
func (*Logger) Phase() trainer.Phase { return trainer.Record }

// TrainBegin implements trainer.TrainBeginner. A name in Metrics that is not
// declared is an error.
func (l *Logger) TrainBegin(_ context.Context, s *trainer.State) error {
	if err := l.Schedule.Validate(); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	for _, name := range l.Metrics {
		if _, err := s.Metric(name); err != nil {
			return err
		}
	}
	if l.Log == nil {
		l.Log = &logrus.Logger{Out: os.Stderr, Formatter: new(Table), Level: logrus.InfoLevel}
	}
	l.choose(s.Metrics())
	message, fields := "training", logrus.Fields{
		"model": describe(s.Model), "parameters": models.Size(s.Model), "data": s.Data.Name, "epochs": s.Epochs,
	}
	if s.Step > 0 {
		message, fields["at"] = "resumed", s.Epoch
	}
	for _, split := range s.Data.Splits {
		fields["samples/"+split.Name] = split.Len()
	}
	l.Log.WithFields(fields).Info(message)
	return nil
}

// choose sets the names of the metrics to log.
func (l *Logger) choose(declared []trainer.Metric) {
	table, isTable := l.Log.Formatter.(*Table)
	switch {
	case l.Metrics != nil:
		l.names = l.Metrics
	case isTable:
		l.names = fitting(declared)
	default:
		l.names = nil
		for _, m := range declared {
			l.names = append(l.names, m.Name)
		}
	}
	if isTable {
		table.Metrics = l.names
	}
}

// EpochEnd implements trainer.EpochEnder.
func (l *Logger) EpochEnd(_ context.Context, s *trainer.State) error {
	if !l.due(s) {
		return nil
	}
	fields := logrus.Fields{"epoch": s.Epoch, "of": s.Epochs, "step": s.Step, "seconds": seconds(s)}
	for _, name := range l.names {
		if value, fresh := s.Fresh(name); fresh {
			fields[name] = value
		}
	}
	l.Log.WithFields(fields).Info(epochMessage)
	return nil
}

func (l *Logger) due(s *trainer.State) bool {
	if !l.Schedule.IsZero() {
		return l.Schedule.Due(s)
	}
	return trainer.Schedule{Log: 20}.Due(s) || slices.ContainsFunc(s.Metrics(), func(m trainer.Metric) bool {
		_, fresh := s.Fresh(m.Name)
		return fresh && !ofSplit(m.Name)
	})
}

// ofSplit tells whether a metric is one that costs next to nothing, and so
// tends to be fresh at every epoch.
func ofSplit(name string) bool {
	split, _, _ := strings.Cut(name, "/")
	return split == "train" || split == "validation" || split == "test"
}

// TrainEnd implements trainer.TrainEnder.
func (l *Logger) TrainEnd(_ context.Context, s *trainer.State) error {
	stop := stopped(s)
	fields := logrus.Fields{"epoch": s.Epoch, "seconds": seconds(s), "reason": stop.Reason}
	if stop.By != "" {
		fields["by"] = stop.By
	}
	if stop.Detail != "" {
		fields["detail"] = stop.Detail
	}
	if restored, ok := s.Restored(); ok {
		fields["restored"] = restored.Epoch
	}
	for _, name := range l.names {
		if last, ok := s.Last(name); ok {
			fields[name] = last.Value
		}
	}
	l.Log.WithFields(fields).Info("finished")
	return nil
}

// Interrupted implements trainer.Interrupted.
func (l *Logger) Interrupted(_ context.Context, s *trainer.State, err error) error {
	if l.names == nil { // the run ended before it began
		return nil
	}
	l.Log.WithError(err).WithFields(logrus.Fields{"epoch": s.Epoch, "step": s.Step, "seconds": seconds(s)}).
		Warn(trainer.StopOf(err).Reason)
	return nil
}

// stopped is why a run ends that was not interrupted.
func stopped(s *trainer.State) trainer.Stop {
	if stop, ok := s.Stopped(); ok {
		return stop
	}
	return trainer.Stop{Reason: trainer.Completed}
}

// describe is the model in one line.
func describe(m models.Model) string {
	if s, ok := m.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", m)
}
