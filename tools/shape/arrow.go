package main

import (
	"fmt"
	"go/types"
	"io"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// arrows writes how the files of each package use each other: an arrow goes from a
// file to another one that declares something it uses. The files are put in the
// order that has few arrows against it; those that are left run up.
func (p *project) arrows(w io.Writer) {
	type counted struct {
		name    string
		all, up int
	}
	var all []counted
	total := counted{}
	for _, pkg := range p.packages {
		one := counted{name: p.folder(pkg)}
		one.all, one.up = count(p.uses(pkg))
		total.all, total.up = total.all+one.all, total.up+one.up
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b counted) int { return b.up - a.up })
	fmt.Fprintf(w, "arrows between the files of a package: %d, of which %d run up\n", total.all, total.up)
	for _, one := range all[:min(8, len(all))] {
		fmt.Fprintf(w, "  %-24s %3d arrows %3d up\n", one.name, one.all, one.up)
	}
}

// uses returns which files of a package use which, by name.
func (p *project) uses(pkg *packages.Package) map[string]map[string]bool {
	uses := map[string]map[string]bool{}
	files := map[string]bool{}
	for _, f := range p.files {
		if f.of == pkg {
			files[p.set.Position(f.tree.Package).Filename] = true
		}
	}
	for identifier, object := range pkg.TypesInfo.Uses {
		if object.Pkg() != pkg.Types || !object.Pos().IsValid() {
			continue
		}
		if v, ok := object.(*types.Var); ok && !v.IsField() && object.Parent() != pkg.Types.Scope() {
			continue // local
		}
		from, to := p.set.Position(identifier.Pos()).Filename, p.set.Position(object.Pos()).Filename
		if from == to || !files[from] || !files[to] {
			continue
		}
		if uses[from] == nil {
			uses[from] = map[string]bool{}
		}
		uses[from][to] = true
	}
	return uses
}

// count returns how many arrows there are and how many go against a good order:
// again and again the file is taken off that uses none of the others, else the
// one that is used most in comparison to what it uses (Eades, Lin and Smyth).
func count(uses map[string]map[string]bool) (all, up int) {
	used := map[string]map[string]bool{}
	left := map[string]bool{}
	for from, targets := range uses {
		left[from] = true
		for to := range targets {
			left[to] = true
			if used[to] == nil {
				used[to] = map[string]bool{}
			}
			used[to][from] = true
			all++
		}
	}
	within := func(set map[string]bool) (n int) {
		for name := range set {
			if left[name] {
				n++
			}
		}
		return n
	}
	// From the top down: unused files first, then the one that uses most and is
	// used least.
	for len(left) > 0 {
		best, score := "", 0
		for name := range left {
			out, in := within(uses[name]), within(used[name])
			s := out - in
			switch {
			case in == 0:
				s = 1 << 20
			case out == 0:
				s = -1 << 20
			}
			if best == "" || s > score || s == score && strings.Compare(name, best) < 0 {
				best, score = name, s
			}
		}
		delete(left, best)
		// Files that are still below and use it point up.
		up += within(used[best])
	}
	return all, up
}
