// Command shape measures how the code of a checkout is built: sizes, arrows
// between files, methods, repetition, and how many functions a request enters.
//
//	go tool task shape -- [-dir CHECKOUT] [-trace]
//
// It counts hand-written code that is compiled into the program. Before and after a
// restructuring it can be run on both checkouts by the same build of this command.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
)

func main() {
	dir := flag.String("dir", ".", "the checkout to measure")
	traced := flag.Bool("trace", false, "also build the program with traces and count the functions that requests enter")
	list := flag.Bool("functions", false, "list the functions that each traced request enters")
	record := flag.String("record", `(?i)activity`, "what the identifiers and strings of one kind of record match, in the packages of the store")
	setting := flag.String("setting", `(?i)series-?per-?push`, "what the identifiers and strings of one setting match")
	flag.Parse()
	if err := run(*dir, *record, *setting, *traced, *list); err != nil {
		fmt.Fprintln(os.Stderr, "shape:", err)
		os.Exit(1)
	}
}

func run(dir, record, setting string, traced, list bool) error {
	ofRecord, err := regexp.Compile(record)
	if err != nil {
		return fmt.Errorf("-record: %w", err)
	}
	ofSetting, err := regexp.Compile(setting)
	if err != nil {
		return fmt.Errorf("-setting: %w", err)
	}
	p, err := load(dir)
	if err != nil {
		return err
	}
	w := os.Stdout
	p.functions(w)
	p.folders(w)
	p.arrows(w)
	p.types(w)
	p.duplicates(w)
	if err := p.modules(w); err != nil {
		return err
	}
	p.places(w, "record kind "+record, ofRecord, "/store")
	p.places(w, "setting "+setting, ofSetting, "")
	if !traced {
		return nil
	}
	return p.stays(w, list)
}
