package boundary

// GramBy is Gram by the gradients themselves, over slices of so many parameters.
var GramBy = (*Reinforcing).gramBy

// ProjectionErrors returns the clusters of the sorted pairs, first to last−1,
// and the error bounds of their projections.
func (e *Eigenpairs) ProjectionErrors() (clusters [][2]int, errors []float64) {
	o := e.order()
	found := o.clusters(nearby)
	projections := make([][]float64, len(found))
	for i, c := range found {
		clusters = append(clusters, [2]int{c.first, c.last})
		projections[i] = o.projection(e.Alignments, c.first, c.last)
	}
	return clusters, o.projectionErrors(found, projections)
}
