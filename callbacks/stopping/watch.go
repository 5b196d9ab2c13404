package stopping

import (
	"fmt"
	"math"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Watch follows a rule through a run. It is given the fresh metrics of one
// epoch after the other.
type Watch struct {
	root   node
	leaves []*node // of root, in the order of the rule
}

// node is a rule, with what it is made of or what it remembers.
type node struct {
	rule    Rule
	better  trainer.Direction // for patience
	members []node
	memory  Memory
}

// Memory is all that a patience, threshold or trend rule carries from one fresh
// value to the next. It is part of a checkpoint.
type Memory struct {
	Seen   int     // fresh values so far
	Epoch  int     // of the last of them
	Last   float64 // the last of them
	Best   float64 // the last that was an improvement
	Since  int     // epoch of the last improvement, or of the first value where none has beaten the baseline
	Streak int     // values in a row that count towards stopping
}

// Firing tells which rule stops a run.
type Firing struct {
	Kind   Kind   // of the rule; of an Any rule's member that holds
	Metric string // that it monitors; empty for All
	Detail string // one line
}

// NewWatch returns a Watch of a rule on the metrics that declared knows, such
// as State.Metric. The error is a
// *trainer.FieldError for a metric that is not declared, or of which it is not
// known which direction is better.
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
		return n, wrong("Mode", "is missing: of %s neither lower nor higher is declared better; want one of them", r.Monitor)
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

// Observe takes the fresh metrics of an epoch and tells whether the rule holds
// now; nil if it does not. Epochs come in ascending order; one that comes
// again, since a run was resumed in it, is not counted twice. A value that is
// NaN or infinite is an error that wraps models.ErrNotFinite.
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

// observe takes a fresh value.
func (n *node) observe(epoch int, value float64) {
	m := &n.memory
	first := m.Seen == 0
	if first {
		m.Since = epoch
	}
	counts := false // towards stopping
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

// beyond tells whether a value lies in a direction from a reference, by more
// than MinDelta or MinDeltaRelative.
func (r Rule) beyond(d trainer.Direction, value, reference float64) bool {
	delta := max(r.MinDelta, r.MinDeltaRelative*math.Abs(reference))
	if d == trainer.Higher {
		return value > reference+delta
	}
	return value < reference-delta
}

// firing is not nil if the rule holds. It depends on the memory alone.
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

// circumstances are the values by which a rule holds.
func (n *node) circumstances() string {
	if n.rule.Kind() == Patience {
		return fmt.Sprintf(": %.6g now, %.6g at best", n.memory.Last, n.memory.Best)
	}
	return fmt.Sprintf(": %.6g now", n.memory.Last)
}

// Shortage is a part of a rule that cannot hold before the last epoch of a run.
type Shortage struct {
	Rule   string // in words
	Metric string
	Has    int // fresh values that there will be before the last epoch, at most
	Needs  int // that the rule takes to stop the run
}

// Shortages are the parts of the rule that will have too few values to hold
// before the run ends by itself. times tells how often a metric is recorded
// from an epoch on and before the last, at most, if that is known, such as
// State.Times.
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

// needs is the number of fresh values that a rule takes at least until it
// holds.
func (r Rule) needs() int {
	switch {
	case r.Kind() == Threshold:
		return max(r.For, 1)
	case r.PatienceEpochs > 0:
		return 2 // the first may be an improvement, or the start of the time
	case r.Baseline != nil:
		return r.Patience // the first value may be one that does not beat it
	default:
		return r.Patience + r.Rises + r.Falls + 1
	}
}

// Memories returns what the watch carries from one epoch to the next, one for
// each condition of the rule, in its order.
func (w *Watch) Memories() []Memory {
	memories := make([]Memory, len(w.leaves))
	for i, n := range w.leaves {
		memories[i] = n.memory
	}
	return memories
}

// Restore goes on from the memories of a watch of the same rule.
func (w *Watch) Restore(memories []Memory) error {
	if len(memories) != len(w.leaves) {
		return fmt.Errorf("stopping: the state of %d conditions, the rule has %d", len(memories), len(w.leaves))
	}
	for i, n := range w.leaves {
		n.memory = memories[i]
	}
	return nil
}
