package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/app/webconfig"
	"gatehouse/store"
	"gatehouse/store/pebble"
)

func (a *App) open(ctx context.Context) error {
	var err error
	if a.web, err = webconfig.OpenNamed(a.options.WebConfigFile, a.log); err != nil {
		return err
	}
	if err := a.bind(); err != nil {
		return err
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	if err := a.importPersisted(ctx); err != nil {
		return err
	}
	return a.route()
}

func (a *App) openStore(ctx context.Context) error {
	started, o := time.Now(), a.options
	path, err := a.storePlace()
	if err != nil {
		return fmt.Errorf("cannot open the store: %w", err)
	}
	if path != o.Disk.Path {
		a.log.Info("The store is below --storage.path, beside the persistence file", "path", path)
	}
	o.Disk.Path, o.Disk.Logger = path, a.log
	journal, err := pebble.Open(o.Disk)
	if err != nil {
		return fmt.Errorf("cannot open the store: %w", err)
	}
	a.journal = journal
	own, err := a.metrics.Own()
	if err != nil {
		return fmt.Errorf("cannot gather the server's own metrics: %w", err)
	}
	rules := o.Store
	rules.SessionIdle = o.Auth.SessionIdle
	rules.Own, rules.Logger, rules.Clock = own, a.log, a.clock
	rules.Observe, rules.Recorded = a.metrics.Commit, a.recorded
	if a.store, err = store.Open(ctx, journal, rules); err != nil {
		return fmt.Errorf("cannot load the store: %w", err)
	}
	a.metrics.Watch(a.store)
	stats := a.store.Snapshot().Stats()
	a.log.Info("Loaded the store", "path", path,
		"groupings", stats.Groupings, "series", stats.Series, "took", time.Since(started).Round(time.Millisecond))
	return nil
}

func (a *App) closeStore() error {
	var errs []error
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.journal != nil {
		errs = append(errs, a.journal.Close())
	}
	return errors.Join(errs...)
}
