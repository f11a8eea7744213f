// Package command holds the commands beside serving: they ask for a server's
// health, and manage a running one through its API.
package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

// Run runs the command that the arguments begin with, and returns the exit
// code. It is not ok if they begin with none: then the server is meant.
func Run(ctx context.Context, args []string, out, messages io.Writer) (code int, ok bool) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return 0, false
	}
	switch args[0] {
	case "health":
		return checkHealth(ctx, args[1:], out, messages), true
	case "token", "import":
		return runRemote(ctx, args, os.Getenv, out, messages), true
	}
	fmt.Fprintf(messages, "gatehouse: there is no command %q: it is health, import or token, or none to start the server; see --help\n", args[0])
	return 1, true
}
