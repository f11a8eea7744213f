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
	"gatehouse/app/command"
	"gatehouse/app/config"
)

func main() { os.Exit(run()) }

// run answers the exit code.
func run() int {
	args := os.Args[1:]
	if code, ok := runCommand(args); ok {
		return code
	}
	// A hangup reloads, at whatever moment it comes.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	options, err := config.Parse(args, os.Stdout)
	if errors.Is(err, config.ErrAnswered) {
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
	ctx, stop := untilASignal()
	defer stop()
	if err := server.Run(ctx); err != nil {
		log.Error("Exiting", "err", err)
		return 1
	}
	return 0
}

// runCommand runs the command that the arguments begin with, if they do.
func runCommand(args []string) (code int, ok bool) {
	ctx, stop := untilASignal()
	defer stop()
	return command.Run(ctx, args, os.Stdout, os.Stderr)
}

// untilASignal returns a context that ends with the first signal that asks for the
// end. The second one ends the program at once, as does one that comes while nobody
// has such a context.
func untilASignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
