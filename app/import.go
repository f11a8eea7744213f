package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/prometheus/common/model"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/upstream"
)

// importPersisted brings a Pushgateway's persistence file into the store, but only
// if that never held a change: the file is older than whatever was pushed here.
// What does not pass our checks is logged and left out; the file itself is never
// touched.
func (a *App) importPersisted(ctx context.Context) error {
	path := a.options.PersistenceFile
	state, err := a.store.ImportState(ctx)
	switch {
	case err != nil:
		return err
	case path == "":
		return a.giveUpImport(ctx, state)
	case !state.Due:
		a.compareImport(path, state)
		return nil
	}
	groupings, sum, err := readPersisted(path)
	if errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("There is no persistence file to import", "path", path)
		return a.giveUpImport(ctx, state)
	}
	if err != nil {
		return fmt.Errorf("cannot import; start without --persistence.file to begin without what it holds: %w", err)
	}
	if err := a.store.BeginImport(ctx); err != nil {
		return fmt.Errorf("cannot import --persistence.file: %w", err)
	}
	imported, err := a.importAll(ctx, groupings)
	if err != nil {
		return fmt.Errorf("cannot import --persistence.file: %w", err)
	}
	a.log.Info("Imported the persistence file", "path", path, "groupings", imported, "refused", len(groupings)-imported)
	return a.store.EndImport(ctx, sum)
}

// readPersisted returns the groupings of a file and what names its content.
func readPersisted(path string) ([]upstream.Grouping, string, error) {
	sum, err := upstream.Sum(path)
	if err != nil {
		return nil, "", err
	}
	groupings, err := upstream.Read(path)
	return groupings, sum, err
}

// giveUpImport sees to it that an import that was cut short does not go on once
// the store has been served.
func (a *App) giveUpImport(ctx context.Context, state store.ImportState) error {
	if !state.Begun {
		return nil
	}
	a.log.Warn("The import of a persistence file that was cut short is given up")
	err := a.store.EndImport(ctx, "")
	if errors.Is(err, store.ErrUnavailable) {
		return nil // nothing can be pushed either
	}
	return err
}

// compareImport tells what a file has that the store, which is in use already,
// lacks. A file that was imported tells nothing new.
func (a *App) compareImport(path string, state store.ImportState) {
	sum, err := upstream.Sum(path)
	if err == nil && sum == state.File {
		a.log.Info("The persistence file was imported earlier", "path", path)
		return
	}
	var groupings []upstream.Grouping
	if err == nil {
		groupings, err = upstream.Read(path)
	}
	switch n := a.countMissing(groupings); {
	case errors.Is(err, fs.ErrNotExist) && state.Done:
	case errors.Is(err, fs.ErrNotExist):
		a.log.Warn("There is no persistence file to import", "path", path)
	case err != nil:
		a.log.Warn("The persistence file cannot be compared with the store, which has been in use before", "err", err)
	case n > 0:
		a.log.Warn("The persistence file is not imported, as the store has been in use before: "+notHeld(n), "path", path)
	default:
		a.log.Info("All groupings of the persistence file are held already", "path", path)
	}
}

func notHeld(n int) string {
	if n == 1 {
		return "1 grouping of the file is not held"
	}
	return fmt.Sprintf("%d groupings of the file are not held", n)
}

// countMissing is how many groupings are not held, once each. What has no valid
// key is one.
func (a *App) countMissing(groupings []upstream.Grouping) int {
	n, seen := 0, map[string]bool{}
	for _, g := range groupings {
		key, err := a.key(g)
		if err != nil {
			n++
			continue
		}
		if _, held := a.store.Picture().Group(key); !held && !seen[key.ID()] {
			seen[key.ID()] = true
			n++
		}
	}
	return n
}

// importAll answers how many groupings were valid. An error says that the
// store failed.
func (a *App) importAll(ctx context.Context, groupings []upstream.Grouping) (imported int, err error) {
	var from []upstream.Grouping
	arrivals := func(yield func(store.Arrival) bool) {
		for key, g := range a.keyed(groupings) {
			from = append(from, g)
			if !yield(store.Arrival{Key: key, Families: a.convert(key, g), Pushed: g.Pushed, Failed: g.Failed}) {
				return
			}
		}
	}
	left, err := a.store.Import(ctx, arrivals, "", store.Origin{})
	if err != nil {
		return 0, err
	}
	for i, err := range left {
		switch {
		case err == nil, errors.Is(err, store.ErrHeld): // by an import that was cut short
			imported++
		default:
			a.leaveOut(from[i], err)
		}
	}
	return imported, nil
}

// keyed tells the groupings that have a valid key, in their order. A
// Pushgateway holds a label with an empty value and no such label apart; of
// groupings that are one to us it tells the one that was pushed last.
func (a *App) keyed(groupings []upstream.Grouping) iter.Seq2[store.GroupingKey, upstream.Grouping] {
	keys := make([]store.GroupingKey, len(groupings))
	newest := make(map[string]int)
	for i, g := range groupings {
		key, err := a.key(g)
		if err != nil {
			a.leaveOut(g, err)
			continue
		}
		keys[i] = key
		other, twice := newest[key.ID()]
		switch {
		case !twice:
			newest[key.ID()] = i
		case g.Pushed.After(groupings[other].Pushed):
			a.leaveOut(groupings[other], errTwice)
			newest[key.ID()] = i
		default:
			a.leaveOut(g, errTwice)
		}
	}
	return func(yield func(store.GroupingKey, upstream.Grouping) bool) {
		for i, g := range groupings {
			if at, ok := newest[keys[i].ID()]; ok && at == i && !yield(keys[i], g) {
				return
			}
		}
	}
}

// key is a grouping's key by the rules of paths.
func (a *App) key(g upstream.Grouping) (store.GroupingKey, error) {
	if !a.options.UTF8Names {
		for _, l := range g.Labels {
			if !model.LegacyValidation.IsValidLabelName(l.Name) {
				return store.GroupingKey{}, fmt.Errorf("label name %q is not valid (--push.legacy-names)", l.Name)
			}
		}
	}
	return store.NewGroupingKey(g.Labels)
}

var errTwice = errors.New("another one, which differs only in labels without a value, was pushed later")

func (a *App) leaveOut(g upstream.Grouping, err error) {
	a.log.Warn("Left a grouping out of the import", "labels", fmt.Sprint(g.Labels), "err", err)
}

// convert takes over the families that are valid.
func (a *App) convert(key store.GroupingKey, g upstream.Grouping) []exposition.Family {
	o := exposition.Options{Grouping: key.Labels(), UTF8Names: a.options.UTF8Names}
	families := make([]exposition.Family, 0, len(g.Families))
	for _, mf := range g.Families {
		f, err := exposition.FromDTO(mf, o)
		if err != nil {
			a.log.Warn("Left a metric family out of the import", "grouping", key.String(), "family", mf.GetName(), "err", err)
			continue
		}
		families = append(families, f)
	}
	return families
}
