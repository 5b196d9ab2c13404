// Package analysis is the one way from a model and data to what is said of the
// boundary, for finished models and for networks that are being trained:
//
//	model, split ──▶ Objective ──▶ curvature.Solve ──▶ eigenpairs ──▶ outliers
//	      │                             ▲                  │
//	      └──▶ reinforcing gradients ───┘ seeds            ├──▶ alignment ──▶ complexity
//	      │            └───────────────────────────────────┘
//	      └──▶ distances to the boundary ──▶ margin
//
// [Analyze] goes all the way once and returns a [Result], which is what the
// command analyze prints. An [Analyzer] measures one model again and again while
// it changes, as the hooks do; a [Measurement] is a spectrum that it found, for
// whoever reads more out of it.
package analysis
