package config

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"gatehouse/auth"
	"gatehouse/auth/jwt"
)

// validate returns one error with everything that is wrong, or nil: values first,
// in the order of the settings, then what does not go together, then the rest.
func (p *parser) validate() error {
	together, err := p.checkRules()
	if err != nil {
		return err
	}
	var lines []string
	for _, s := range p.settings {
		for _, w := range s.wrong {
			lines = append(lines, s.problem(w.text, w.expected))
		}
	}
	lines = slices.Concat(lines, together, p.problems)
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return errors.New("cannot start: " + lines[0])
	}
	return fmt.Errorf("cannot start, %d settings are wrong:\n  %s", len(lines), strings.Join(lines, "\n  "))
}

// rule marks problems of several settings together; their text is the parameter.
const rule = "together"

// parserKey is the key of the parser in the context of a validation.
type parserKey struct{}

// rules returns the validator, which reads the tags of Options once.
var rules = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(field reflect.StructField) string { return field.Tag.Get("flag") })
	v.RegisterStructValidationCtx(func(ctx context.Context, level validator.StructLevel) {
		ctx.Value(parserKey{}).(*parser).checkTogether(level)
	}, Options{})
	return v
})

// checkRules holds the settings against the rules of their tags, and against each
// other. It adds to what is wrong with a setting alone, and returns the rest.
func (p *parser) checkRules() (together []string, err error) {
	err = rules().StructCtx(context.WithValue(context.Background(), parserKey{}, p), &p.Options)
	var problems validator.ValidationErrors
	if err != nil && !errors.As(err, &problems) {
		return nil, err
	}
	for _, problem := range problems {
		s := p.named(problem.Field())
		switch problem.Tag() {
		case rule:
			value, _ := problem.Value().(string)
			together = append(together, s.problem(value, problem.Param()))
		case "gtefield":
			if len(s.wrong) == 0 {
				together = append(together, s.problem(s.text(), "expected no less than "+p.sibling(problem).valued()))
			}
		case "oneof":
			s.wrong = append(s.wrong, wrong{s.text(), "expected one of " + strings.ReplaceAll(problem.Param(), " ", ", ")})
		default:
			return nil, fmt.Errorf("--%s has a rule without a text: %s", s.name, problem.Tag())
		}
	}
	return together, nil
}

// sibling returns the setting that a rule of a tag names beside its own.
func (p *parser) sibling(problem validator.FieldError) *setting {
	path := strings.TrimSuffix(problem.StructNamespace(), problem.StructField()) + problem.Param()
	i := slices.IndexFunc(p.settings, func(s *setting) bool { return s.path == path })
	return p.settings[i]
}

// report says what is wrong with a setting beside others.
type report func(s *setting, value, problem string)

// checkTogether holds settings against each other. What is wrong with one by itself
// is left out: it has been found already.
func (p *parser) checkTogether(l validator.StructLevel) {
	report := func(s *setting, value, problem string) { l.ReportError(value, s.name, s.name, rule, problem) }
	p.checkNames(report)
	p.checkPaths(report)
	p.checkListeners(report)
	p.checkJWT(report)
	p.checkLogin(report)
	p.checkOpen(report)
	if proxies := p.of(&p.TrustedProxies); p.Auth.LocalhostBypass == "true" && len(proxies.texts) > 0 {
		report(p.of(&p.Auth.LocalhostBypass), "true", "can't be beside "+proxies.flag()+", behind which everyone may look local; leave it at auto, which is off then")
	}
	if s := p.of(&p.Auth.CertificateRole); p.Auth.CertificateRole != auth.NoRole && p.WebConfigFile == "" {
		report(s, s.text(), "needs "+p.of(&p.WebConfigFile).either()+" with TLS and the authorities of clients")
	}
}

// checkNames refuses two flags of which one says what the other denies.
func (p *parser) checkNames(report report) {
	utf8, legacy := p.of(&p.UTF8Names), p.of(&p.LegacyNames)
	if utf8.isSet() && legacy.isSet() && utf8.text() == legacy.text() && len(legacy.wrong) == 0 {
		report(legacy, legacy.text(), "contradicts "+utf8.source()+" "+strconv.Quote(utf8.text())+"; set only one of them")
	}
}

func (p *parser) checkPaths(report report) {
	prefix := p.of(&p.RoutePrefix)
	if p.ExternalURL == nil || prefix.text() != "" {
		return
	}
	if _, err := parseRoutePrefix(p.ExternalURL.Path); err != nil {
		s := p.of(&p.ExternalURL)
		report(s, s.text(), "its path can't be the prefix of all paths; give one with "+prefix.flag())
	}
}

func (p *parser) checkListeners(report report) {
	all, scrapes := p.of(&p.ListenAddresses), p.of(&p.ScrapeListenAddresses)
	if p.ScrapeInternalOnly && len(scrapes.texts) == 0 {
		report(p.of(&p.ScrapeInternalOnly), "true", "needs "+scrapes.either()+", or nothing can be scraped")
	}
	if p.SystemdSocket { // instead of --web.listen-address
		return
	}
	for _, a := range p.ScrapeListenAddresses {
		if (a.Port != 0 || a.Path != "") && slices.ContainsFunc(p.ListenAddresses, a.same) {
			report(scrapes, a.String(), "is a "+all.flag()+" too; choose another one")
		}
	}
}

