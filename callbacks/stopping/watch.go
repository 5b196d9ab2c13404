package stopping

import (
	"fmt"
	"math"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Watch applies a rule to a run. Observe takes the fresh metrics of one epoch after
// another.
type Watch struct {
	root   node
	leaves []*node // the conditions of the rule, in its order
}

// node is a rule with its members, or, if it is not composite, with its memory.
type node struct {
	rule    Rule
	better  trainer.Direction // for patience
	members []node
	memory  Memory
}

// Memory is the state of a patience, threshold or trend rule between fresh values.
// It is part of a checkpoint.
type Memory struct {
	Seen   int     // number of fresh values so far
	Epoch  int     // epoch of the last value
	Last   float64 // last value
	Best   float64 // last value that was an improvement
	Since  int     // epoch of the last improvement; of the first value if none has beaten the baseline
	Streak int     // number of values in a row that count towards stopping
}

// Firing describes the rule that stops a run.
type Firing struct {
	Kind   Kind   // kind of the rule; for an Any rule, the kind of the member that holds
	Metric string // metric that it monitors; empty for All
	Detail string // explanation in one line
}

// NewWatch returns a Watch of a rule. The function declared returns the declaration
// of a metric, as State.Metric does. If a metric is not declared, or its better
// direction is needed but not known, the error is a *trainer.FieldError.
func NewWatch(r Rule, declared func(name string) (trainer.Metric, error)) (*Watch, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	root, err := newNode(r, declared)
	if err != nil {
		return nil, err
	}
	w := &Watch{root: root}
	w.root.collect(&w.leaves)
	return w, nil
}

func newNode(r Rule, declared func(name string) (trainer.Metric, error)) (node, error) {
	n := node{rule: r, better: r.Mode}
	members, kind := r.members()
	for i, m := range members {
		member, err := newNode(m, declared)
		if err != nil {
			return n, within(kind, i, err)
		}
		n.members = append(n.members, member)
	}
	if len(members) > 0 {
		return n, nil
	}
	metric, err := declared(r.Monitor)
	if err != nil {
		return n, wrong("Monitor", "is %q: %v", r.Monitor, err)
	}
	if n.better == trainer.Neither {
		n.better = metric.Better
	}
	if n.better == trainer.Neither && r.Kind() == Patience {
		return n, wrong("Mode", "is missing: neither lower nor higher values of %s are declared better; want lower or higher", r.Monitor)
	}
	return n, nil
}

func (n *node) collect(leaves *[]*node) {
	if len(n.members) == 0 {
		*leaves = append(*leaves, n)
	}
	for i := range n.members {
		n.members[i].collect(leaves)
	}
}

// Observe takes the fresh metrics of an epoch. It returns a Firing if the rule
// holds now, and nil if it does not. Epochs must be in ascending order. If an epoch
// is repeated because the run was resumed in it, it counts once. If a value is NaN
// or infinite, the error wraps models.ErrNotFinite.
func (w *Watch) Observe(epoch int, fresh func(metric string) (float64, bool)) (*Firing, error) {
	for _, n := range w.leaves {
		value, ok := fresh(n.rule.Monitor)
		switch {
		case !ok || epoch < n.rule.StartEpoch || n.memory.Seen > 0 && epoch <= n.memory.Epoch:
			continue
		case math.IsNaN(value) || math.IsInf(value, 0):
			return nil, fmt.Errorf("stopping: metric %q is %g at epoch %d: %w", n.rule.Monitor, value, epoch, models.ErrNotFinite)
		}
		n.observe(epoch, value)
	}
	return w.root.firing(), nil
}

// observe updates the memory with a fresh value.
func (n *node) observe(epoch int, value float64) {
	m := &n.memory
	first := m.Seen == 0
	if first {
		m.Since = epoch
	}
	counts := false // whether the value counts towards stopping
	switch r := n.rule; r.Kind() {
	case Threshold:
		counts = r.AtLeast != nil && value >= *r.AtLeast || r.AtMost != nil && value <= *r.AtMost
	case Trend:
		direction := trainer.Higher
		if r.Falls > 0 {
			direction = trainer.Lower
		}
		counts = !first && r.beyond(direction, value, m.Last)
	default:
		improved := first || r.beyond(n.better, value, m.Best)
		if improved {
			m.Best = value
		}
		counts = !improved || r.Baseline != nil && !r.beyond(n.better, value, *r.Baseline)
		if !counts {
			m.Since = epoch
		}
	}
	m.Seen, m.Epoch, m.Last = m.Seen+1, epoch, value
	if m.Streak++; !counts {
		m.Streak = 0
	}
}

// beyond reports whether a value is higher or lower than a reference, depending on
// the direction, by more than MinDelta or MinDeltaRelative.
func (r Rule) beyond(d trainer.Direction, value, reference float64) bool {
	delta := max(r.MinDelta, r.MinDeltaRelative*math.Abs(reference))
	if d == trainer.Higher {
		return value > reference+delta
	}
	return value < reference-delta
}

// firing returns a Firing if the rule holds, and nil if it does not. It depends on
// the memory alone.
func (n *node) firing() *Firing {
	var held []*Firing
	for i := range n.members {
		if f := n.members[i].firing(); f != nil {
			held = append(held, f)
		}
	}
	switch kind := n.rule.Kind(); {
	case kind == Any && len(held) > 0:
		return held[0]
	case kind == All && len(held) == len(n.members):
		return &Firing{Kind: All, Detail: n.rule.String()}
	case kind != All && kind != Any && n.holds():
		return &Firing{Kind: kind, Metric: n.rule.Monitor, Detail: n.rule.String() + n.circumstances()}
	default:
		return nil
	}
}

func (n *node) holds() bool {
	switch r := n.rule; {
	case r.Kind() == Threshold:
		return n.memory.Streak >= max(r.For, 1)
	case r.PatienceEpochs > 0:
		return n.memory.Epoch-n.memory.Since >= r.PatienceEpochs
	default: // of these, all but one are 0
		return n.memory.Streak >= r.Patience+r.Rises+r.Falls
	}
}

// circumstances returns the values for which a rule holds, in words.
func (n *node) circumstances() string {
	if n.rule.Kind() == Patience {
		return fmt.Sprintf(": %.6g now, %.6g at best", n.memory.Last, n.memory.Best)
	}
	return fmt.Sprintf(": %.6g now", n.memory.Last)
}

// Shortage is a part of a rule that cannot hold before the last epoch of a run.
type Shortage struct {
	Rule   string // the rule in words
	Metric string
	Has    int // upper bound on the number of fresh values before the last epoch
	Needs  int // number of fresh values that the rule needs to stop the run
}

// Shortages returns the parts of the rule that will have too few values to hold
// before the run reaches its planned end. The function times returns an upper bound
// on how often a metric is recorded from an epoch to the one before the last, if
// that is known, as State.Times does.
func (w *Watch) Shortages(times func(metric string, from int) (int, bool)) []Shortage {
	var short []Shortage
	for _, n := range w.leaves {
		has, known := times(n.rule.Monitor, n.rule.StartEpoch)
		if needs := n.rule.needs(); known && has < needs {
			short = append(short, Shortage{n.rule.String(), n.rule.Monitor, has, needs})
		}
	}
	return short
}

// needs returns the least number of fresh values after which a rule can hold.
func (r Rule) needs() int {
	switch {
	case r.Kind() == Threshold:
		return max(r.For, 1)
	case r.PatienceEpochs > 0:
		return 2 // the first value is the first improvement, or starts the time
	case r.Baseline != nil:
		return r.Patience // already the first value may fail to beat the baseline
	default:
		return r.Patience + r.Rises + r.Falls + 1
	}
}

// Memories returns the state of the watch: one Memory for each condition of the
// rule, in its order.
func (w *Watch) Memories() []Memory {
	memories := make([]Memory, len(w.leaves))
	for i, n := range w.leaves {
		memories[i] = n.memory
	}
	return memories
}

// Restore sets the state of the watch to the memories of a watch of the same rule.
func (w *Watch) Restore(memories []Memory) error {
	if len(memories) != len(w.leaves) {
		return fmt.Errorf("stopping: the state of %d conditions, the rule has %d", len(memories), len(w.leaves))
	}
	for i, n := range w.leaves {
		n.memory = memories[i]
	}
	return nil
}
