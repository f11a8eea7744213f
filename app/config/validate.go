package config

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"gatehouse/auth"
)

// checks are the rules for the values of single flags, by the name under which
// the tags of flags speak of them. Their errors say what is expected.
var checks = map[string]func(string) error{
	"boolean":         checkBoolean,
	"bytes":           func(s string) error { _, err := parseBytes(s); return err },
	"bytes_or_none":   func(s string) error { _, err := parseBytesOrNone(s); return err },
	"count":           func(s string) error { _, err := parseCount(s); return err },
	"duration":        func(s string) error { _, err := parseDuration(s); return err },
	"timeout":         checkTimeout,
	"lifetime":        checkLifetime,
	"idle":            checkIdle,
	"scrape_interval": checkScrapeInterval,
	"socket_mode":     func(s string) error { _, err := parseSocketMode(s); return err },
	"socket_owner":    func(s string) error { _, err := parseSocketOwner(s); return err },
	"socket_path":     func(s string) error { return checkSocketPath(s, true) },
	"external_url":    func(s string) error { _, err := parseExternalURL(s); return err },
	"route_prefix":    func(s string) error { _, err := parseRoutePrefix(s); return err },
	"telemetry_path":  checkTelemetryPath,
	"listen_address":  func(s string) error { _, err := ParseAddress(s); return err },
	"network":         checkNetwork,
	"proxy":           checkProxy,
	"user":            checkUser,
	"issuer":          checkIssuer,
	"jwks_uri":        checkJWKSURI,
	"client_id":       checkClientID,
	"scopes":          checkScopes,
	"claim":           checkClaim,
	"role_mapping":    checkRoleMapping,
	"variable":        checkVariable,
}

func checkBoolean(s string) error {
	if s != "true" && s != "false" {
		return errors.New("expected true or false")
	}
	return nil
}

func checkNetwork(s string) error {
	if _, err := auth.ParsePrefixes([]string{s}); err != nil {
		return errors.New("expected an address or a network such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32")
	}
	return nil
}

// bySocket stands for the proxies that come by a Unix socket.
const bySocket = "unix"

func checkProxy(s string) error {
	if s != bySocket && checkNetwork(s) != nil {
		return errors.New("expected an address or a network such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32, or unix")
	}
	return nil
}

func checkClaim(s string) error {
	if _, err := auth.ParseRequiredClaims([]string{s}); err != nil {
		return errors.New("expected claim=value such as hd=example.com")
	}
	return nil
}

func checkRoleMapping(s string) error {
	if _, err := auth.ParseRoleMap([]string{s}); err != nil {
		return errors.New("expected value=role, where the role is none, reader, pusher or admin")
	}
	return nil
}

func checkVariable(s string) error {
	if !visible(s) || strings.Contains(s, "=") {
		return errors.New("expected the name of a variable such as OIDC_ISSUER_URL")
	}
	return nil
}

func checkTimeout(s string) error {
	if d, err := parseDuration(s); err != nil || d == 0 {
		return errors.New("expected a duration above zero such as 90s, 15m, 1h30m or 1d")
	}
	return nil
}

// maxLifetime is how long browsers keep a cookie at the most.
const maxLifetime = 400 * 24 * time.Hour

func checkLifetime(s string) error {
	if d, err := parseDuration(s); err != nil || d < time.Second || d > maxLifetime {
		return errors.New("expected a duration from 1s to 400d such as 12h")
	}
	return nil
}

func checkIdle(s string) error {
	if d, err := parseDuration(s); err != nil || d != 0 && d < time.Second {
		return errors.New("expected a duration of 1s or more such as 1h, or 0")
	}
	return nil
}

// followPushes is the interval of scrapes that is each grouping's own.
const followPushes = "push"

