// Package analysis is the pipeline from a model and data to measures of the
// decision boundary. Finished models and networks in training share it:
//
//	model, split ──▶ Objective ──▶ curvature.Solve ──▶ eigenpairs ──▶ outliers
//	      │                             ▲                  │
//	      └──▶ reinforcing gradients ───┘ seeds            ├──▶ alignment ──▶ complexity
//	      │            └───────────────────────────────────┘
//	      └──▶ distances to the boundary ──▶ margin
//
// [Analyze] runs the whole pipeline once and returns a [Result], which the command
// analyze prints. An [Analyzer] measures one model repeatedly while it changes, as
// the hooks do. It returns a [Measurement], the spectrum that it found, from which
// the later steps of the pipeline can be computed.
package analysis
