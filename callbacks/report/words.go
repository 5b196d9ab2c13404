package report

// words are those of docs/glossary.md that a page explains beside the metrics; a
// test keeps both alike.
var words = map[string]string{
	"eigenpair":            "λ and v with Hv = λv, ‖v‖ = 1: the curvature of the loss is λ in the direction v",
	"residual":             "r = ‖Hv − θv‖ of a computed pair (θ, v): some eigenvalue of H is within r of θ",
	"resolvable":           "of an eigenvalue: |λ| > 1e-10·λ₁. The vectors of smaller ones are arbitrary, since they span the null space of H up to rounding",
	"outlier":              "an eigenvalue far above the bulk; three rules count them, see Spectrum",
	"reinforcing gradient": "g(x) = ∇θ cross-entropy(f(x), ŷ(x)): the label is the prediction, so it exists at every input",
	"alignment":            "Aᵢ(x) = ⟨vᵢ, g(x)⟩/‖g(x)‖, from −1 to 1. The sign of vᵢ is arbitrary: only the size of one alignment can be interpreted",
	"energy":               "of an eigenvector: aᵢ = meanₙ Aᵢ(xₙ)². Over all P vectors the energies add up to 1",
	"decision boundary":    "the inputs at which the two largest logits are equal",
	"margin":               "the smallest distance of a correctly classified sample to the decision boundary, in input space",
	"recall":               "of a class: the share of its samples that are predicted as it",
	"precision":            "of a class: the share of the samples predicted as it that are of it",
	"balanced accuracy":    "the mean recall over the classes that have samples: the accuracy if all were of one size",
	"fresh":                "recorded at this epoch. A metric that was not measured at an epoch is absent there, never repeated",
}
