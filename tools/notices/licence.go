package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// agreed are the licences that a program under the Apache License may be linked
// with and shipped under, as long as their texts go along.
var agreed = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// known is the share of a text, in percent, that has to be that of a known
// licence. The rest is names of owners.
const known = 75

// name finds out which licences the components have.
func name(components []*component) error {
	for _, c := range components {
		var names []string
		for _, file := range c.files {
			if isNotice(file) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			ids, err := identify(text)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", c.name, filepath.Base(file), err)
			}
			names = append(names, ids...)
		}
		if len(names) == 0 {
			return fmt.Errorf("%s has no licence", c.name)
		}
		slices.Sort(names)
		c.licence = strings.Join(slices.Compact(names), " AND ")
	}
	return nil
}

// identify returns the SPDX names of the licences that a text consists of.
func identify(text []byte) ([]string, error) {
	found := licensecheck.Scan(text)
	if found.Percent < known {
		return nil, fmt.Errorf("only %.0f %% of it are a known licence", found.Percent)
	}
	var names []string
	for _, match := range found.Match {
		if !slices.Contains(agreed, match.ID) {
			return nil, fmt.Errorf("nobody has agreed to %s yet", match.ID)
		}
		names = append(names, match.ID)
	}
	return names, nil
}

func isNotice(file string) bool {
	return strings.HasPrefix(strings.ToLower(filepath.Base(file)), "notice")
}