func checkScrapeInterval(s string) error {
	_, err := parseScrapeInterval(s)
	return err
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
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, f.describe(p))
	}
	lines = append(lines, f.problems...)
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return errors.New("cannot start: " + lines[0])
	}
	return fmt.Errorf("cannot start, %d settings are wrong:\n  %s", len(lines), strings.Join(lines, "\n  "))
}

// rule marks problems of several flags together; their text is the parameter.
const rule = "together"

// report tells what is wrong with a flag beside others.
type report func(flag, value, problem string)

// checkTogether holds flags against each other. What is wrong by itself has
// been told already.
func checkTogether(l validator.StructLevel) {
	f := l.Current().Interface().(flags)
	tell := func(flag, value, problem string) { l.ReportError(value, flag, flag, rule, problem) }
	f.checkAges(tell)
	f.checkBodies(tell)
	f.checkNames(tell)
	f.checkPaths(tell)
	f.checkListeners(tell)
	f.checkLists(tell)
	f.checkJWT(tell)
	f.checkLogin(tell)
	f.checkOpen(tell)
	if f.LocalhostBypass == "true" && len(f.TrustedProxies) > 0 {
		tell("auth.localhost-bypass", "true", "can't be beside --web.trusted-proxies, behind which everyone may look local; leave it at auto, which is off then")
	}
	if role, err := auth.ParseRole(f.CertificateRole); err == nil && role != auth.NoRole && f.WebConfigFile == "" {
		tell("auth.client-certificate-role", f.CertificateRole, "needs "+either("web.config.file")+" with TLS and the authorities of clients")
	}
}

func (f *flags) checkAges(report report) {
	stale, errStale := parseDuration(f.StaleAfter)
	old, errOld := parseDuration(f.OldAfter)
	if errStale == nil && errOld == nil && old < stale {
		report("ui.old-after", f.OldAfter, "expected no less than --ui.stale-after, "+f.StaleAfter)
	}
}

func (f *flags) checkBodies(report report) {
	most, errMost := parseBytes(f.MaxBodyBytes)
	budget, errBudget := parseBytes(f.BodyBudget)
	if errMost == nil && errBudget == nil && budget < most {
		report("limits.body-bytes-in-flight", f.BodyBudget, "expected no less than --push.max-body-bytes, "+f.MaxBodyBytes)
	}
}

// checkNames refuses two flags of which one says what the other denies.
func (f *flags) checkNames(report report) {
	const utf8, legacy = "push.enable-utf8-names", "push.legacy-names"
	if f.set(utf8) && f.set(legacy) && f.EnableUTF8Names == f.LegacyNames && checkBoolean(f.LegacyNames) == nil {
		report(legacy, f.LegacyNames, "contradicts "+f.source(utf8)+" "+strconv.Quote(f.EnableUTF8Names)+"; set only one of them")
	}
}

func (f *flags) checkPaths(report report) {
	if u, err := parseExternalURL(f.ExternalURL); err == nil && u != nil && f.RoutePrefix == "" {
		if _, err := parseRoutePrefix(u.Path); err != nil {
			report("web.external-url", f.ExternalURL, "its path can't be the prefix of all paths; give one with --web.route-prefix")
		}
	}
}

func (f *flags) checkListeners(report report) {
	if on(f.ScrapeInternalOnly) && len(f.ScrapeListenAddresses) == 0 {
		report("web.scrape-internal-only", f.ScrapeInternalOnly, "needs "+either("web.scrape-listen-address")+", or nothing can be scraped")
	}
	if on(f.SystemdSocket) { // instead of --web.listen-address
		return
	}
	for _, s := range f.ScrapeListenAddresses {
		a, err := ParseAddress(s)
		same := func(other string) bool { b, err := ParseAddress(other); return err == nil && a == b }
		if err == nil && (a.Port != 0 || a.Path != "") && slices.ContainsFunc(f.ListenAddresses, same) {
			report("web.scrape-listen-address", s, "is a --web.listen-address too; choose another one")
		}
	}
}

