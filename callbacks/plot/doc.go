// Package plot draws what a run recorded: figures as pure functions of data.
//
//	record.Folder ── Read ──▶ Run ── Kind.Draw ──▶ Figure ── Write ──▶ loss.png, loss.svg
//
// [Kinds] lists the figures, from the loss to maps of the alignment in the plane.
// Several runs are drawn into one figure. A figure for which a run has not recorded
// enough is [Missing], which says what would be needed.
//
// All figures have one style. A [Panel] is a system of axes with its legend below,
// so that it never covers data; a [Figure] is panels in rows. A colour has one
// meaning in all figures: λ₁ is [Blue], outliers and limits are [Vermillion], margins
// [Green], measures of complexity [Purple], losses [Black], accuracies [Sky]; classes
// and, where several are drawn, runs have the colours of [Class]. They can be told
// apart by the colour-blind (Okabe and Ito 2008). Validation and test are dashed.
package plot
