package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

// project is the code of a checkout that is compiled into its program.
type project struct {
	dir      string
	module   string
	set      *token.FileSet
	packages []*packages.Package
	files    []*file // hand-written ones
}

type file struct {
	path  string // below dir
	of    *packages.Package
	tree  *ast.File
	lines []string
}

func load(dir string) (*project, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	p := &project{dir: dir, set: token.NewFileSet()}
	all, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
			packages.NeedExportFile | packages.NeedTypes | packages.NeedModule,
		Dir: dir, Env: environment(),
	}, ".")
	if err != nil {
		return nil, err
	}
	if len(all) != 1 || all[0].Module == nil {
		return nil, errors.New("there is no program")
	}
	p.module = all[0].Module.Path
	var own []string
	packages.Visit(all, nil, func(pkg *packages.Package) {
		if pkg.Module != nil && pkg.Module.Path == p.module {
			own = append(own, pkg.PkgPath)
		}
	})
	p.packages, err = packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedExportFile | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax,
		Dir: dir, Env: environment(), Fset: p.set,
	}, own...)
	if err != nil {
		return nil, err
	}
	for _, pkg := range p.packages {
		if len(pkg.Errors) > 0 {
			return nil, fmt.Errorf("%s: %w", pkg.PkgPath, pkg.Errors[0])
		}
		for _, tree := range pkg.Syntax {
			if ast.IsGenerated(tree) {
				continue
			}
			f, err := p.read(pkg, tree)
			if err != nil {
				return nil, err
			}
			p.files = append(p.files, f)
		}
	}
	return p, nil
}

func (p *project) read(pkg *packages.Package, tree *ast.File) (*file, error) {
	path := p.set.Position(tree.Package).Filename
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	below, err := filepath.Rel(p.dir, path)
	if err != nil {
		return nil, err
	}
	return &file{path: below, of: pkg, tree: tree, lines: strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")}, nil
}

// environment is that of builds as the program is shipped.
func environment() []string { return append(os.Environ(), "CGO_ENABLED=0") }

// folder is the directory of a package, below the checkout.
func (p *project) folder(pkg *packages.Package) string {
	if pkg.PkgPath == p.module {
		return "."
	}
	return strings.TrimPrefix(pkg.PkgPath, p.module+"/")
}