// checkLists refuses lists that are given and hold nothing, as an empty
// variable in a script makes them: each of them would leave something open. It
// also looks for entries that are fine alone and not together.
func (f *flags) checkLists(report report) {
	for _, flag := range []struct {
		name string
		list []string
	}{
		{"web.trusted-proxies", f.TrustedProxies},
		{"web.scrape-listen-address", f.ScrapeListenAddresses},
		{"auth.allowed-cidrs", f.Allowed},
		{"metrics.allowed-cidrs", f.ScrapeAllowed},
		{"auth.role-map", f.RoleMap},
		{"jwt.audience", f.Audiences},
		{"jwt.required-claims", f.RequiredClaims},
		{"oidc.scopes", f.Scopes},
	} {
		if f.set(flag.name) && len(flag.list) == 0 {
			report(flag.name, "", "expected at least one value")
		}
	}
	if _, err := auth.ParseRoleMap(f.RoleMap); err != nil && all(f.RoleMap, checkRoleMapping) {
		report("auth.role-map", strings.Join(f.RoleMap, ","), err.Error())
	}
	if _, err := auth.ParseRequiredClaims(f.RequiredClaims); err != nil && all(f.RequiredClaims, checkClaim) {
		report("jwt.required-claims", strings.Join(f.RequiredClaims, ","), err.Error())
	}
}

func all(list []string, check func(string) error) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return check(s) != nil })
}

// setting is a flag with its value.
type setting struct{ name, value string }

// needs reports the settings that are given although they need another flag.
func needs(report report, other string, settings ...setting) {
	for _, s := range settings {
		if s.value != "" {
			report(s.name, s.value, "needs "+other)
		}
	}
}

// checkJWT refuses rules about tokens without an issuer, and an issuer by which
// strangers would be admin.
func (f *flags) checkJWT(report report) {
	if f.Issuer == "" && f.ClientID == "" {
		needs(report, either("jwt.issuer")+", or "+either("oidc.client-id"),
			setting{"auth.role-claim", f.RoleClaim},
			setting{"auth.role-map", strings.Join(f.RoleMap, ",")},
			setting{"auth.default-role", f.DefaultRole},
			setting{"jwt.required-claims", strings.Join(f.RequiredClaims, ",")},
			setting{"oidc.ca-file", f.IssuerCAFile},
		)
	}
	if f.Issuer == "" {
		needs(report, either("jwt.issuer"), setting{"jwt.audience", strings.Join(f.Audiences, ",")}, setting{"jwt.jwks-uri", f.JWKSURI})
		return
	}
	if len(f.Audiences) == 0 && !f.set("jwt.audience") {
		report("jwt.issuer", f.Issuer, "needs "+either("jwt.audience")+", or tokens for any other program would do")
	}
	if !auth.IsGoogle(f.Issuer) { // whose ID tokens programs send as a rule: a warning does
		f.checkStrangers(report, "jwt.issuer", f.Issuer)
	}
	issuer, okIssuer := absoluteURL(f.Issuer)
	keys, okKeys := absoluteURL(f.JWKSURI)
	if okIssuer && okKeys && issuer.Scheme == "https" && keys.Scheme == "http" {
		report("jwt.jwks-uri", f.JWKSURI, "expected https, as that of the issuer")
	}
}

// checkLogin refuses settings of a login that is not on, one without what it
// needs, and one by which strangers would be admin.
func (f *flags) checkLogin(report report) {
	if f.ClientID == "" {
		needs(report, either("oidc.client-id"), setting{"oidc.issuer", f.LoginIssuer}, setting{"oidc.scopes", strings.Join(f.Scopes, ",")})
		return
	}
	if f.ExternalURL == "" {
		report("oidc.client-id", f.ClientID, "needs "+either("web.external-url")+", where the provider sends people back to")
	}
	if f.loginIssuer() == "" {
		report("oidc.client-id", f.ClientID, "needs "+either("oidc.issuer")+", where people sign in")
	}
	switch {
	case f.LoginIssuer != "":
		f.checkStrangers(report, "oidc.issuer", f.LoginIssuer)
	case auth.IsGoogle(f.Issuer): // others have been looked at
		f.checkStrangers(report, "jwt.issuer", f.Issuer)
	}
}

