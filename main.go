// Gatehouse takes metrics that jobs push and shows them to Prometheus.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"gatehouse/app"
)

func main() { os.Exit(run()) }

// run answers the exit code.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the second one ends the program at once.
	context.AfterFunc(ctx, stop)
	if code, ok := app.Command(ctx, os.Args[1:], os.Stdout, os.Stderr); ok {
		return code
	}
	// A hangup reloads, at whatever moment it comes.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	options, err := app.Parse(os.Args[1:], os.Stdout)
	if errors.Is(err, app.ErrAnswered) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatehouse:", err)
		return 1
	}
	app.TuneMemory()
	app.KeepFilesPrivate()
	// Without its reader the log loses lines. It must not take the server with it.
	signal.Ignore(syscall.SIGPIPE)
	log, err := app.OpenLog(options, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatehouse:", err)
		return 1
	}
	defer log.Close()
	server := app.New(options, log.Logger)
	server.WatchLog(log)
	go func() {
		for range hangups {
			server.Reload()
		}
	}()
	if err := server.Run(ctx); err != nil {
		log.Error("Gatehouse ended", "err", err)
		return 1
	}
	return 0
}
