package callbacks

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Logger logs the beginning and the end of a run and some of its epochs, as
// structured entries: the message is training, resumed, epoch, finished,
// interrupted, not_finite or failed, and the fields hold the rest, metrics
// under their names. At the end of a run they are those of the parameters that it ends
// with, also where these were put back; a metric that was last measured at another epoch
// is shown with that epoch.
type Logger struct {
	// Log or Slog receives the entries. If both are nil, they are a Table on
	// standard error.
	Log  *logrus.Logger
	Slog *slog.Logger
	// Schedule selects the epochs that are logged. If zero, these are 20 epochs,
	// evenly spaced on a logarithmic scale, and all epochs at which a hook has
	// measured, that is, at which a metric is fresh that does not belong to a
	// split.
	Schedule trainer.Schedule
	// Metrics are the names of the metrics to log when they are fresh. If nil, a
	// Table shows as many as fit on a line, and other formatters get all.
	Metrics []string

	run logging
}

// logging is the state of a Logger during one run.
type logging struct {
	journal
	metrics []trainer.Metric // the metrics to log
	begun   bool
	notes   int // that were logged
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

// NewLogger returns a Logger that writes to w. The format "text" is a Table, for
// people; "json" is one line of JSON per entry, for programs.
func NewLogger(w io.Writer, format string) (*Logger, error) {
	log := logrus.New()
	log.Out = w
	switch format {
	case "text":
		log.Formatter = &Table{Width: terminal.Width(w), Terminal: w}
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

// TrainBegin implements trainer.TrainBeginner. It returns an error if a name in
// Metrics is not declared.
func (l *Logger) TrainBegin(ctx context.Context, s *trainer.State) error {
	if err := l.Schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	if err := l.begin(s); err != nil {
		return err
	}
	message, fields := "training", logrus.Fields{
		"model": models.Describe(s.Model), "parameters": models.Size(s.Model), "data": s.Data.Name,
	}
	if s.Epochs > 0 {
		fields["epochs"] = s.Epochs
	}
	if s.Step > 0 {
		message, fields["at"] = "resumed", s.Epoch
	}
	for _, split := range s.Data.Splits {
		fields["samples/"+split.Name] = split.Len()
	}
	l.run.write(ctx, logrus.InfoLevel, message, fields)
	l.logNotes(ctx, s)
	return nil
}

// logNotes logs as warnings what the user should know and was not told before.
func (l *Logger) logNotes(ctx context.Context, s *trainer.State) {
	notes := s.Notes()
	for _, note := range notes[min(l.run.notes, len(notes)):] {
		l.run.write(ctx, logrus.WarnLevel, note, nil)
	}
	l.run.notes = len(notes)
}

// begin determines the logger and the metrics to log.
func (l *Logger) begin(s *trainer.State) error {
	journal, err := newJournal(l.Log, l.Slog)
	if err != nil {
		return err
	}
	l.run = logging{journal: journal, metrics: s.Metrics()}
	table, isTable := journal.table()
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
		l.run.metrics = fitting(s.Metrics(), table.Width)
	}
	if isTable {
		table.begin(l.run.metrics)
	}
	l.run.begun = true
	return nil
}

// EpochEnd implements trainer.EpochEnder.
func (l *Logger) EpochEnd(ctx context.Context, s *trainer.State) error {
	l.logNotes(ctx, s)
	if !l.due(s) {
		return nil
	}
	fields := logrus.Fields{"epoch": s.Epoch, "step": s.Step, "seconds": seconds(s)}
	if s.Epochs > 0 {
		fields["of"] = s.Epochs
	}
	addFresh(fields, l.run.metrics, s.Fresh)
	l.run.write(ctx, logrus.InfoLevel, epochMessage, fields)
	return nil
}

// due reports whether to log the current epoch.
func (l *Logger) due(s *trainer.State) bool {
	if !l.Schedule.IsZero() {
		return l.Schedule.Due(s)
	}
	return notable(s, s.Metrics(), s.Fresh)
}

// addFresh adds the fresh values of metrics to fields, or the bounds that are known.
func addFresh(fields logrus.Fields, metrics []trainer.Metric, fresh func(string) (float64, bool)) {
	for _, m := range metrics {
		for _, name := range []string{m.Name, record.Low(m.Name), record.High(m.Name)} {
			if value, ok := fresh(name); ok {
				fields[name] = value
			}
		}
		if resolved, ok := fresh(record.Resolved(m.Name)); ok && resolved == 0 {
			fields[record.Resolved(m.Name)] = resolved
		}
	}
}

// notable reports whether a Logger without a schedule logs an epoch. What is cheap
// enough for every epoch is a detail.
func notable(s *trainer.State, declared []trainer.Metric, fresh func(string) (float64, bool)) bool {
	return trainer.Schedule{Log: 20}.Due(s) || slices.ContainsFunc(declared, func(m trainer.Metric) bool {
		_, certain := fresh(m.Name)
		_, bounded := fresh(record.Low(m.Name))
		return (certain || bounded) && !m.Detail && !ofSplit(m.Name)
	})
}

// TrainEnd implements trainer.TrainEnder.
func (l *Logger) TrainEnd(ctx context.Context, s *trainer.State) error {
	stop := s.Ended()
	fields := logrus.Fields{"epoch": s.Epoch, "seconds": seconds(s), "reason": stop.Reason}
	if stop.By != "" {
		fields["by"] = stop.By
	}
	if stop.Detail != "" {
		fields["detail"] = stop.Detail
	}
	restored, ok := s.Restored()
	if ok {
		fields["restored"] = restored.Epoch
	} else {
		restored.Epoch = s.Epoch // which the values are of
	}
	for _, m := range l.run.metrics {
		last, ok := s.Last(m.Name)
		value, again := restored.Metrics[m.Name]
		switch {
		case again:
			fields[m.Name] = value
		case ok && last.Epoch == restored.Epoch:
			fields[m.Name] = last.Value
		case ok:
			fields[m.Name] = earlier(last)
		}
	}
	l.run.write(ctx, logrus.InfoLevel, "finished", fields)
	return nil
}

// Interrupted implements trainer.Interrupted.
func (l *Logger) Interrupted(ctx context.Context, s *trainer.State, err error) error {
	if !l.run.begun {
		return nil
	}
	fields := logrus.Fields{"epoch": s.Epoch, "step": s.Step, "seconds": seconds(s)}
	reason := trainer.StopOf(err).Reason
	if reason != trainer.Cancelled { // of that, the reason says all
		fields["error"] = err.Error()
	}
	l.run.write(ctx, logrus.WarnLevel, string(reason), fields)
	return nil
}

// Reset implements trainer.Resetter.
func (l *Logger) Reset() { l.run = logging{} }
