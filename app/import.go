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

// importPersisted brings a Pushgateway's persistence file into the store, once
// in the store's life. What does not pass our checks is logged and left out;
// the file itself is never touched.
func (a *App) importPersisted(ctx context.Context) error {
	path := a.options.PersistenceFile
	if path == "" {
		return nil
	}
	due, err := a.store.BeginImport(ctx)
	if err != nil || !due {
		return err
	}
	groupings, err := upstream.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("There is no persistence file to import", "path", path)
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot import; start without --persistence.file to begin without what it holds: %w", err)
	}
	imported, err := a.importAll(ctx, groupings)
	if err != nil {
		return fmt.Errorf("cannot import --persistence.file: %w", err)
	}
	a.log.Info("Imported the persistence file", "path", path, "groupings", imported, "refused", len(groupings)-imported)
	return a.store.EndImport(ctx)
}

// importAll answers how many groupings were valid. An error says that the
// store failed.
func (a *App) importAll(ctx context.Context, groupings []upstream.Grouping) (imported int, err error) {
	for key, g := range a.keyed(groupings) {
		err := a.store.Import(ctx, key, a.convert(key, g), g.Pushed, g.Failed)
		switch {
		case refused(err):
			a.leaveOut(g, err)
		case err != nil:
			return imported, err
		default:
			imported++
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

// refused tells that the store works but would not take a grouping.
func refused(err error) bool {
	var refusal *store.Refusal
	var limit *store.LimitError
	return errors.As(err, &refusal) || errors.As(err, &limit)
}
