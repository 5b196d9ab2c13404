package curvature

import (
	"fmt"
	"slices"
	"strings"
)

// Method is the name of an algorithm that finds eigenpairs of an [Operator]. The
// constants name those of this package. [Settings.Memory] says how much memory
// each takes. A [Spectrum] from another solver has the name of that.
type Method string

const (
	// Auto is Dense up to [Settings.DenseLimit] dimensions. Above, it is Reduced
	// if [Settings.Resolved] asks for all resolvable pairs and the basis may hold
	// 96 vectors more than there are seeds; otherwise it is Lanczos. The zero value
	// of Method means Auto.
	Auto Method = "auto"

	// Dense computes H column by column, by n applications, and decomposes it
	// fully. It takes O(n³) time and refuses n > 20,000.
	Dense Method = "dense"

	// Lanczos finds the pairs at the ends of the spectrum by thick-restart
	// Lanczos with full reorthogonalisation, in a basis of m = 2(Top+Bottom) + 20
	// vectors. The basis takes 8·m·n bytes, as much again if its images are kept, which
	// they are up to 1 GiB, and it refuses a basis of more than
	// 12.8 GB. It usually takes some hundred applications.
	Lanczos Method = "lanczos"

	// Reduced finds all resolvable pairs, those with |λ| > Resolution·max |λ|, of
	// an operator of low numerical rank, such as the Hessian of a network with
	// more parameters than data. It projects H on a block Krylov space whose
	// dimension m is little more than the number of such pairs. It takes m
	// applications, 8·(m·n + 6·m²) bytes, and O(m²·n + m³) time, where n counts
	// only the coordinates on the operator's [Support]: not, for example, the
	// weights behind a dead unit.
	Reduced Method = "reduced"

	// Quadrature estimates the density of all eigenvalues by stochastic Lanczos
	// quadrature, after Lanczos has found the pairs at the ends. This takes
	// QuadratureVectors·QuadratureSteps further applications.
	Quadrature Method = "density"
)

var methods = []Method{Auto, Dense, Lanczos, Reduced, Quadrature}

// String returns the method's name, "auto" for the zero value.
func (m Method) String() string {
	if m == "" {
		return string(Auto)
	}
	return string(m)
}

// MarshalText implements encoding.TextMarshaler. It returns the same as String
// and no error.
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. Only the names of this
// package's methods are accepted.
func (m *Method) UnmarshalText(text []byte) error {
	if !slices.Contains(methods, Method(text)) {
		return fmt.Errorf("unknown eigenvalue method %q: want one of %s", text, methodNames())
	}
	*m = Method(text)
	return nil
}

func methodNames() string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}
