package selection

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// unlearned returns why a finished run tells nothing about generalization: it
// diverged, or its network knows no more of the training samples than how frequent
// the classes are. The boundary of such a network is the simplest of all. It returns
// "" for all other runs, and where the accuracy is not known.
func (c *Candidate) unlearned() string {
	if stop := c.Run.Stop; stop != nil && stop.Reason == trainer.Diverged {
		return "diverged: " + stop.Detail
	}
	end := c.final()
	accuracy, known := end.number(trainAccuracy)
	share, entropy := c.guessing()
	if !known || entropy == 0 || accuracy > share+2*math.Sqrt(share*(1-share)/float64(max(1, c.Run.Data.Samples[datasets.Train]))) {
		return ""
	}
	// With classes of different weights the accuracy may be low, and the loss is not.
	loss, known := end.number(trainLoss)
	if known && strings.HasPrefix(c.Run.Loss, models.CrossEntropy.Name()) && loss < 0.9*entropy {
		return ""
	}
	return fmt.Sprintf("has not learned: its training accuracy is %.4g, and %.4g of the samples are of the most frequent class", accuracy, share)
}

// guessing returns the accuracy and the cross-entropy of the best guess without
// looking at a sample: the share of the most frequent class, and the entropy of the
// shares, in nats. If these were not recorded, classes count as equally frequent. Both
// are 0 without classes.
func (c *Candidate) guessing() (accuracy, crossEntropy float64) {
	samples := c.Run.Data.ClassSamples
	if samples == nil && c.Run.Model.Classes > 1 {
		samples = slices.Repeat([]int{1}, c.Run.Model.Classes)
	}
	total := 0
	for _, n := range samples {
		total += n
	}
	for _, n := range samples {
		if n > 0 {
			p := float64(n) / float64(total)
			accuracy, crossEntropy = max(accuracy, p), crossEntropy-p*math.Log(p)
		}
	}
	return accuracy, crossEntropy
}
