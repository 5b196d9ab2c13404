package selection

import "fmt"

// Clusters returns the number of each run's cluster, from 0. Runs of a cluster are
// not independent of each other: they have the same draw of the data and the same
// seed, or one starts from a file of the other, or both start from the same file. The
// clusters are the connected components of this relation.
func Clusters(runs []Candidate) []int {
	parent := make([]int, len(runs))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	first := make(map[string]int) // first run that has a key
	for i, c := range runs {
		keys := []string{fmt.Sprintf("seed %d of %s", c.Run.Seed, c.Run.Data.Fingerprint), "run " + c.Path}
		for _, start := range c.Starts {
			keys = append(keys, "run "+start)
		}
		for _, key := range keys {
			if k, known := first[key]; known {
				parent[root(i)] = root(k)
			} else {
				first[key] = i
			}
		}
	}
	numbers := make([]int, len(runs))
	of := make(map[int]int) // number of the cluster of a root
	for i := range numbers {
		if _, known := of[root(i)]; !known {
			of[root(i)] = len(of)
		}
		numbers[i] = of[root(i)]
	}
	return numbers
}
