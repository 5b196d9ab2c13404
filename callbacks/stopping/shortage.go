package stopping

import "fmt"

// shortage returns why a rule could not hold at any epoch of a run, whatever the
// values, or "" if it could.
func (run Run) shortage(r Rule) string {
	members, kind := r.members()
	if len(members) == 0 {
		return run.tooFew(r)
	}
	reason := ""
	for _, m := range members {
		short := run.shortage(m)
		if kind == Any && short == "" {
			return "" // one is enough
		}
		if reason == "" {
			reason = short
		}
	}
	return reason
}

// tooFew is shortage of a rule that is not composite.
func (run Run) tooFew(r Rule) string {
	var epochs []int // of the values that count
	for _, e := range run.History {
		if _, ok := e.Fresh(r.Monitor); ok && e.Epoch >= r.StartEpoch {
			epochs = append(epochs, e.Epoch)
		}
	}
	switch n := len(epochs); {
	case n < r.needs():
		return fmt.Sprintf("%s was measured %s, and the rule needs %d", r.Monitor, count(n, "time"), r.needs())
	case epochs[n-1]-epochs[0] < r.PatienceEpochs:
		return fmt.Sprintf("%s was measured over %s, and the rule needs %d", r.Monitor, count(epochs[n-1]-epochs[0], "epoch"), r.PatienceEpochs)
	}
	return ""
}
