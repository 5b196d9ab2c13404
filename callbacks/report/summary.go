package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// Sentence is one statement about a run.
type Sentence struct {
	Topic   string `json:"topic"`   // one or two words
	Parts   []Part `json:"parts"`   // the text
	Caution bool   `json:"caution"` // whether it limits what the numbers tell
}

// Part is a part of a sentence. If it has a term, that is a metric or a word of the
// glossary, and the page explains it.
type Part struct {
	Text string `json:"text"`
	Term string `json:"term,omitempty"`
}

func (s Sentence) String() string {
	var b strings.Builder
	for _, p := range s.Parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// say adds text, of which every term is in brackets with the words that stand for
// it: "[two outliers](spectrum/outliers) for three classes".
func (s *Sentence) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for {
		before, rest, ok := strings.Cut(text, "[")
		if before != "" {
			s.Parts = append(s.Parts, Part{Text: before})
		}
		if !ok {
			return
		}
		words, rest, _ := strings.Cut(rest, "](")
		term, rest, _ := strings.Cut(rest, ")")
		s.Parts = append(s.Parts, Part{words, term})
		text = rest
	}
}

// sayPlain adds text that is not ours, such as an error.
func (s *Sentence) sayPlain(text string) { s.Parts = append(s.Parts, Part{Text: text}) }

// summary writes the statements about a run.
type summary struct {
	run       *record.Run
	history   []record.Entry
	sentences []Sentence
}

// summarize says in words what a run found, and how certain that is.
func summarize(r *record.Run, history []record.Entry) []Sentence {
	s := summary{run: r, history: history, sentences: []Sentence{}}
	for _, topic := range []struct {
		name string
		tell func(*Sentence)
	}{
		{"Run", s.status},
		{"Boundary", s.outliers},
		{"Complexity", s.complexity},
		{"Margin", s.margin},
		{"Fit", s.fit},
		{"Stability", s.stability},
		{"Measured", s.measured},
	} {
		sentence := Sentence{Topic: topic.name}
		if topic.tell(&sentence); len(sentence.Parts) > 0 {
			s.sentences = append(s.sentences, sentence)
		}
	}
	return s.sentences
}

// last returns the last reading of a metric.
func (s *summary) last(metric string) (trainer.Reading, bool) {
	r, ok := s.run.Final[metric]
	return r, ok
}

// at returns the reading of a metric if it is of a given epoch.
func (s *summary) at(metric string, epoch int) (float64, bool) {
	r, ok := s.run.Final[metric]
	return r.Value, ok && r.Epoch == epoch
}

// latest returns the epoch at which one of the metrics was recorded last, or −1.
func (s *summary) latest(metrics ...string) int {
	epoch := -1
	for _, m := range metrics {
		if r, ok := s.last(m); ok {
			epoch = max(epoch, r.Epoch)
		}
	}
	return epoch
}

// declared reports whether a metric was to be recorded.
func (s *summary) declared(metric string) bool {
	for _, m := range s.run.Metrics {
		if m.Name == metric {
			return true
		}
	}
	return false
}

// status tells of a run that did not end as planned.
func (s *summary) status(t *Sentence) {
	r := s.run
	planned := ""
	if r.Epochs > 0 {
		planned = fmt.Sprintf(" of %d", r.Epochs)
	}
	switch r.Status {
	case record.StatusFinished:
		s.finished(t)
	case record.StatusRunning:
		t.Caution = true
		t.say("Not ended: epoch %d%s was the last when this was written. All below is of the run so far.", r.Epoch, planned)
	case record.Killed:
		t.Caution = true
		t.say("Killed after epoch %d%s; it can be resumed from its last checkpoint. All below is of the run so far.", r.Epoch, planned)
	case record.Silent:
		t.Caution = true
		t.say("Not heard of for some time: epoch %d%s was the last. It trains on another computer, or was killed. All below is of the run so far.", r.Epoch, planned)
	case record.StatusInterrupted:
		t.Caution = true
		t.say("Interrupted at epoch %d%s; it can be resumed. All below is of the run so far.", r.Epoch, planned)
	case record.StatusNotFinite:
		t.Caution = true
		t.say("Diverged after epoch %d%s: a loss or gradient was not finite. All below is from before. ", r.Epoch, planned)
		t.sayPlain(r.Error)
	default:
		t.Caution = true
		t.say("Failed after epoch %d%s. All below is from before. ", r.Epoch, planned)
		t.sayPlain(r.Error)
	}
	if r.Restored != nil {
		t.say(" The network that was kept is that of epoch %d, where ", r.Restored.Epoch)
		t.Parts = append(t.Parts, Part{r.Restored.Metric, r.Restored.Metric})
		t.say(" was best.")
	}
}

