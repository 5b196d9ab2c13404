package callbacks

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

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

	run logging
}

// logging is what a Logger knows of the present run.
type logging struct {
	log     *logrus.Logger
	metrics []trainer.Metric // to log
	begun   bool
}

var (
	_ trainer.Hook          = (*Logger)(nil)
	_ trainer.Phased        = (*Logger)(nil)
	_ trainer.TrainBeginner = (*Logger)(nil)
	_ trainer.EpochEnder    = (*Logger)(nil)
	_ trainer.TrainEnder    = (*Logger)(nil)
	_ trainer.Interrupted   = (*Logger)(nil)
	_ trainer.Resetter      = (*Logger)(nil)
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
		return trainer.Below("Schedule", err)
	}
	if err := l.begin(s); err != nil {
		return err
	}
	message, fields := "training", logrus.Fields{
		"model": models.Describe(s.Model), "parameters": models.Size(s.Model), "data": s.Data.Name, "epochs": s.Epochs,
	}
	if s.Step > 0 {
		message, fields["at"] = "resumed", s.Epoch
	}
	for _, split := range s.Data.Splits {
		fields["samples/"+split.Name] = split.Len()
	}
	l.run.log.WithFields(fields).Info(message)
	return nil
}

// begin finds out what to log, and where.
func (l *Logger) begin(s *trainer.State) error {
	l.run = logging{log: orStandardError(l.Log), metrics: s.Metrics()}
	table, isTable := l.run.log.Formatter.(*Table)
	switch {
	case l.Metrics != nil:
		l.run.metrics = nil
		for _, name := range l.Metrics {
			m, err := s.Metric(name)
			if err != nil {
				return err
			}
			l.run.metrics = append(l.run.metrics, m)
		}
	case isTable:
		l.run.metrics = fitting(s.Metrics())
	}
	if isTable {
		table.begin(l.run.metrics)
	}
	l.run.begun = true
	return nil
}

// orStandardError is the log, or one of lines on standard error in its place.
func orStandardError(log *logrus.Logger) *logrus.Logger {
	if log != nil {
		return log
	}
	return &logrus.Logger{Out: os.Stderr, Formatter: new(Table), Level: logrus.InfoLevel}
}

// EpochEnd implements trainer.EpochEnder.
func (l *Logger) EpochEnd(_ context.Context, s *trainer.State) error {
	if !l.due(s) {
		return nil
	}
	fields := logrus.Fields{"epoch": s.Epoch, "of": s.Epochs, "step": s.Step, "seconds": seconds(s)}
	for _, m := range l.run.metrics {
		if value, fresh := s.Fresh(m.Name); fresh {
			fields[m.Name] = value
		}
	}
	l.run.log.WithFields(fields).Info(epochMessage)
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
	for _, m := range l.run.metrics {
		if last, ok := s.Last(m.Name); ok {
			fields[m.Name] = last.Value
		}
	}
	l.run.log.WithFields(fields).Info("finished")
	return nil
}

// Interrupted implements trainer.Interrupted.
func (l *Logger) Interrupted(_ context.Context, s *trainer.State, err error) error {
	if !l.run.begun {
		return nil
	}
	l.run.log.WithError(err).WithFields(logrus.Fields{"epoch": s.Epoch, "step": s.Step, "seconds": seconds(s)}).
		Warn(trainer.StopOf(err).Reason)
	return nil
}

// Reset implements trainer.Resetter.
func (l *Logger) Reset() { l.run = logging{} }