// needs reports the settings that are given although they need another flag.
func needs(report report, other string, settings ...*setting) {
	for _, s := range settings {
		if s.text() != "" {
			report(s, s.text(), "needs "+other)
		}
	}
}

// checkJWT refuses rules about tokens without an issuer, and an issuer by which
// strangers would be admin.
func (p *parser) checkJWT(report report) {
	a := &p.Auth
	issuer, audiences, keys := p.of(&a.Issuer), p.of(&a.Audiences), p.of(&a.JWKSURI)
	if a.Issuer == "" && a.ClientID == "" {
		needs(report, issuer.either()+", or "+p.of(&a.ClientID).either(),
			p.of(&a.RoleClaim), p.of(&a.RoleMap), p.of(&a.DefaultRole), p.of(&a.RequiredClaims), p.of(&a.IssuerCAFile))
	}
	if a.Issuer == "" {
		needs(report, issuer.either(), audiences, keys)
		return
	}
	if !audiences.isSet() {
		report(issuer, a.Issuer, "needs "+audiences.either()+", or tokens for any other program would do")
	}
	if !jwt.IsGoogle(a.Issuer) { // whose ID tokens programs send as a rule: a warning does
		p.checkStrangers(report, issuer)
	}
	from, okIssuer := absoluteURL(a.Issuer)
	at, okKeys := absoluteURL(a.JWKSURI)
	if okIssuer && okKeys && from.Scheme == "https" && at.Scheme == "http" {
		report(keys, a.JWKSURI, "expected https, as that of the issuer")
	}
}

// checkLogin refuses settings of a login that is not on, one without what it
// needs, and one by which strangers would be admin.
func (p *parser) checkLogin(report report) {
	a := &p.Auth
	client, issuer, external := p.of(&a.ClientID), p.of(&a.LoginIssuer), p.of(&p.ExternalURL)
	if a.ClientID == "" {
		needs(report, client.either(), issuer, p.of(&a.Scopes))
		return
	}
	if external.text() == "" {
		report(client, a.ClientID, "needs "+external.either()+", where the provider sends people back to")
	}
	if p.loginIssuer() == "" {
		report(client, a.ClientID, "needs "+issuer.either()+", where people sign in")
	}
	switch {
	case a.LoginIssuer != "":
		p.checkStrangers(report, issuer)
	case jwt.IsGoogle(a.Issuer): // others have been looked at
		p.checkStrangers(report, p.of(&a.Issuer))
	}
}

// checkStrangers refuses an issuer of the world that would make strangers admin
// without anybody having said so.
func (p *parser) checkStrangers(report report, issuer *setting) {
	claims, roles, usual := p.of(&p.Auth.RequiredClaims), p.of(&p.Auth.RoleMap), p.of(&p.Auth.DefaultRole)
	if !jwt.PublicIssuer(issuer.text()) || p.restricted() || usual.text() != "" {
		return
	}
	problem := "strangers come in by it too"
	if len(claims.texts) > 0 || len(roles.texts) > 0 {
		problem += ", and the claims that are looked at keep none of them out"
	}
	report(issuer, issuer.text(), problem+"; say who counts with "+claims.either()+", give roles with "+roles.either()+
		", or say what everyone may do with "+usual.either())
}

// restricted reports whether claims of a token are looked at that strangers
// can't choose.
func (p *parser) restricted() bool {
	free := func(entry string) bool {
		return !jwt.Restricts(p.Auth.RoleClaim, entry[:max(0, strings.LastIndexByte(entry, '='))])
	}
	if roles := p.of(&p.Auth.RoleMap).texts; len(roles) > 0 && !slices.ContainsFunc(roles, free) {
		return true
	}
	return slices.ContainsFunc(p.of(&p.Auth.RequiredClaims).texts, func(s string) bool {
		claim, value, _ := strings.Cut(s, "=")
		return jwt.Restricts(claim, value)
	})
}

// checkOpen refuses to be open beside anything that asks for a credential.
func (p *parser) checkOpen(report report) {
	a := &p.Auth
	if !a.Open {
		return
	}
	for _, c := range []struct {
		given bool
		name  string
	}{
		{a.BasicUser != "" || a.BasicPassword != "", PasswordVariable},
		{len(a.Tokens) > 0, tokensVariable},
		{a.ScrapeKey != "", keyVariable},
		{a.Issuer != "", p.of(&a.Issuer).flag()},
		{a.ClientID != "", p.of(&a.ClientID).flag()},
		{a.CertificateRole != auth.NoRole, p.of(&a.CertificateRole).flag()},
	} {
		if c.given {
			report(p.of(&a.Open), "true", "can't be beside "+c.name+", which asks for a credential; unset one of them")
		}
	}
}
