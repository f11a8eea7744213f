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
	options, err := app.Parse(os.Args[1:], os.Stdout)
	if errors.Is(err, app.ErrAnswered) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatehouse:", err)
		return 1
	}
	app.TuneMemory()
	logger, err := app.NewLogger(options, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatehouse:", err)
		return 1
	}
	if err := app.New(options, logger).Run(ctx); err != nil {
		logger.Error("Gatehouse ended", "err", err)
		return 1
	}
	return 0
}
