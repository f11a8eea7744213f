// Command bench measures Gatehouse.
//
//	go run ./bench [compare] [flags]   against Debian's prometheus-pushgateway, in one run
//	go run ./bench load [flags]        drive any server with pushes and scrapes
//
// Compare starts both servers itself, on loopback and in temporary
// directories, and prints a table of figures and their ratios. Load prints one
// JSON document with throughput and latency.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errUsage marks mistakes in the arguments.
var errUsage = errors.New("bad usage")

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	command := "compare"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	switch command {
	case "compare":
		o, err := parseCompareFlags(args, progress)
		if err != nil {
			return err
		}
		return compare(ctx, o, out, progress)
	case "load":
		return load(ctx, args, out, progress)
	}
	return fmt.Errorf("%w: unknown command %q, want compare or load", errUsage, command)
}

// parse reads args and reports mistakes as errUsage; it has then written them,
// and the flags, to the flag set's output.
func parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%w: unexpected argument %q", errUsage, fs.Arg(0))
	}
	return nil
}
