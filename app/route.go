package app

import (
	"time"

	"gatehouse/app/config"
	"gatehouse/handlers"
	"gatehouse/handlers/telemetry"
)

// route makes the routes of all servers on the one store.
func (a *App) route() error {
	guards, err := a.guards()
	if err != nil {
		return err
	}
	c := a.handlerConfig()
	c.Guard = guards.all
	if a.servers[0].routes, err = handlers.New(c); err != nil {
		return err
	}
	if len(a.servers) > 1 {
		c.Guard = guards.scrapes
		a.servers[1].routes, err = handlers.NewScrape(c)
	}
	return err
}

func (a *App) handlerConfig() handlers.Config {
	o := a.options
	return handlers.Config{
		Settings:        o.Settings,
		Admin:           o.Admin,
		Ages:            o.Ages,
		Timeouts:        o.Timeouts,
		Debug:           o.Debug,
		Base:            o.Base,
		ScrapeListener:  o.ScrapeListener,
		Store:           a.store,
		Metrics:         a.metrics,
		Logger:          a.log,
		Scrapers:        telemetry.NewScrapers(),
		Limits:          o.Store.Limits,
		Undo:            o.Store.Undo,
		Headers:         a.web.Headers,
		SessionIdle:     o.Auth.SessionIdle,
		Retention:       o.Store.Retention,
		Addresses:       a.addresses(),
		ScrapeAddresses: texts(o.ScrapeListenAddresses),
		TLS:             a.web.TLS(),
		Flags:           o.Flags,
		Started:         time.Now(),
		Build:           build(),
		Quit:            a.Quit,
		Import:          a.importFile,
		Ending:          a.ending,
	}
}

// addresses are those that are listened on for everything, as configured.
func (a *App) addresses() []string {
	if a.options.SystemdSocket {
		return []string{"sockets of systemd"}
	}
	return texts(a.options.ListenAddresses)
}

// texts returns addresses as they were configured.
func texts(addresses []config.Address) []string {
	var texts []string
	for _, a := range addresses {
		texts = append(texts, a.String())
	}
	return texts
}
