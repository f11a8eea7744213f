package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"io"
	"os/exec"
	"regexp"
	"strings"
)

// places writes in how many declarations and files an identifier or a string
// matches, in the packages whose path holds a part.
func (p *project) places(w io.Writer, what string, pattern *regexp.Regexp, part string) {
	declarations, files := 0, 0
	for _, f := range p.files {
		if !strings.Contains(f.of.PkgPath+"/", part) {
			continue
		}
		before := declarations
		for _, d := range f.tree.Decls {
			if mentions(d, pattern) {
				declarations++
			}
		}
		if declarations > before {
			files++
		}
	}
	fmt.Fprintf(w, "%s: in %d declarations in %d files\n", what, declarations, files)
}

func mentions(d ast.Decl, pattern *regexp.Regexp) bool {
	found := false
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			found = found || pattern.MatchString(n.Name)
		case *ast.BasicLit:
			found = found || n.Kind == token.STRING && pattern.MatchString(n.Value)
		}
		return !found
	})
	return found
}

// modules writes how many modules of go.mod are not in the program.
func (p *project) modules(w io.Writer) error {
	required := exec.Command("go", "mod", "edit", "-print")
	required.Dir = p.dir
	text, err := required.Output()
	if err != nil {
		return fmt.Errorf("go mod edit: %w", err)
	}
	linked := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")
	linked.Dir, linked.Env = p.dir, environment()
	out, err := linked.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	in := map[string]bool{}
	for _, path := range strings.Fields(string(out)) {
		in[path] = true
	}
	all, missing := 0, 0
	for _, m := range requirement.FindAllStringSubmatch(string(text), -1) {
		all++
		if !in[m[1]] {
			missing++
		}
	}
	fmt.Fprintf(w, "modules: %d in go.mod, of which %d are not in the program\n", all, missing)
	return nil
}

// requirement is a line of go.mod that asks for a module.
var requirement = regexp.MustCompile(`(?m)^\s+(\S+\.\S+) v\S+`)
