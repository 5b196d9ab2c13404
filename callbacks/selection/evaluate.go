package selection

import "context"

// evaluate adds the outcomes on the test split and the associations. It does not
// change the ranks.
func (s *Selection) evaluate(ctx context.Context, progress func(done, total int)) error {
	for i := range s.Groups {
		g := &s.Groups[i]
		for k := range g.Runs {
			r := &g.Runs[k]
			r.Outcome = r.reading.outcome(r.candidate.Run.Data)
		}
	}
	// Begin with all groups together, which takes longest.
	var err error
	if s.Associations, err = s.associations(ctx, s.Groups, progress); err != nil {
		return err
	}
	if len(s.Groups) == 1 {
		s.Groups[0].Associations = s.Associations
		return nil
	}
	for i := range s.Groups {
		if s.Groups[i].Associations, err = s.associations(ctx, s.Groups[i:i+1], progress); err != nil {
			return err
		}
	}
	return nil
}

// associations returns the Association of each measure with each gap, over groups.
func (s *Selection) associations(ctx context.Context, groups []Group, progress func(done, total int)) ([]Association, error) {
	associations := []Association{}
	measures, err := measuresOf(groups)
	if err != nil {
		return nil, err
	}
	c := newCohort(groups)
	for i, m := range measures {
		if progress != nil {
			progress(i, len(measures))
		}
		for _, gap := range []Gap{AccuracyGap, LossGap} {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if a := c.association(m, gap, s.Resamples, s.Seed); a.N >= 2 {
				associations = append(associations, a)
			}
		}
	}
	return associations, nil
}

func (c *cohort) association(m Measure, gap Gap, resamples int, seed uint64) Association {
	a := Association{Measure: m, Gap: gap}
	var pairs []pair
	pairs, a.N = c.compare(m, gap)
	t, r := tallyOf(pairs), newResampling(pairs, c.cluster)
	a.Pairs, a.LeftOut, a.TiedMeasure, a.TiedGap, a.Clusters = t.total, t.leftOut, t.total-t.untiedX, t.total-t.untiedY, r.clusters
	a.Axes = c.strata(pairs, resamples, seed)
	if tau, ok := t.tau(); ok {
		a.Tau = &tau
		a.Low, a.High = r.interval(resamples, seed)
	}
	a.Granulated = overall(a.Axes)
	a.Information, a.Given = c.information(pairs)
	a.robust(c.signErrors(pairs))
	return a
}
