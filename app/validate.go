package app

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"
)

// checks are the rules for the values of single flags, by the name under which
// the tags of flags speak of them. Their errors say what is expected.
var checks = map[string]func(string) error{
	"boolean":        checkBoolean,
	"bytes":          func(s string) error { _, err := parseBytes(s); return err },
	"count":          func(s string) error { _, err := parseCount(s); return err },
	"duration":       func(s string) error { _, err := parseDuration(s); return err },
	"timeout":        checkTimeout,
	"external_url":   func(s string) error { _, err := parseExternalURL(s); return err },
	"route_prefix":   func(s string) error { _, err := parseRoutePrefix(s); return err },
	"telemetry_path": checkTelemetryPath,
	"listen_address": func(s string) error { _, err := parseAddress(s); return err },
	"web_config":     checkWebConfig,
}

func checkBoolean(s string) error {
	if s != "true" && s != "false" {
		return errors.New("expected true or false")
	}
	return nil
}

func checkTimeout(s string) error {
	if d, err := parseDuration(s); err != nil || d == 0 {
		return errors.New("expected a duration above zero such as 90s, 15m, 1h30m or 1d")
	}
	return nil
}

// checkWebConfig refuses what would leave a server open that its operator
// believes closed.
func checkWebConfig(s string) error {
	if s != "" {
		return errors.New("TLS and users are not supported yet by this version; without the flag the server starts, open to everyone who reaches it")
	}
	return nil
}

// validate tells everything that is wrong with the flags in one error, or nil.
func (f *flags) validate() error {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(field reflect.StructField) string { return field.Tag.Get("flag") })
	for tag, check := range checks {
		err := v.RegisterValidation(tag, func(l validator.FieldLevel) bool { return check(l.Field().String()) == nil }, true)
		if err != nil {
			return err
		}
	}
	v.RegisterStructValidation(checkTogether, flags{})
	err := v.Struct(f)
	var problems validator.ValidationErrors
	if !errors.As(err, &problems) {
		return err
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = f.describe(p)
	}
	if len(lines) == 1 {
		return errors.New("cannot start: " + lines[0])
	}
	return fmt.Errorf("cannot start, %d settings are wrong:\n  %s", len(lines), strings.Join(lines, "\n  "))
}

// rule marks problems of several flags together; their text is the parameter.
const rule = "together"

// checkTogether holds flags against each other. What is wrong by itself has
// been told already.
func checkTogether(l validator.StructLevel) {
	f := l.Current().Interface().(flags)
	stale, errStale := parseDuration(f.StaleAfter)
	old, errOld := parseDuration(f.OldAfter)
	if errStale == nil && errOld == nil && old < stale {
		l.ReportError(f.OldAfter, "ui.old-after", "OldAfter", rule, "expected no less than --ui.stale-after, "+f.StaleAfter)
	}
	most, errMost := parseBytes(f.MaxBodyBytes)
	budget, errBudget := parseBytes(f.BodyBudget)
	if errMost == nil && errBudget == nil && budget < most {
		l.ReportError(f.BodyBudget, "limits.body-bytes-in-flight", "BodyBudget", rule, "expected no less than --push.max-body-bytes, "+f.MaxBodyBytes)
	}
	if u, err := parseExternalURL(f.ExternalURL); err == nil && u != nil && f.RoutePrefix == "" {
		if _, err := parseRoutePrefix(u.Path); err != nil {
			l.ReportError(f.ExternalURL, "web.external-url", "ExternalURL", rule, "its path can't be the prefix of all paths; give one with --web.route-prefix")
		}
	}
}

// describe tells one problem: the flag, where its value comes from, the value,
// and what is expected.
func (f *flags) describe(p validator.FieldError) string {
	name, _, _ := strings.Cut(p.Field(), "[")
	source := "--" + name
	if f.fromEnvironment(name) {
		source += " (from " + envName(name) + ")"
	}
	value, _ := p.Value().(string)
	return fmt.Sprintf("%s %q: %s", source, masked(value), expected(p, value))
}

// masked leaves out the password of a URL.
func masked(value string) string {
	if u, err := url.Parse(value); err == nil && u.User != nil {
		return u.Redacted()
	}
	return value
}

func expected(p validator.FieldError, value string) string {
	switch check, ok := checks[p.Tag()]; {
	case ok:
		return check(value).Error()
	case p.Tag() == rule:
		return p.Param()
	case p.Tag() == "oneof":
		return "expected one of " + strings.ReplaceAll(p.Param(), " ", ", ")
	}
	return "expected at least one value"
}
