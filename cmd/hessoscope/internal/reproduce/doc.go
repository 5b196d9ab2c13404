// Package reproduce repeats the experiments of arXiv:2306.07104 and draws its figures
// from networks that it trains itself.
//
//	Figures ──▶ recipes ── Train ──▶ OUT/runs/ ── measure ──▶ networks ──▶ OUT/fig1.png …
//	                                                             │
//	                        reference numbers ───────────────────┴──▶ OUT/table.md, table.csv
//
// A recipe is a preset with some settings changed. Its run is trained if there is none
// in OUT, and resumed if it was interrupted, so that Run can be repeated until all is
// there. The table has the numbers of our networks beside those of reference networks,
// says why they differ, and tests the paper's claims one by one.
package reproduce
