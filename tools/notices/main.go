// Command notices writes NOTICE and THIRD-PARTY-LICENSES: what has to go along
// with the program for the sake of the code of others that it is made of. It
// reads the modules that are compiled into the program for the platforms of a
// release, and the Node packages whose files are served.
//
// It fails on a licence that nobody has agreed to yet.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run() error {
	components, err := gather()
	if err != nil {
		return err
	}
	if err := name(components); err != nil {
		return err
	}
	for file, text := range map[string]func([]*component) ([]byte, error){"NOTICE": notice, "THIRD-PARTY-LICENSES": licences} {
		b, err := text(components)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
