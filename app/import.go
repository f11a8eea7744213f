package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
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

// compareImport reports what a file has that the store, which is in use
// already, lacks. A file that was imported has nothing new.
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
		a.log.Warn("The persistence file is not imported, as the store has been in use before: "+notHeld(n)+"; bring them in with gatehouse import", "path", path)
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

// countMissing returns how many groupings are not held, once each. Those
// without a valid key count as one.
func (a *App) countMissing(groupings []upstream.Grouping) int {
	n, seen := 0, map[string]bool{}
	for _, g := range groupings {
		key, err := a.key(g)
		if err != nil {
			n++
			continue
		}
		if _, held := a.store.Snapshot().Grouping(key); !held && !seen[key.ID()] {
			seen[key.ID()] = true
			n++
		}
	}
	return n
}

// importAll answers how many groupings were valid. An error says that the
// store failed.
func (a *App) importAll(ctx context.Context, groupings []upstream.Grouping) (imported int, err error) {
	answers, err := a.takeIn(groupings, func(arrivals iter.Seq[store.Arrival]) ([]error, error) {
		return a.store.Import(ctx, arrivals, "", store.Origin{})
	})
	for _, g := range answers {
		for _, f := range g.Refused {
			a.log.Warn("Left a metric family out of the import", "grouping", g.Grouping, "family", f.Family, "err", f.Reason)
		}
		switch {
		case g.LeftOut == nil, errors.Is(g.LeftOut, store.ErrHeld): // by an import that was cut short
			imported++
		default:
			a.log.Warn("Left a grouping out of the import", "grouping", g.Grouping, "err", g.LeftOut)
		}
	}
	return imported, err
}

// importFile brings the content of a persistence file into a store that is in use,
// for the API. With dryRun it changes nothing.
func (a *App) importFile(ctx context.Context, content []byte, dryRun bool, o store.Origin) ([]gateway.Arrival, error) {
	groupings, err := upstream.Parse(content)
	if err != nil {
		a.log.Warn("A file that was to be imported cannot be read", "err", err)
		return nil, web.ErrNoImport
	}
	return a.takeIn(groupings, func(arrivals iter.Seq[store.Arrival]) ([]error, error) {
		if dryRun {
			return a.store.TryImport(ctx, arrivals)
		}
		return a.store.Import(ctx, arrivals, "", o)
	})
}

// takeIn has a store take in groupings, and returns what has become of each. After
// an error, which is the store's, that is nothing.
func (a *App) takeIn(groupings []upstream.Grouping, ask func(iter.Seq[store.Arrival]) ([]error, error)) ([]gateway.Arrival, error) {
	answers := make([]gateway.Arrival, len(groupings))
	for i, g := range groupings {
		answers[i].Grouping = selector(g)
	}
	keys := a.keyed(groupings, answers)
	var asked []int
	left, err := ask(func(yield func(store.Arrival) bool) {
		for i, g := range groupings {
			if answers[i].LeftOut != nil {
				continue
			}
			arrival := store.Arrival{Key: keys[i], Pushed: g.Pushed, Failed: g.Failed}
			answers[i].Grouping = keys[i].String()
			if a.convert(g, &arrival, &answers[i]); answers[i].LeftOut != nil {
				continue
			}
			asked = append(asked, i)
			if !yield(arrival) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for at, i := range asked {
		answers[i].LeftOut = left[at]
	}
	return answers, nil
}

// selector shows a grouping whose key may be invalid.
func selector(g upstream.Grouping) string {
	labels := make([]string, len(g.Labels))
	for i, l := range g.Labels {
		labels[i] = shortened(l.Name) + "=" + strconv.Quote(shortened(l.Value))
	}
	return shortened("{" + strings.Join(labels, ",") + "}")
}

// keyed returns the keys of the groupings that have a valid one; of the others it
// notes why they are left out. A Pushgateway holds a label with an empty value and
// no such label apart; of groupings that are one to us the last
// pushed one counts.
func (a *App) keyed(groupings []upstream.Grouping, answers []gateway.Arrival) []store.GroupingKey {
	keys := make([]store.GroupingKey, len(groupings))
	newest := make(map[string]int)
	for i, g := range groupings {
		if keys[i], answers[i].LeftOut = a.key(g); answers[i].LeftOut != nil {
			continue
		}
		id := keys[i].ID()
		other, twice := newest[id]
		switch {
		case !twice:
			newest[id] = i
		case g.Pushed.After(groupings[other].Pushed):
			answers[other].LeftOut = errTwice
			newest[id] = i
		default:
			answers[i].LeftOut = errTwice
		}
	}
	return keys
}

// key is a grouping's key by the rules of paths.
func (a *App) key(g upstream.Grouping) (store.GroupingKey, error) {
	if !a.options.UTF8Names {
		for _, l := range g.Labels {
			if !model.LegacyValidation.IsValidLabelName(l.Name) {
				return store.GroupingKey{}, fmt.Errorf("label name %q is not valid (--push.legacy-names)", shortened(l.Name))
			}
		}
	}
	return store.NewGroupingKey(g.Labels)
}

var errTwice = errors.New("another one, which differs only in labels without a value, was pushed later")

// convert takes over the families that a push might bring, and notes the others.
func (a *App) convert(g upstream.Grouping, arrival *store.Arrival, answer *gateway.Arrival) {
	o := exposition.Options{Grouping: arrival.Key.Labels(), UTF8Names: a.options.UTF8Names}
	arrival.Changed = make(map[string]time.Time, len(g.Families))
	arrival.Families, answer.Refused, answer.LeftOut = acceptable(g.Families, o)
	for _, f := range g.Families {
		arrival.Changed[f.Name] = f.Changed
	}
	answer.Families = len(arrival.Families)
}

// maxRivals bounds how many families of a grouping are left out one by one because
// others of it are against them.
const maxRivals = 20

// acceptable decodes families as one push. What is invalid by itself is left out,
// and then what can't be beside others before it; if that is too much, all is.
func acceptable(families []upstream.Family, o exposition.Options) (decoded []exposition.Family, refused []gateway.RefusedFamily, err error) {
	if decoded, err = decode(families, o); err == nil {
		return decoded, nil, nil
	}
	refuse := func(f upstream.Family, err error) {
		refused = append(refused, gateway.RefusedFamily{Family: shortened(f.Name), Reason: err.Error()})
	}
	var valid []upstream.Family
	for i, f := range families {
		if _, err := decode(families[i:i+1], o); err != nil {
			refuse(f, err)
		} else {
			valid = append(valid, f)
		}
	}
	for range maxRivals {
		if decoded, err = decode(valid, o); err == nil {
			return decoded, refused, nil
		}
		var why error
		first := sort.Search(len(valid), func(i int) bool {
			_, err := decode(valid[:i+1], o)
			if err != nil {
				why = err // at last that of the first
			}
			return err != nil
		})
		if first == len(valid) {
			break
		}
		refuse(valid[first], why)
		valid = slices.Delete(valid, first, first+1)
	}
	return nil, nil, err
}

func decode(families []upstream.Family, o exposition.Options) ([]exposition.Family, error) {
	var body []byte
	for _, f := range families {
		body = protowire.AppendBytes(body, f.Message)
	}
	return exposition.DecodeProtobuf(body, o)
}

// maxTold bounds the bytes of a name or a selector that nothing has checked.
const maxTold = 500

func shortened(s string) string {
	if len(s) <= maxTold {
		return s
	}
	return strings.ToValidUTF8(s[:maxTold], "") + "…"
}
