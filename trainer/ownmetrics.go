package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/hessoscope/hessoscope/models"
)

// SetRate tells the hooks the learning rate of the steps from now on. Without it,
// what depends on the rate is not measured.
func (e *Session) SetRate(rate float64) error {
	if err := e.expect(context.Background(), "SetRate", unbegun, begun); err != nil {
		return err
	}
	if !(rate >= 0) || math.IsInf(rate, 0) {
		return e.fail(fmt.Errorf("trainer: the learning rate is %g; want a finite number, 0 or more", rate))
	}
	e.state.LearningRate = rate
	return nil
}

// Declare announces metrics of your own, which Record sets. Call it before Begin.
func (e *Session) Declare(declared ...Metric) error {
	if err := e.expect(context.Background(), "Declare", unbegun, begun, ended); err != nil {
		return err
	}
	if e.status != unbegun {
		return e.fail(errors.New("trainer: Declare after Begin; hooks must know all metrics when training begins: call it before"))
	}
	for _, m := range declared {
		if m.Name == "" {
			return e.fail(errors.New("trainer: a metric without a name"))
		}
		if err := e.state.metrics.declare(m); err != nil {
			return e.fail(err)
		}
		if e.own == nil {
			e.own, e.pending = make(map[string]bool), make(map[string]float64)
		}
		e.own[m.Name] = true
	}
	return nil
}

// Record sets the value of a metric of your own for the end of the epoch that is
// under way: hooks read it as they do any other. Call it before EpochEnd of that
// epoch. A metric that Declare does not know is declared by the first Record, if
// that comes before Begin; the value is then that of the untrained network. If the
// value is NaN or infinite, the error wraps models.ErrNotFinite.
func (e *Session) Record(name string, value float64) error {
	if err := e.expect(context.Background(), fmt.Sprintf("Record of %q", name), unbegun, begun); err != nil {
		return err
	}
	if !e.own[name] {
		if e.status == begun {
			return e.fail(fmt.Errorf("trainer: Record of %q, which is no metric of yours; call Declare(trainer.Metric{Name: %[1]q}) before the loop begins", name))
		}
		if err := e.Declare(Metric{Name: name}); err != nil {
			return err
		}
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return e.fail(fmt.Errorf("trainer: metric %q is %g: %w", name, value, models.ErrNotFinite))
	}
	e.pending[name] = value
	return nil
}
