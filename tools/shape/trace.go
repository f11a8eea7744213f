package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// entered is the package that a traced program calls.
const entered = `// Package entered writes down which functions are entered.
package entered

import "os"

var file, _ = os.OpenFile(os.Getenv("SHAPE_TRACE"), os.O_WRONLY|os.O_APPEND, 0)

// Function writes a line.
func Function(name string) { _, _ = file.WriteString(name + "\n") }
`

// traced copies the checkout and builds a program of it that writes down what it
// enters. Generated components count: they are on the way too.
func (p *project) traced(source, program string) error {
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = p.dir
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(p.dir, name), filepath.Join(source, name)); err != nil {
			return err
		}
	}
	for _, pkg := range p.packages {
		for _, tree := range pkg.Syntax {
			path := p.set.Position(tree.Package).Filename
			below, err := filepath.Rel(p.dir, path)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(source, below), p.instrument(tree, below, text), 0o600); err != nil {
				return err
			}
		}
	}
	if err := os.Mkdir(filepath.Join(source, "entered"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(source, "entered", "entered.go"), []byte(entered), 0o600); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-trimpath", "-o", program, ".")
	build.Dir, build.Env = source, append(environment(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the traced program: %w\n%s", err, out)
	}
	return nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted, but not from git's list yet
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// instrument returns the text of a file whose functions call Function first.
func (p *project) instrument(tree *ast.File, below string, text []byte) []byte {
	type insertion struct {
		at   int
		text string
	}
	var all []insertion
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		name := below + " " + fn.Name.Name
		if fn.Recv != nil && len(fn.Recv.List) > 0 {
			name = below + " " + receiver(fn.Recv.List[0].Type) + "." + fn.Name.Name
		}
		offset := int(fn.Body.Lbrace-tree.FileStart) + 1
		all = append(all, insertion{offset, " entered.Function(" + strconv.Quote(name) + "); "})
	}
	if len(all) == 0 {
		return text
	}
	all = append(all, insertion{int(tree.Name.End() - tree.FileStart), "; import " + strconv.Quote(p.module+"/entered")})
	slices.SortFunc(all, func(a, b insertion) int { return a.at - b.at })
	var b bytes.Buffer
	last := 0
	for _, i := range all {
		b.Write(text[last:i.at])
		b.WriteString(i.text)
		last = i.at
	}
	b.Write(text[last:])
	return b.Bytes()
}

// receiver is the name of a method's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
