// Package app is the program as a value: its options, how its parts are put
// together, and how it starts and stops.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/app/config"
	"gatehouse/app/webconfig"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer"
	"gatehouse/handlers/telemetry"
	"gatehouse/store"
)

// startGrace is how long a start may go on after the end was asked for.
const startGrace = time.Second

// watchInterval is the interval at which the web configuration is checked for
// changes.
const watchInterval = time.Second

// App is one server. Several can run in one process, on stores and addresses
// of their own.
type App struct {
	options config.Options
	log     *slog.Logger

	metrics   *telemetry.Metrics
	web       *webconfig.File
	passwords *credential.Passwords
	issuers   []*issuer.Issuer // of bearer tokens and of people
	journal   store.Journal
	store     *store.Store
	clock     store.Clock
	servers   []*server
	lingering *lingering

	serving  sync.WaitGroup
	unwatch  context.CancelFunc // ends the watch over the web configuration
	failed   chan error         // why a listener ended by itself
	reload   chan struct{}      // asks for a reload
	quit     chan struct{}      // closed by Quit
	quitOnce sync.Once
	ending   chan struct{} // closed by Stop
	stopOnce sync.Once
	stopErr  error
}

// server is one set of routes and the listeners that lead to it.
type server struct {
	listening string // its name in the log
	routes    *fiber.App
	listeners []net.Listener
}

// New makes a server of valid options that does nothing yet.
func New(o config.Options, logger *slog.Logger) *App {
	return &App{
		options:   o,
		log:       logger,
		metrics:   telemetry.NewMetrics(),
		lingering: newLingering(defaultLinger),
		failed:    make(chan error, 1),
		reload:    make(chan struct{}, 1),
		quit:      make(chan struct{}),
		ending:    make(chan struct{}),
	}
}

// Run starts the server and stops it gracefully when ctx ends, when Quit is
// called, or when it can't go on. A nil error means that all went well.
func (a *App) Run(ctx context.Context) error {
	if err := a.startWhile(ctx); err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			a.log.Info("Received signal while starting, shutting down")
			return nil
		}
		return err
	}
	var failure error
	select {
	case <-ctx.Done():
		a.log.Info("Received signal, shutting down")
	case <-a.quit:
		a.log.Info("Received request to quit, shutting down")
	case failure = <-a.failed:
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.options.ShutdownTimeout)
	defer cancel()
	return errors.Join(failure, a.Stop(end))
}

// startWhile starts the server, but for no longer than a moment after ctx has
// ended: reading a store on a slow disk can't be cut short. To leave that where it
// is does the store no more harm than kill -9 does.
func (a *App) startWhile(ctx context.Context) error {
	started := make(chan error, 1)
	go func() { started <- a.Start(ctx) }()
	select {
	case err := <-started:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-started:
		return err
	case <-time.After(startGrace):
		return fmt.Errorf("the start was given up: %w", ctx.Err())
	}
}

// Start binds the listeners, loads the store and begins to serve. Clients that
// connect while the store is being loaded wait. After an error nothing is left
// open. It is called once.
func (a *App) Start(ctx context.Context) error {
	a.log.Info("Starting Gatehouse", "version", config.ShortVersion())
	for _, note := range a.options.Notes {
		a.log.Warn(note)
	}
	err := a.open(ctx)
	if err != nil {
		a.closeListeners()
		return errors.Join(err, a.closeStore())
	}
	for _, s := range a.servers {
		s.routes.Handler() // builds the routes, before several listeners need them
		for _, l := range s.listeners {
			a.serving.Go(func() { a.serve(s, l) })
			a.log.Info(s.listening, "address", l.Addr().String(), "prefix", a.options.RoutePrefix, "tls", a.web.TLS())
		}
	}
	watch, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	a.unwatch = unwatch
	a.serving.Go(func() { a.web.Watch(watch, watchInterval, func() { a.passwords.SetUsers(a.web.Users()) }) })
	a.serving.Go(func() { a.reloadOnDemand(watch) })
	return nil
}

