package selection

// granulated returns the granulated Kendall coefficient of an axis, from the pairs
// along it (Jiang et al. 2020, "Fantastic generalization measures and where to find
// them"):
//
//	ψᵢ = mean, over the settings of all other axes, of τ along axis i
//
// and the number of settings in this mean. Settings in which τ-b is undefined are
// left out; ψ is nil if it is undefined in all. The argument rest has the number of
// each run's setting.
func granulated(along []pair, rest []int) (psi *float64, settings int) {
	tallies := make(map[int]*tally)
	var order []int // fixes the rounding of the sum
	for _, p := range along {
		t := tallies[rest[p.i]]
		if t == nil {
			t = new(tally)
			tallies[rest[p.i]] = t
			order = append(order, rest[p.i])
		}
		t.add(p)
	}
	sum := 0.0
	for _, setting := range order {
		if tau, ok := tallies[setting].tau(); ok {
			sum += tau
			settings++
		}
	}
	if settings == 0 {
		return nil, 0
	}
	return new(sum / float64(settings)), settings
}

// overall returns Ψ, the mean of ψᵢ over the axes for which it is defined.
func overall(strata []Stratum) *float64 {
	sum, n := 0.0, 0
	for _, s := range strata {
		if s.Granulated != nil {
			sum += *s.Granulated
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return new(sum / float64(n))
}
