package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

const rule = "\n--------------------------------------------------------------------------------\n"

// notice returns Gatehouse's NOTICE, with those of its components.
func notice(components []*component) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("Gatehouse\n\nIt contains the software that THIRD-PARTY-LICENSES lists, with these notices:\n")
	err := eachText(components, true, func(owners []*component, text string) {
		fmt.Fprintf(&b, "%s%s\n\n%s\n", rule, names(owners), text)
	})
	return b.Bytes(), err
}

// licences returns the list of all components and the texts of their licences,
// each once.
func licences(components []*component) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("Gatehouse contains this software. The texts of the licences follow the list; the\nsource of every version is published under the name that stands here.\n\n")
	for _, c := range components {
		fmt.Fprintf(&b, "%s: %s\n", strings.TrimSpace(c.name+" "+c.version), c.licence)
	}
	err := eachText(components, false, func(owners []*component, text string) {
		fmt.Fprintf(&b, "%s%s\n\n%s\n", rule, names(owners), text)
	})
	return b.Bytes(), err
}

// eachText calls f with each different text, of the notices or of the licences,
// and the components that it belongs to.
func eachText(components []*component, notices bool, f func(owners []*component, text string)) error {
	var texts []string
	owners := map[string][]*component{}
	for _, c := range components {
		for _, file := range c.files {
			if isNotice(file) != notices {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			text := strings.Trim(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
			if owners[text] == nil {
				texts = append(texts, text)
			}
			owners[text] = append(owners[text], c)
		}
	}
	for _, text := range texts {
		f(owners[text], text)
	}
	return nil
}

func names(owners []*component) string {
	var b strings.Builder
	for i, c := range owners {
		if i > 0 && owners[i-1] == c {
			continue
		}
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(c.name)
	}
	return b.String()
}
