// Package tokencmd is the command that manages the API tokens of a running
// server, through the server's own API.
package tokencmd

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

const help = "Manages the API tokens of a running server.\n\n" +
	"The environment gives the credential, which has to be an admin's: GATEHOUSE_TOKEN, else PUSHGATEWAY_AUTH_USER and PUSHGATEWAY_AUTH_PASS; " +
	"or each with _FILE behind its name gives the file that holds it. Without any the server decides whether it lets this machine in."

const defaultServer = "http://localhost:9091"

// command is what the command line asks for.
type command struct {
	server, caFile        string
	name                  string // or the ID, of a token that there is
	role, limit, lifetime string
	overlap               string
	asJSON                bool

	out, messages io.Writer
}

// Run does what the arguments ask for, of which the first one is "token", and
// returns the exit code. Secrets, and nothing else that was not asked for, go to
// out. Of the environment it reads what help names.
func Run(ctx context.Context, args []string, getenv func(string) string, out, messages io.Writer) int {
	c := &command{out: out, messages: messages}
	answered := false
	k := kingpin.New("gatehouse", "Takes metrics that jobs push and shows them to Prometheus.")
	k.UsageWriter(out).ErrorWriter(messages).Terminate(func(int) { answered = true })
	k.HelpFlag.Short('h')
	c.define(k)
	chosen, err := k.Parse(args)
	if answered {
		return 0
	}
	if err != nil {
		err = fmt.Errorf("%w; gatehouse token --help tells more", err)
	} else {
		err = c.run(ctx, chosen, getenv)
	}
	if err != nil {
		fmt.Fprintln(messages, "gatehouse:", printable(err.Error()))
		return 1
	}
	return 0
}

// define tells kingpin the commands.
func (c *command) define(k *kingpin.Application) {
	token := k.Command("token", help)
	token.Flag("server", "Address of the server, with its path prefix if it has one. Default: GATEHOUSE_SERVER, else "+defaultServer+".").StringVar(&c.server)
	token.Flag("ca-file", "PEM file with the authorities to trust for the server. Default: the system's.").StringVar(&c.caFile)

	create := token.Command("create", "Make a token. Only its secret is written to the standard output.")
	create.Arg("name", "Who will use it. No other token has the name.").Required().StringVar(&c.name)
	create.Flag("role", "What it may do: reader, pusher or admin.").Required().EnumVar(&c.role, "reader", "pusher", "admin")
	create.Flag("limit", `Selector of the groupings that it is limited to, such as '{job="backup"}'.`).StringVar(&c.limit)
	create.Flag("expires", "When it expires, counted from now, such as 90d. Default: never.").StringVar(&c.lifetime)

	list := token.Command("list", "List all tokens.")
	list.Flag("json", "As JSON.").BoolVar(&c.asJSON)

	rotate := token.Command("rotate", "Give a token a new secret. Only that is written to the standard output.")
	rotate.Arg("token", "Its name or ID.").Required().StringVar(&c.name)
	rotate.Flag("overlap", "How long the old secret stays good.").Default("24h").StringVar(&c.overlap)

	revoke := token.Command("revoke", "End a token for good, at once.")
	revoke.Arg("token", "Its name or ID.").Required().StringVar(&c.name)
}

func (c *command) run(ctx context.Context, chosen string, getenv func(string) string) error {
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
	}
	return c.list(ctx, s)
}

func (c *command) create(ctx context.Context, s *server) error {
	var made madeToken
	err := s.do(ctx, "POST", "", map[string]string{"name": c.name, "role": c.role, "limit": c.limit, "expires_in": c.lifetime}, &made)
	if err != nil {
		return err
	}
	return c.show("Made", made)
}

func (c *command) rotate(ctx context.Context, s *server) error {
	t, err := s.find(ctx, c.name)
	if err != nil {
		return err
	}
	var made madeToken
	if err := s.do(ctx, "POST", t.path()+"/rotate", map[string]string{"overlap": c.overlap}, &made); err != nil {
		return err
	}
	return c.show("Rotated", made)
}

// show hands over a secret.
func (c *command) show(done string, made madeToken) error {
	if made.Secret == "" {
		return errAnswer
	}
	fmt.Fprintf(c.messages, "%s the token %s. Its secret is not shown again.\n", done, made.Token)
	_, err := fmt.Fprintln(c.out, printable(made.Secret))
	return err
}

func (c *command) revoke(ctx context.Context, s *server) error {
	t, err := s.find(ctx, c.name)
	if err != nil {
		return err
	}
	if err := s.do(ctx, "DELETE", t.path(), nil, &struct{}{}); err != nil {
		return err
	}
	fmt.Fprintf(c.messages, "Revoked the token %s.\n", t)
	return nil
}

func (c *command) list(ctx context.Context, s *server) error {
	var all struct {
		Tokens []json.RawMessage `json:"tokens"`
	}
	if err := s.do(ctx, "GET", "", nil, &all); err != nil {
		return err
	}
	if c.asJSON {
		text, err := json.MarshalIndent(all.Tokens, "", "  ")
		if err != nil {
			return errAnswer
		}
		_, err = fmt.Fprintln(c.out, string(text))
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tID\tROLE\tLIMITED TO\tLAST USED\tEXPIRES")
	for _, raw := range all.Tokens {
		var t token
		if err := json.Unmarshal(raw, &t); err != nil {
			return errAnswer
		}
		for _, cell := range []string{t.Name, t.ID, t.Role, cmp.Or(t.Limit, "-"), moment(t.LastUsed)} {
			fmt.Fprint(table, printable(cell), "\t")
		}
		fmt.Fprintln(table, t.expiry())
	}
	return table.Flush()
}

func moment(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return at.UTC().Format("2006-01-02 15:04 UTC")
}
