// Package config reads the configuration of the program: flags, variables of the
// environment and secrets, checked and turned into Options. Each setting is in
// one place, the tags of the field that holds it.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// ErrAnswered says that the command line asked for something that has been
// printed, --help or --version, and that there is nothing to run.
var ErrAnswered = errors.New("answered")

// commandsHelp is for --help, which lists flags only.
const commandsHelp = "Without a command the server starts. gatehouse health, with the same flags and variables, exits with 0 if it is healthy. " +
	"gatehouse token create, list, rotate and revoke manage the API tokens of a server that runs, and gatehouse import FILE brings a Pushgateway's persistence file into one: gatehouse token --help, gatehouse import --help."

// Parse reads the command line, and for flags that are not on it the
// environment: GATEHOUSE_<FLAG>, in capitals with underscores, or the name of
// its own that a flag has; an empty variable counts as unset. Secrets come
// from the environment and from files that it names. Variables that look as if
// they were meant for the server, and are not read, are errors too. --help and
// --version are answered on out with ErrAnswered. Any other error lists all that
// is wrong, ready to be printed. No error holds a secret.
func Parse(args []string, out io.Writer) (Options, error) {
	return configure(args, out, os.Environ())
}

// ParseForCommand is Parse for a command that takes the flags and variables of a
// server. It leaves it to the server to refuse unknown variables.
func ParseForCommand(args []string, out io.Writer) (Options, error) {
	return configure(args, out, nil)
}

// parser makes Options of flags, variables and files. Kingpin would stop at the first
// value that it can't take; parser finds all that is wrong.
type parser struct {
	Options
	settings []*setting       // in the order of the fields
	at       map[any]*setting // by the address of the field
	problems []string         // with what is not a flag or is in a file
}

func newParser() *parser {
	p := new(parser)
	p.settings = settingsOf(&p.Options)
	p.at = make(map[any]*setting, len(p.settings))
	for _, s := range p.settings {
		p.at[s.field.Addr().Interface()] = s
	}
	return p
}

// configure is Parse, which names the unknown variables of an environment only.
func configure(args []string, out io.Writer, environment []string) (Options, error) {
	p := newParser()
	answered := false
	k := kingpin.New("gatehouse", "Takes metrics that jobs push and shows them to Prometheus.\n\n"+commandsHelp+"\n\n"+secretsHelp)
	k.UsageWriter(out).ErrorWriter(out).Terminate(func(int) { answered = true })
	k.Version(Version())
	k.HelpFlag.Short('h')
	p.define(k)
	_, err := k.Parse(args)
	switch {
	case answered:
		return Options{}, ErrAnswered
	case err != nil:
		return Options{}, fmt.Errorf("%w; --help lists all flags", err)
	}
	for _, s := range p.settings {
		s.parse()
	}
	p.readFiles()
	p.problems = append(p.problems, p.unknownVariables(environment)...)
	if err := p.validate(); err != nil {
		return Options{}, err
	}
	p.finish()
	return p.Options, nil
}

// topics is the order of --help: by what stands before the first dot of a flag, and
// then as the fields stand. Flags of other topics come last.
var topics = []string{"web", "auth", "jwt", "oidc", "storage", "persistence", "push", "limits", "targets", "api", "metrics", "delete", "ui", "activity", "env", "log"}

// define adds the flags to the command line.
func (p *parser) define(k *kingpin.Application) {
	topic := func(s *setting) int {
		name, _, _ := strings.Cut(s.name, ".")
		if i := slices.Index(topics, name); i >= 0 {
			return i
		}
		return len(topics)
	}
	byTopic := func(a, b *setting) int { return cmp.Compare(topic(a), topic(b)) }
	for _, s := range slices.SortedStableFunc(slices.Values(p.settings), byTopic) {
		s.define(k)
	}
}

// of returns the setting of a field, by its address.
func (p *parser) of(field any) *setting { return p.at[field] }

// named returns the setting of a flag; nil: there is no such flag.
func (p *parser) named(flag string) *setting {
	i := slices.IndexFunc(p.settings, func(s *setting) bool { return s.name == flag })
	if i < 0 {
		return nil
	}
	return p.settings[i]
}