// bind opens the listeners, so that what is in their way is known before the
// store is loaded.
func (a *App) bind() error {
	bound, err := bind(a.options)
	if err != nil {
		return err
	}
	a.servers = []*server{{listening: "Listening", listeners: a.prepared(bound)}}
	if len(a.options.ScrapeListenAddresses) == 0 {
		return nil
	}
	if bound, err = bindAll(a.options.ScrapeListenAddresses, a.options.Sockets); err != nil {
		return err
	}
	a.servers = append(a.servers, &server{listening: "Listening for scrapes", listeners: a.prepared(bound)})
	return nil
}

// prepared makes listeners see their last answers delivered, speak TLS where that
// is configured, and look at the heads of requests.
func (a *App) prepared(bound []net.Listener) []net.Listener {
	for i, l := range bound {
		bound[i] = headListener{a.web.Listen(newLingerListener(l, a.lingering))}
	}
	return bound
}

// serve answers what comes to l until l is closed.
func (a *App) serve(s *server, l net.Listener) {
	err := s.routes.Server().Serve(l)
	if err == nil {
		return
	}
	select {
	case a.failed <- fmt.Errorf("cannot go on listening on %s: %w", l.Addr(), err):
	default:
	}
}

// Addr is the address of the first listener, after Start.
func (a *App) Addr() string { return a.servers[0].listeners[0].Addr().String() }

// ScrapeAddr is the address of the first listener for scrapes only, after
// Start; "" without one.
func (a *App) ScrapeAddr() string {
	if len(a.servers) < 2 {
		return ""
	}
	return a.servers[1].listeners[0].Addr().String()
}

// UseClock gives the store another clock than the machine's. It is called at
// most once, before Start.
func (a *App) UseClock(c store.Clock) { a.clock = c }

// WatchLog adds the lines that l lost to the server's own metrics. It is called
// at most once, before Start.
func (a *App) WatchLog(l *Log) { a.metrics.WatchLog(l.Lost) }

// Reload asks for the web configuration to be loaded again. It returns at once
// and may be called at any time: before the server serves, that waits until then.
func (a *App) Reload() {
	select {
	case a.reload <- struct{}{}:
	default: // has been asked for
	}
}

// reloadOnDemand looks at the web configuration when asked to, until ctx ends. Its
// Watch takes over what changed.
func (a *App) reloadOnDemand(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.reload:
		}
		if a.options.WebConfigFile == "" {
			a.log.Info("Nothing to reload: there is no --web.config.file, and all else is read at the start only")
			continue
		}
		if err := a.web.Reload(); err != nil {
			a.log.Error("Asked to reload the web configuration, which is still not good", "err", err)
			continue
		}
		a.log.Info("The web configuration is up to date", "file", a.options.WebConfigFile)
	}
}

// Quit asks Run to end. It returns at once and may be called twice.
func (a *App) Quit() {
	a.quitOnce.Do(func() { close(a.quit) })
}

// Stop stops accepting, finishes what is in flight, and closes the store. At
// the end of ctx what is still in flight is cut off. Later calls answer as the
// first one.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() { a.stopErr = a.stop(ctx) })
	return a.stopErr
}

func (a *App) stop(ctx context.Context) error {
	a.log.Info("Stopping")
	close(a.ending)
	a.closeListeners()
	if a.unwatch != nil {
		a.unwatch()
	}
	for _, i := range a.issuers {
		i.Close()
	}
	for _, s := range a.servers {
		if s.routes == nil {
			continue
		}
		if err := s.routes.ShutdownWithContext(ctx); err != nil {
			a.log.Warn("Not everything in flight could be finished", "err", err)
		}
	}
	a.lingering.wait(ctx)
	a.serving.Wait()
	err := a.closeStore()
	a.log.Info("Stopped")
	return err
}

func (a *App) closeListeners() {
	for _, s := range a.servers {
		closeAll(s.listeners)
	}
}