func (s *summary) finished(t *Sentence) {
	if stop := s.run.Stop; stop != nil && stop.Reason == trainer.Requested {
		t.say("Stopped at epoch %d of %d", s.run.Epoch, s.run.Epochs)
		if stop.By != "" {
			t.sayPlain(" by " + stop.By)
		}
		if stop.Detail != "" {
			t.sayPlain(": " + stop.Detail)
		}
		t.say(".")
	}
}

// outliers tells how many eigenvalues stand out, and what that says of the boundary.
func (s *summary) outliers(t *Sentence) {
	last, ok := s.last(record.Outliers)
	if !ok {
		if s.declared(record.LambdaMax) {
			t.Caution = true
			t.say("The [spectrum](eigenpair) was not measured in full, so how many [outliers](outlier) there are is not known.")
		}
		return
	}
	count, simplest := int(last.Value), s.run.Model.Classes-1
	t.say("[%s](spectrum/outliers) for %s", capital(counted(count, "outlier")), counted(simplest+1, "class"))
	if epoch, times := s.since(record.Outliers); times > 1 {
		t.say(", unchanged since epoch %d", epoch)
	} else {
		t.say("%s", s.when(last.Epoch))
	}
	if simplest >= 1 {
		switch {
		case count == simplest:
			t.say(": as simple as can be.")
		case count > simplest:
			t.say(": %s more than the simplest boundary has.", inLetters(count-simplest))
		default:
			t.say(": %s fewer than a simple boundary between all classes has, as where some of its sections hardly curve the loss.", inLetters(simplest-count))
		}
	} else {
		t.say(".")
	}
	if certain, ok := s.at(record.Resolved(record.Outliers), last.Epoch); !ok || certain == 0 {
		t.Caution = true
		t.say(" The count is not certain: error bars or unknown eigenvalues could change it.")
	}
}

// since returns the first epoch of the measurements that had the last value of a
// metric without a change, and their number.
func (s *summary) since(metric string) (epoch, times int) {
	var value float64
	for _, e := range s.history {
		v, ok := e.Fresh(metric)
		switch {
		case !ok:
		case times > 0 && v == value:
			times++
		default:
			value, epoch, times = v, e.Epoch, 1
		}
	}
	return epoch, times
}

// complexity tells G and the number of directions, or their intervals.
func (s *summary) complexity(t *Sentence) {
	low, high := record.Low(record.Complexity), record.High(record.Complexity)
	if epoch := s.latest(record.Complexity, low, high); epoch >= 0 {
		g, certain := s.at(record.Complexity, epoch)
		from, okLow := s.at(low, epoch)
		to, okHigh := s.at(high, epoch)
		switch {
		case certain:
			t.say("[G = %s](boundary/complexity)%s: %s of %s eigenvectors are [aligned](alignment) with a sample's gradient.",
				number(g), s.when(epoch), whole(math.Round(g*float64(s.run.Model.Parameters))), whole(float64(s.run.Model.Parameters)))
		case okLow && okHigh:
			t.Caution = true
			t.say("[G](boundary/complexity) lies between %s and %s%s: not all eigenpairs that may count are known.", number(from), number(to), s.when(epoch))
		}
	}
	low, high = record.Low(record.Directions), record.High(record.Directions)
	epoch := s.latest(record.Directions, low, high)
	if epoch < 0 {
		return
	}
	if len(t.Parts) > 0 {
		t.say(" ")
	}
	d, certain := s.at(record.Directions, epoch)
	from, okLow := s.at(low, epoch)
	to, okHigh := s.at(high, epoch)
	switch {
	case certain:
		t.say("[%s directions](boundary/directions) share the gradients' energy%s.", number(d), s.when(epoch))
	case okLow && okHigh:
		t.say("Between [%s and %s directions](boundary/directions) share the gradients' energy%s.", number(from), number(to), s.when(epoch))
	}
}

// when names the epoch of a measurement, unless that is the run's last.
func (s *summary) when(epoch int) string {
	if epoch == s.run.Epoch {
		return ""
	}
	return fmt.Sprintf(" at epoch %d", epoch)
}