// checkStrangers refuses an issuer of the world that would make strangers admin
// without anybody having said so.
func (f *flags) checkStrangers(report report, flag, issuer string) {
	if !auth.PublicIssuer(issuer) || f.restricted() || f.DefaultRole != "" {
		return
	}
	problem := "strangers come in by it too"
	if len(f.RequiredClaims) > 0 || len(f.RoleMap) > 0 {
		problem += ", and the claims that are looked at keep none of them out"
	}
	report(flag, issuer, problem+"; say who counts with "+either("jwt.required-claims")+", give roles with "+either("auth.role-map")+
		", or say what everyone may do with "+either("auth.default-role"))
}

// restricted reports whether claims of a token are looked at that strangers
// can't choose.
func (f *flags) restricted() bool {
	free := func(entry string) bool {
		return !auth.Restricts(f.RoleClaim, entry[:max(0, strings.LastIndexByte(entry, '='))])
	}
	if len(f.RoleMap) > 0 && !slices.ContainsFunc(f.RoleMap, free) {
		return true
	}
	return slices.ContainsFunc(f.RequiredClaims, func(s string) bool {
		claim, value, _ := strings.Cut(s, "=")
		return auth.Restricts(claim, value)
	})
}

// checkOpen refuses to be open beside anything that asks for a credential.
func (f *flags) checkOpen(report report) {
	if !on(f.Open) {
		return
	}
	role, err := auth.ParseRole(f.CertificateRole)
	for _, c := range []struct {
		given bool
		name  string
	}{
		{f.secrets.user != "" || f.secrets.password != "", PasswordVariable},
		{len(f.secrets.tokens) > 0, tokensVariable},
		{f.secrets.scrapeKey != "", keyVariable},
		{f.Issuer != "", "--jwt.issuer"},
		{f.ClientID != "", "--oidc.client-id"},
		{err == nil && role != auth.NoRole, "--auth.client-certificate-role"},
	} {
		if c.given {
			report("auth.open", f.Open, "can't be beside "+c.name+", which asks for a credential; unset one of them")
		}
	}
}

// either names both ways to set a flag.
func either(flag string) string { return "--" + flag + " or " + envName(flag) }

// describe tells one problem: the flag, where its value comes from, the value,
// and what is expected.
func (f *flags) describe(p validator.FieldError) string {
	name, _, _ := strings.Cut(p.Field(), "[")
	value, _ := p.Value().(string)
	return fmt.Sprintf("%s %q: %s", f.source(name), masked(name, value), expected(p, value))
}

// source is the flag, and the variable if that gave it its value.
func (f *flags) source(flag string) string {
	if f.fromEnvironment(flag) {
		return "--" + flag + " (from " + envName(flag) + ")"
	}
	return "--" + flag
}

// secretMask stands for what is left out.
const secretMask = "xxxxx"

// masked leaves out the password, or what may be one, of a URL or of a user
// who is given with his password.
func masked(flag, value string) string {
	if flag == "jwt.jwks-uri" {
		value = withoutQuery(value)
	}
	if flag == "auth.basic-user" {
		if user, _, ok := strings.Cut(value, ":"); ok {
			return user + ":" + secretMask
		}
		return value
	}
	u, err := url.Parse(value)
	if err == nil && u.User != nil {
		if _, ok := u.User.Password(); !ok {
			u.User = url.User(secretMask)
		}
		return u.Redacted()
	}
	scheme, rest, ok := strings.Cut(value, "://")
	if at := strings.LastIndexByte(rest, '@'); ok && at >= 0 { // not a URL, but meant as one
		return scheme + "://" + secretMask + rest[at:]
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
