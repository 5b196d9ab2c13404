package mutate

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"strings"
)

// mutation replaces the bytes from … to − 1 of a file by text.
type mutation struct {
	library  *library
	file     string // in the module
	from, to int
	text     string
	line     int
	excerpt  string // the line, with ⟦old → new⟧
	overlay  string // file that puts it in place of the source, for the go command
}

// String returns the place and the change.
func (m mutation) String() string { return fmt.Sprintf("%s:%d: %s", m.file, m.line, m.excerpt) }

// swapped holds, for each operator, the one that takes its place.
var swapped = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN,
	token.MUL_ASSIGN: token.QUO_ASSIGN, token.QUO_ASSIGN: token.MUL_ASSIGN,
}

// mutations returns the mutations of a source file, in the order of the source: an
// operator swapped, a number 1 larger or smaller, an error that is not returned.
// Some of them do not compile.
func mutations(file string, source []byte, random *rand.Rand) ([]mutation, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var all []mutation
	replace := func(at token.Pos, old, text string) {
		p := fset.Position(at)
		all = append(all, mutation{
			file: file, from: p.Offset, to: p.Offset + len(old), text: text,
			line: p.Line, excerpt: excerpt(source, p.Offset, old, text),
		})
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if other, ok := swapped[n.Op]; ok {
				replace(n.OpPos, n.Op.String(), other.String())
			}
		case *ast.AssignStmt:
			if other, ok := swapped[n.Tok]; ok {
				replace(n.TokPos, n.Tok.String(), other.String())
			}
		case *ast.BasicLit:
			if n.Kind == token.INT || n.Kind == token.FLOAT {
				replace(n.Pos(), n.Value, fmt.Sprintf("(%s%c1)", n.Value, "+-"[random.IntN(2)]))
			}
		case *ast.IfStmt:
			if cond := string(source[fset.Position(n.Cond.Pos()).Offset:fset.Position(n.Cond.End()).Offset]); cond == "err != nil" && returns(n.Body) {
				replace(n.Cond.Pos(), cond, cond+" && false")
			}
		}
		return true
	})
	return all, nil
}

// returns reports whether the last statement of a block is a return.
func returns(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	_, ok := b.List[len(b.List)-1].(*ast.ReturnStmt)
	return ok
}

// excerpt returns the line around the offset, with the change in it, and the line
// before where there are several such lines.
func excerpt(source []byte, offset int, old, text string) string {
	start := bytes.LastIndexByte(source[:offset], '\n') + 1
	rest, _, _ := bytes.Cut(source[offset:], []byte("\n"))
	end := offset + len(rest)
	if bytes.Count(source, bytes.TrimSpace(source[start:end])) > 1 {
		start = bytes.LastIndexByte(source[:max(start-1, 0)], '\n') + 1
	}
	before := strings.Split(string(source[start:offset]), "\n")
	for i, line := range before {
		before[i] = strings.TrimLeft(line, "\t")
	}
	return fmt.Sprintf("%s⟦%s → %s⟧%s", strings.Join(before, " ⏎ "), old, text, source[offset+len(old):end])
}

// apply returns the source with the mutation in it.
func (m mutation) apply(source []byte) []byte {
	return bytes.Join([][]byte{source[:m.from], source[m.to:]}, []byte(m.text))
}
