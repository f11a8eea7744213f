package command

import (
	"context"
	"fmt"
	"io"

	"github.com/alecthomas/kingpin/v2"
)

const credentialHelp = "The environment gives the credential, which has to be an admin's: GATEHOUSE_TOKEN, else PUSHGATEWAY_AUTH_USER and PUSHGATEWAY_AUTH_PASS; " +
	"or each with _FILE behind its name gives the file that holds it. Without any the server decides whether it lets this machine in."

const defaultServer = "http://localhost:9091"

// remote sends the command line's requests to a running server.
type remote struct {
	server, caFile        string
	name                  string // or the ID, of a token that there is
	role, limit, lifetime string
	overlap               string
	asJSON                bool
	file                  string
	dryRun                bool

	out, messages io.Writer
}

// runRemote does what the arguments ask for, of which the first one is "token" or
// "import", and returns the exit code. Secrets, and nothing else that was not asked
// for, go to out. Of the environment it reads what the help names.
func runRemote(ctx context.Context, args []string, getenv func(string) string, out, messages io.Writer) int {
	c := &remote{out: out, messages: messages}
	answered := false
	k := kingpin.New("gatehouse", "Takes metrics that jobs push and shows them to Prometheus.")
	k.UsageWriter(out).ErrorWriter(messages).Terminate(func(int) { answered = true })
	k.HelpFlag.Short('h')
	c.defineToken(k)
	c.defineImport(k)
	chosen, err := k.Parse(args)
	if answered {
		return 0
	}
	if err != nil {
		err = fmt.Errorf("%w; see gatehouse %s --help", err, args[0])
	} else {
		err = c.run(ctx, chosen, getenv)
	}
	if err != nil {
		fmt.Fprintln(messages, "gatehouse:", printable(err.Error()))
		return 1
	}
	return 0
}

// defineServer defines the flags that say which server is meant.
func (c *remote) defineServer(of *kingpin.CmdClause) {
	of.Flag("server", "Address of the server, with its path prefix if it has one. Default: GATEHOUSE_SERVER, else "+defaultServer+".").StringVar(&c.server)
	of.Flag("ca-file", "PEM file with the authorities to trust for the server. Default: the system's.").StringVar(&c.caFile)
}

func (c *remote) run(ctx context.Context, chosen string, getenv func(string) string) error {
	s, err := c.connect(getenv)
	if err != nil {
		return err
	}
	switch chosen {
	case "token create":
		return c.create(ctx, s)
	case "token rotate":
		return c.rotate(ctx, s)
	case "token revoke":
		return c.revoke(ctx, s)
	case "import":
		return c.importFile(ctx, s)
	}
	return c.list(ctx, s)
}
