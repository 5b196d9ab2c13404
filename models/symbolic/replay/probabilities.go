package replay

import (
	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// Probabilities tells whether the last operation on the way to n is a softmax or a
// sigmoid: its name, and the node that it is applied to where that is one
// operation and not written out.
func Probabilities(n *G.Node) (name string, before *G.Node) {
	for {
		in := symbolic.Children(n)
		switch symbolic.StockName(n.Op()) {
		case "reshapeOp", "dropoutOp":
			n = in[0]
			continue
		case "softmaxOp":
			if !field(n.Op(), "isLog").Bool() { // logarithms are as good as logits
				return "SoftMax", in[0]
			}
		case "elemUnaryOp":
			switch form := n.Op().String(); {
			case form == "sigmoid":
				return "Sigmoid", in[0]
			case form == "inv" && onePlusExp(in[0]):
				return "Sigmoid", nil
			}
		case "elemBinOp":
			if relation(n.Op()) == "÷" && Number(in[0]) == 1 && onePlusExp(in[1]) {
				return "Sigmoid", nil
			}
		case "":
			if n.Op() != nil && (n.Op().String() == "Softmax" || n.Op().String() == "Sigmoid") {
				return n.Op().String(), in[0]
			}
		}
		return "", nil
	}
}

// onePlusExp tells whether n is 1 + exp(…).
func onePlusExp(n *G.Node) bool {
	if symbolic.StockName(n.Op()) != "elemBinOp" || relation(n.Op()) != "+" {
		return false
	}
	exp := func(n *G.Node) bool { return symbolic.StockName(n.Op()) == "elemUnaryOp" && n.Op().String() == "exp" }
	in := symbolic.Children(n)
	return Number(in[0]) == 1 && exp(in[1]) || Number(in[1]) == 1 && exp(in[0])
}
