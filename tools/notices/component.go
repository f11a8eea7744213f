package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// component is a part of the program that others wrote.
type component struct {
	name, version string
	// files are the paths of its licences and notices, in order.
	files   []string
	licence string // SPDX
}

// architectures are those of a release, on Linux.
var architectures = []string{"amd64", "arm64"}

// served are the Node packages that files of static/dist are made of.
var served = []string{"htmx.org", "tailwindcss"}

// gather returns all components, by name.
func gather() ([]*component, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	const library = "Go's standard library"
	found := map[string]*component{
		library: {name: library, files: []string{filepath.Join(strings.TrimSpace(string(root)), "LICENSE")}},
	}
	for _, architecture := range architectures {
		if err := addModules(found, architecture); err != nil {
			return nil, err
		}
	}
	for _, name := range served {
		c, err := nodePackage(name)
		if err != nil {
			return nil, err
		}
		found[name] = c
	}
	components := slices.SortedFunc(maps.Values(found), func(a, b *component) int { return strings.Compare(a.name, b.name) })
	for _, c := range components {
		slices.Sort(c.files)
	}
	return components, nil
}

// addModules adds the modules that the program of an architecture is linked from.
func addModules(found map[string]*component, architecture string) error {
	list := exec.Command("go", "list", "-deps", "-json=Dir,Module", ".")
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Dir    string
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read what go list writes: %w", err)
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		c := found[p.Module.Path]
		if c == nil {
			c = &component{name: p.Module.Path, version: p.Module.Version}
			found[c.name] = c
		}
		if err := c.addFiles(p.Dir, p.Module.Dir); err != nil {
			return err
		}
	}
}

// legal matches the files that go along with the code.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-].*)?$`)

// addFiles adds the licences and notices of a package's directory and of those
// above it, up to the module's: some packages are somebody else's than the
// module.
func (c *component) addFiles(dir, top string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if e.Type().IsRegular() && legal.MatchString(e.Name()) && filepath.Ext(path) != ".go" && !slices.Contains(c.files, path) {
				c.files = append(c.files, path)
			}
		}
		if dir == top {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

func nodePackage(name string) (*component, error) {
	dir := filepath.Join("node_modules", name)
	b, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return nil, err
	}
	var described struct{ Version string }
	if err := json.Unmarshal(b, &described); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &component{name: name, version: described.Version}
	return c, c.addFiles(dir, dir)
}
