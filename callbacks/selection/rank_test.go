package selection

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

var simpleAndWide = []Measure{{record.Complexity, trainer.Lower}, {"boundary/margin", trainer.Higher}}

func TestFronts(t *testing.T) {
	for _, test := range []struct {
		name   string
		values [][]Interval // complexity and margin of each run
		want   []int
	}{
		{"one", [][]Interval{{{1, 1}, {1, 1}}}, []int{1}},
		{"none better in both", [][]Interval{{{1, 1}, {1, 1}}, {{2, 2}, {2, 2}}}, []int{1, 1}},
		{"simpler and wider", [][]Interval{{{2, 2}, {1, 1}}, {{1, 1}, {2, 2}}}, []int{2, 1}},
		{"as simple and wider", [][]Interval{{{1, 1}, {1, 1}}, {{1, 1}, {2, 2}}}, []int{2, 1}},
		{"equal", [][]Interval{{{1, 1}, {1, 1}}, {{1, 1}, {1, 1}}}, []int{1, 1}},
		{"three fronts", [][]Interval{{{3, 3}, {1, 1}}, {{1, 1}, {3, 3}}, {{2, 2}, {2, 2}}, {{0, 0}, {1, 1}}}, []int{3, 1, 2, 1}},
		{"perhaps simpler", [][]Interval{{{1, 3}, {2, 2}}, {{2, 4}, {1, 1}}}, []int{1, 1}},
		{"certainly not more complex", [][]Interval{{{1, 2}, {2, 2}}, {{2, 4}, {1, 1}}}, []int{1, 2}},
		{"the same interval is not the same number", [][]Interval{{{1, 2}, {2, 2}}, {{1, 2}, {1, 1}}}, []int{1, 1}},
	} {
		if diff := cmp.Diff(test.want, fronts(simpleAndWide, test.values)); diff != "" {
			t.Errorf("%s (-want +have):\n%s", test.name, diff)
		}
	}
}

// values draws values of up to four measures, some of them intervals, with many ties.
func drawValues(t *rapid.T) ([]Measure, [][]Interval) {
	k := rapid.IntRange(1, 4).Draw(t, "measures")
	by := make([]Measure, k)
	for i := range by {
		by[i].Better = rapid.SampledFrom([]trainer.Direction{trainer.Lower, trainer.Higher}).Draw(t, "better")
	}
	interval := rapid.Custom(func(t *rapid.T) Interval {
		low := float64(rapid.IntRange(-2, 6).Draw(t, "low"))
		return Interval{low, low + max(0, float64(rapid.IntRange(-3, 2).Draw(t, "width")))}
	})
	return by, rapid.SliceOfN(rapid.SliceOfN(interval, k, k), 1, 20).Draw(t, "values")
}

// The first front has exactly the runs that no run dominates. A run of another front
// is dominated by a run of the previous front, and by none of its own or a later one.
func TestFrontsAreFronts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by, values := drawValues(t)
		front := fronts(by, values)
		for i := range values {
			nearest := 0
			for j := range values {
				if !dominates(by, values[j], values[i]) {
					continue
				}
				if front[j] >= front[i] {
					t.Fatalf("%v of front %d is dominated by %v of front %d", values[i], front[i], values[j], front[j])
				}
				nearest = max(nearest, front[j])
			}
			if front[i] != nearest+1 {
				t.Fatalf("%v is in front %d; the last one that dominates it is in %d", values[i], front[i], nearest)
			}
		}
	})
}

func TestDominationIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by, values := drawValues(t)
		for _, a := range values {
			for _, b := range values {
				if !dominates(by, a, b) {
					continue
				}
				if dominates(by, b, a) {
					t.Fatalf("%v and %v dominate each other", a, b)
				}
				for _, c := range values {
					if dominates(by, b, c) && !dominates(by, a, c) {
						t.Fatalf("%v dominates %v, and that %v, but not the first the last", a, b, c)
					}
				}
			}
		}
	})
}

func TestScores(t *testing.T) {
	ratio := math.Log(2)
	for _, test := range []struct {
		name   string
		values [][]Interval
		want   []Interval
	}{
		{"twice the complexity is half the margin", [][]Interval{{{1, 1}, {4, 4}}, {{2, 2}, {4, 4}}, {{1, 1}, {2, 2}}, {{2, 2}, {2, 2}}}, []Interval{{0, 0}, {ratio / 2, ratio / 2}, {ratio / 2, ratio / 2}, {ratio, ratio}}},
		{"interval", [][]Interval{{{2, 2}, {1, 1}}, {{1, 4}, {1, 1}}}, []Interval{{ratio / 2, ratio / 2}, {0, ratio}}},
		{"interval of the higher one", [][]Interval{{{1, 1}, {4, 4}}, {{1, 1}, {1, 2}}}, []Interval{{0, 0}, {ratio / 2, ratio}}},
		{"no ratio to 0: by the mean, 2", [][]Interval{{{0, 0}, {1, 1}}, {{4, 4}, {1, 1}}}, []Interval{{0, 0}, {1, 1}}},
		{"all the same", [][]Interval{{{0, 0}, {-1, -1}}, {{0, 0}, {-1, -1}}}, []Interval{{0, 0}, {0, 0}}},
		{"extremes", [][]Interval{{{-math.MaxFloat64, -math.MaxFloat64}, {1, 1}}, {{math.MaxFloat64, math.MaxFloat64}, {1, 1}}}, []Interval{{0, 0}, {1, 1}}},
	} {
		have := scores(simpleAndWide, test.values)
		for i, want := range test.want {
			if !(math.Abs(have[i].Low-want.Low) <= 1e-15 && math.Abs(have[i].High-want.High) <= 1e-15) {
				t.Errorf("%s: scores %v; want %v", test.name, have, test.want)
			}
		}
	}
}

// A run that dominates another one never has the higher score.
func TestScoresOfDominated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by, values := drawValues(t)
		score := scores(by, values)
		for i := range values {
			for j := range values {
				if dominates(by, values[i], values[j]) && (score[i].Low > score[j].Low || score[i].High > score[j].High) {
					t.Fatalf("%v dominates %v, and scores %v, not less than %v", values[i], values[j], score[i], score[j])
				}
			}
		}
	})
}

// The ranking does not depend on the order of the runs, and runs with equal values
// share a rank.
func TestRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by, values := drawValues(t)
		for i := range by {
			by[i].Metric = string(rune('a' + i))
		}
		runs := make([]Ranked, len(values))
		for i, v := range values {
			runs[i] = Ranked{Run: string(rune('A' + i)), Values: make(map[string]Interval)}
			for k, m := range by {
				runs[i].Values[m.Metric] = v[k]
			}
		}
		shuffled := rapid.Permutation(runs).Draw(t, "shuffled")
		rank(by, runs)
		rank(by, shuffled)
		if !slices.EqualFunc(runs, shuffled, func(a, b Ranked) bool { return a.Run == b.Run && a.Rank == b.Rank && a.Front == b.Front }) {
			t.Fatalf("%v\n%v", runs, shuffled)
		}
		for i, r := range runs {
			before := 0
			for _, other := range runs {
				if other.Front < r.Front || other.Front == r.Front && other.score.High < r.score.Low {
					before++
				}
			}
			if r.Rank != before+1 || i > 0 && (runs[i-1].Front > r.Front || runs[i-1].Front == r.Front && runs[i-1].Score > r.Score) {
				t.Fatalf("rank %d with %d certainly before: %v", r.Rank, before, r)
			}
		}
	})
}
