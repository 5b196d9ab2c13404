package symbolic

import G "gorgonia.org/gorgonia"

// Check refuses a graph that cannot be differentiated twice: it returns an
// error that names the first operation between wrt and outs whose first or
// second derivative is known to be wrong or missing, and what to use instead.
// Operations from outside Gorgonia pass if they have a symbolic derivative.
func Check(outs, wrt G.Nodes) (err error) {
	defer recovered(&err)
	s := newSweep(wrt)
	for _, out := range outs {
		s.visit(out)
	}
	for _, n := range s.order {
		if !s.passes[n] {
			continue
		}
		if err := refuse(n, s.children[n], twice); err != nil {
			return err
		}
		if _, ok := n.Op().(G.SDOp); !ok {
			return unsound(n, "has no symbolic derivative", "an operation of package op")
		}
	}
	return nil
}
