package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// groupings is the number of groupings in the list while it is traced.
const groupings = 37

// rounds is the number of traces of each request. What happens beside it, a
// timer for example, only adds: the shortest trace counts.
const rounds = 5

// stays builds the program so that it writes down each function of its own that it
// enters, and writes what requests enter: functions, files, and how often the way
// goes on in another file or comes back to one, in the order in which the functions
// are entered first.
func (p *project) stays(w io.Writer, list bool) error {
	dir, err := os.MkdirTemp("", "shape-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "program")
	if err := p.traced(filepath.Join(dir, "source"), program); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s, err := start(ctx, program, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	for i := range groupings {
		if _, err := s.trace(ctx, push(i)); err != nil {
			return err
		}
	}
	for _, r := range requests {
		way, err := s.shortest(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		functions, files, moves := walk(way)
		fmt.Fprintf(w, "stays of %s: %d functions in %d files, %d moves between files of which %d come back\n",
			r.name, len(functions), files, moves, max(0, moves-files))
		if list {
			for _, f := range functions {
				fmt.Fprintln(w, "  "+f)
			}
		}
	}
	return nil
}

// shortest traces a request some times and returns the shortest way.
func (s *server) shortest(ctx context.Context, r request) (way []string, err error) {
	for i := range rounds {
		one, err := s.trace(ctx, r)
		if err != nil {
			return nil, err
		}
		// The first ones fill caches.
		if i > 0 && (way == nil || len(one) < len(way)) {
			way = one
		}
	}
	return way, nil
}

// walk returns the functions of a way, each where it is entered first, how many
// files they are in, and how often one of them is in another file than the one
// before, the first one included.
func walk(way []string) (functions []string, files, moves int) {
	seen, rooms := map[string]bool{}, map[string]bool{}
	last := ""
	for _, entered := range way {
		if seen[entered] {
			continue
		}
		seen[entered] = true
		functions = append(functions, entered)
		room, _, _ := strings.Cut(entered, " ")
		rooms[room] = true
		if room != last {
			moves++
		}
		last = room
	}
	return functions, len(rooms), moves
}
