package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

const tokenHelp = "Manages the API tokens of a running server.\n\n" + credentialHelp

// defineToken defines the commands about tokens.
func (c *remote) defineToken(k *kingpin.Application) {
	token := k.Command("token", tokenHelp)
	c.defineServer(token)
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

func (c *remote) create(ctx context.Context, s *server) error {
	var made madeToken
	err := s.do(ctx, "POST", tokensPath, map[string]string{"name": c.name, "role": c.role, "limit": c.limit, "expires_in": c.lifetime}, &made)
	if err != nil {
		return err
	}
	return c.show("Created", made)
}

func (c *remote) rotate(ctx context.Context, s *server) error {
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
func (c *remote) show(done string, made madeToken) error {
	if made.Secret == "" {
		return errAnswer
	}
	fmt.Fprintf(c.messages, "%s the token %s. Its secret is not shown again.\n", done, made.Token)
	_, err := fmt.Fprintln(c.out, printable(made.Secret))
	return err
}

func (c *remote) revoke(ctx context.Context, s *server) error {
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

func (c *remote) list(ctx context.Context, s *server) error {
	var all struct {
		Tokens []json.RawMessage `json:"tokens"`
	}
	if err := s.do(ctx, "GET", tokensPath, nil, &all); err != nil {
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