// margin tells how far the samples are from the boundary.
func (s *summary) margin(t *Sentence) {
	if !s.declared(record.Margin) {
		return
	}
	epoch := s.latest(record.Margin, record.High(record.Margin))
	if epoch < 0 {
		t.Caution = true
		t.say("The [margin](boundary/margin) was not measured up to here.")
		return
	}
	at := s.when(epoch)
	if m, ok := s.at(record.Margin, epoch); ok {
		t.say("[Margin %s](boundary/margin)%s", number(m), at)
		if q, ok := s.at("boundary/margin_q05", epoch); ok {
			t.say(", [5 %% of the samples within %s](boundary/margin_q05)", number(q))
		}
		if q, ok := s.at("boundary/margin_median", epoch); ok {
			t.say(", [half within %s](boundary/margin_median)", number(q))
		}
		t.say(".")
	} else {
		upper, _ := s.at(record.High(record.Margin), epoch)
		t.Caution = true
		t.say("The [margin is at most %s](boundary/margin_high)%s: only ", number(upper), at)
		if n, ok := s.at(record.MarginSamples, epoch); ok {
			t.say("[%s](boundary/margin_samples)", counted(int(n), "sample"))
		} else {
			t.say("some samples")
		}
		t.say(" could be measured.")
		from, okLow := s.at(record.Low("boundary/margin_median"), epoch)
		to, okHigh := s.at(record.High("boundary/margin_median"), epoch)
		if okLow && okHigh {
			t.say(" [Half of all are within](boundary/margin_median) %s to %s (95 %%).", number(from), number(to))
		}
	}
	if lower, ok := s.at("boundary/margin_lower", epoch); ok {
		t.say(" It is [certified](boundary/margin_lower) to be at least %s.", number(lower))
	}
	if n, ok := s.at("boundary/margin_unconverged", epoch); ok && n > 0 {
		t.Caution = true
		t.say(" [%s](boundary/margin_unconverged) could be nearer to the boundary than was found.", capital(counted(int(n), "sample")))
	}
	if n, ok := s.at(record.Misclassified, epoch); ok && n > 0 {
		t.say(" [%s](boundary/misclassified) on the wrong side %s not counted.", capital(counted(int(n), "sample")), isAre(int(n)))
	}
}

// fit tells loss and accuracy of every split, with the error that the number of
// samples leaves.
func (s *summary) fit(t *Sentence) {
	for _, split := range []string{"train", "validation", "test"} {
		loss, ok := s.last(trainer.LossOf(split))
		if !ok {
			continue
		}
		if len(t.Parts) > 0 {
			t.say("; ")
		}
		t.say("[%s loss %s](%s)", split, number(loss.Value), trainer.LossOf(split))
		accuracy, ok := s.last(trainer.AccuracyOf(split))
		if !ok {
			continue
		}
		p := accuracy.Value
		t.say(", [accuracy %s %%](%s)", percent(p), trainer.AccuracyOf(split))
		switch n := s.run.Data.Samples[split]; {
		case n == 0 || split == "train":
		case p > 0 && p < 1:
			t.say(" ± %s", twoDigits(100*math.Sqrt(p*(1-p)/float64(n))))
		default: // for which that standard error is 0, and means nothing
			t.say(" of %s", counted(n, "sample"))
		}
	}
	if len(t.Parts) > 0 {
		t.Parts[0].Text = capital(t.Parts[0].Text)
		t.say(".")
	}
}

// stability tells how near gradient descent is to the step at which it is unstable.
func (s *summary) stability(t *Sentence) {
	e, ok := s.last("spectrum/edge_of_stability")
	if !ok {
		return
	}
	t.say("[η·λ₁/2 = %s](spectrum/edge_of_stability) at epoch %d, ", number(e.Value), e.Epoch)
	switch {
	case e.Value > 1.1:
		t.say("above 1: plain gradient descent is unstable along v₁.")
	case e.Value > 0.9:
		t.say("about 1: at the edge of stability.")
	default:
		t.say("below 1: gradient descent is stable.")
	}
}

// measured tells by how much work, and how exactly, the spectrum was measured.
func (s *summary) measured(t *Sentence) {
	last, ok := s.last(record.LambdaMax)
	if !ok {
		last, ok = s.last("spectrum/hvps")
	}
	if !ok {
		t.Caution = true
		if s.declared(record.LambdaMax) {
			t.say("The spectrum was not measured up to here.")
		} else {
			t.say("Nothing was measured beside the metrics of training.")
		}
		return
	}
	times := 0
	for _, e := range s.history {
		if _, ok := e.Fresh("spectrum/hvps"); ok {
			times++
		}
	}
	t.say("Measured %s, last at epoch %d", timesWord(times), last.Epoch)
	if n, ok := s.at("spectrum/hvps", last.Epoch); ok {
		t.say(" by [%s H·v](spectrum/hvps)", whole(n))
	}
	if n, ok := s.at(record.SpectrumSamples, last.Epoch); ok {
		t.say(" on [%s samples](spectrum/samples)", whole(n))
	}
	if r, ok := s.at("spectrum/residual", last.Epoch); ok {
		t.say(", [residuals](residual) %s of the largest eigenvalue", below(r))
	}
	t.say(".")
	if share, ok := s.last("spectrum/time_share"); ok {
		t.say(" It took [%s %% of the run's time](spectrum/time_share).", twoDigits(100*share.Value))
	}
	if converged, ok := s.at("spectrum/converged", last.Epoch); ok && converged == 0 {
		t.Caution = true
		t.say(" The eigenpairs have [not converged](spectrum/converged): all that rests on them is less certain.")
	}
}
