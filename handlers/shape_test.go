package handlers_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/handlers/handlertest"
)

const (
	maxFields  = 8 // of what answers requests
	maxMethods = 40
)

// looked are the types that answer requests, beside those called handlers.
var looked = map[string]bool{"site": true, "server": true, "composer": true, "remover": true}

func TestTheTypesOfThePartsAreSmall(t *testing.T) {
	files, err := filepath.Glob("*/*.go")
	handlertest.Must(t, err)
	here, err := filepath.Glob("*.go")
	handlertest.Must(t, err)
	files = append(files, here...)
	methods, seen := map[string]int{}, 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "handlertest/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		handlertest.Must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv != nil {
					methods[filepath.Dir(path)+"."+receiver(n.Recv.List[0].Type)]++
				}
			case *ast.TypeSpec:
				s, ok := n.Type.(*ast.StructType)
				if name := n.Name.Name; !ok || !looked[strings.ToLower(name)] && !strings.HasSuffix(name, "Handler") {
					return true
				}
				seen++
				if fields := countFields(s); fields > maxFields {
					t.Errorf("%s: %s has %d fields", path, n.Name.Name, fields)
				}
			}
			return true
		})
	}
	for name, n := range methods {
		if n > maxMethods {
			t.Errorf("%s has %d methods", name, n)
		}
	}
	if seen < 14 {
		t.Errorf("only %d types were looked at", seen)
	}
}

// receiver is the name of a method's type.
func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func countFields(s *ast.StructType) (n int) {
	for _, f := range s.Fields.List {
		n += max(1, len(f.Names))
	}
	return n
}
