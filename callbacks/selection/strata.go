package selection

// strata returns, for each axis along which runs can be compared, τ-b over the pairs
// that differ in this axis alone, and the granulated coefficient ψ.
func (c *cohort) strata(pairs []pair, resamples int, seed uint64) []Stratum {
	all := []Stratum{}
	for k, a := range c.axes {
		along := pairsAlong(pairs, k)
		if len(along) == 0 {
			continue
		}
		t, r := tallyOf(along), newResampling(along, c.cluster)
		s := Stratum{Axis: a.name, Pairs: t.total, LeftOut: t.leftOut, Clusters: r.clusters}
		if tau, ok := t.tau(); ok {
			s.Tau = &tau
			s.Low, s.High = r.interval(resamples, seed)
		}
		s.Granulated, s.Slices = granulated(along, a.rest)
		all = append(all, s)
	}
	return all
}

// pairsAlong returns the pairs that differ in the axis k alone.
func pairsAlong(pairs []pair, k int) []pair {
	var along []pair
	for _, p := range pairs {
		if p.along == k {
			along = append(along, p)
		}
	}
	return along
}
