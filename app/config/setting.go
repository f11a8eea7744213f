package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatehouse/handlers/gateway"

	"github.com/alecthomas/kingpin/v2"
)

// setting is a flag and the variable that stands for it, as the tags of a field of
// Options declare them:
//
//	flag     its name; a field without it is no setting
//	env      the variable; default: GATEHOUSE_<FLAG>, in capitals with underscores
//	default  the value when nothing is said; default: none, or false
//	is       its kind, by which it is checked; default: what usualKinds says of the field's type
//	help     what --help and the status page say
//	about    properties, with commas between them: see access, place and mayBeEmpty
//	validate rules of the validator for values that are good by themselves
//
// It is the value that kingpin sets. What is wrong with a text is found later, by
// parse, together with all else that is wrong.
type setting struct {
	name, variable, preset, help string
	path                         string // of the field, as the validator names it
	about                        []string
	kind                         kind
	field                        reflect.Value

	texts []string // as given; of a list any number, else one at the most
	given bool     // it is on the command line
	wrong []wrong
}

// Properties of settings.
const (
	access     = "access"       // it says who may come in
	place      = "place"        // it names a place on the server's disk
	mayBeEmpty = "may be empty" // a list that is given may hold nothing
)

// wrong is a text that a setting can't have, and what is expected instead.
type wrong struct{ text, expected string }

// settingsOf returns the settings that the fields of a struct declare, and of the
// structs in it. What those have in common their own field may say.
func settingsOf(options any) []*setting {
	v := reflect.ValueOf(options).Elem()
	return collect(nil, v, v.Type().Name(), nil)
}

func collect(settings []*setting, v reflect.Value, path string, about []string) []*setting {
	for i := range v.NumField() {
		f, path := v.Type().Field(i), path+"."+v.Type().Field(i).Name
		about := append(slices.Clip(about), list(f.Tag.Get("about"))...)
		switch flag := f.Tag.Get("flag"); {
		case flag != "":
			settings = append(settings, newSetting(f, v.Field(i), path, about))
		case f.Type.Kind() == reflect.Struct && f.IsExported():
			settings = collect(settings, v.Field(i), path, about)
		}
	}
	return settings
}

func newSetting(f reflect.StructField, v reflect.Value, path string, about []string) *setting {
	tag := f.Tag.Get
	s := &setting{name: tag("flag"), variable: tag("env"), preset: tag("default"), help: tag("help"), path: path, about: about, field: v}
	if s.variable == "" {
		s.variable = prefixedName(s.name)
	}
	name := tag("is")
	if name == "" {
		name = usualKinds[f.Type]
	}
	s.kind = kinds[name]
	if s.kind.toggle && s.preset == "" {
		s.preset = "false"
	}
	return s
}

// prefixedName is the variable that stands for a flag unless it has its own.
func prefixedName(flag string) string {
	return ownPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
}

// define adds the flag to the command line.
func (s *setting) define(k *kingpin.Application) {
	c := k.Flag(s.name, s.help).Envar(s.variable).IsSetByUser(&s.given)
	if s.preset != "" {
		c.Default(s.preset)
		if !s.kind.list {
			c.PlaceHolder(strconv.Quote(s.preset))
		}
	}
	c.SetValue(s)
}

// Set takes a text. Each text of a list may hold several values with commas between
// them.
func (s *setting) Set(text string) error {
	if s.kind.list {
		s.texts = append(s.texts, list(text)...)
	} else {
		s.texts = []string{text}
	}
	return nil
}

// list returns the entries between commas, without empty ones.
func list(text string) []string {
	var entries []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

func (s *setting) String() string     { return s.text() }
func (s *setting) IsBoolFlag() bool   { return s.kind.toggle }
func (s *setting) IsCumulative() bool { return s.kind.list }

// text is the value as it was given; of a list all, with commas.
func (s *setting) text() string { return strings.Join(s.texts, ",") }

// parse puts the value into the field, or notes down what is wrong with it.
func (s *setting) parse() {
	if s.kind.list && len(s.texts) == 0 && s.isSet() && !s.is(mayBeEmpty) {
		s.wrong = append(s.wrong, wrong{expected: "expected at least one value"})
	}
	s.wrong = append(s.wrong, s.kind.parse(s.field, s.texts)...)
}

// is reports whether the setting has a property.
func (s *setting) is(property string) bool { return slices.Contains(s.about, property) }

// fromEnvironment reports whether the environment gave the flag its value.
func (s *setting) fromEnvironment() bool { return !s.given && os.Getenv(s.variable) != "" }

// isSet reports whether the flag has been given in one way or the other.
func (s *setting) isSet() bool { return s.given || s.fromEnvironment() }

// flag is how messages name the flag.
func (s *setting) flag() string { return "--" + s.name }

// either names both ways to set a flag.
func (s *setting) either() string { return s.flag() + " or " + s.variable }

// valued is the flag with its value.
func (s *setting) valued() string { return s.flag() + ", " + s.text() }

// source is the flag, and the variable if that gave it its value.
func (s *setting) source() string {
	if s.fromEnvironment() {
		return s.flag() + " (from " + s.variable + ")"
	}
	return s.flag()
}

// problem is one line about a value: the flag, where the value comes from, the
// value, and what is expected.
func (s *setting) problem(value, expected string) string {
	return fmt.Sprintf("%s %q: %s", s.source(), withoutPassword(s.masked(value)), expected)
}

// masked leaves out of a value what may be secret.
func (s *setting) masked(value string) string {
	if s.kind.mask == nil {
		return value
	}
	return s.kind.mask(value)
}

// shown is the flag as the status shows it.
func (s *setting) shown() gateway.Flag {
	return gateway.Flag{Name: s.name, Value: s.masked(s.text()), Default: s.preset, From: s.from(), Help: s.help, Place: s.is(place)}
}

// from is where the value comes from; empty: it is the default.
func (s *setting) from() string {
	switch {
	case s.given:
		return gateway.CommandLine
	case s.fromEnvironment():
		return s.variable
	}
	return ""
}
