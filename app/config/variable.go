package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gatehouse/spelling"
)

const (
	ownPrefix = "GATEHOUSE_" // begins all variables but secrets and those that a setting names

	maxTypos      = 2  // by which a variable of ours can be meant
	fewLetters    = 10 // names with fewer are too short for so many
	leastOfPrefix = 7  // letters of a name that was not finished
	maxCompared   = 64 // letters; the known names have fewer
)

// Variables of the commands that ask a running server. They may ask with UserVariable
// and PasswordVariable too.
const (
	ServerVariable = "GATEHOUSE_SERVER"
	TokenVariable  = "GATEHOUSE_TOKEN" // or in a file, with FileSuffix
)

var commandVariables = []string{ServerVariable, TokenVariable, TokenVariable + FileSuffix}

// families begin variables about access, and no others that a server has.
var families = []string{"JWKS_", "METRICS_VERIFICATION_", "OIDC_CLIENT_", "PUSHGATEWAY_AUTH_"}

func startsWithOneOf(s string, starts []string) bool {
	return slices.ContainsFunc(starts, func(start string) bool { return strings.HasPrefix(s, start) })
}

// unknownVariables reports those of the environment that look as if they
// configured the server, and are not read.
func (p *parser) unknownVariables(environment []string) []string {
	known := p.vocabulary()
	var problems []string
	for _, variable := range slices.Sorted(slices.Values(environment)) {
		name, value, _ := strings.Cut(variable, "=")
		if value == "" || known.meant[name] == name || slices.Contains(p.AllowUnknown, name) || isServiceLink(name, value) {
			continue
		}
		if problem := known.mistake(name); problem != "" {
			problems = append(problems, problem)
		}
	}
	return problems
}

// vocabulary has the words that names of variables are compared with.
type vocabulary struct {
	meant  map[string]string // by name: itself, or for a mistake that is likely the one to set
	sorted []string          // the names of meant
	access map[string]bool   // the variables that say who may come in
}

func (p *parser) vocabulary() vocabulary {
	v := vocabulary{meant: make(map[string]string), access: make(map[string]bool)}
	for _, s := range p.settings {
		name := s.variable
		v.meant[prefixedName(s.name)] = name
		v.meant[ownPrefix+name] = name
		v.meant[name+FileSuffix] = name
		if s.is(access) {
			v.meant[strings.TrimPrefix(prefixedName(s.name), ownPrefix)] = name
			v.access[name] = true
		}
	}
	for _, secret := range secrets {
		v.access[secret.variable] = true
		for _, name := range []string{secret.variable, secret.variable + FileSuffix} {
			v.meant[ownPrefix+name] = name
			v.meant[name] = name
		}
	}
	for _, name := range []string{"API_TOKEN", "GATEHOUSE_TOKENS"} {
		v.meant[name], v.meant[name+FileSuffix] = tokensVariable, tokensVariable+FileSuffix
	}
	for _, name := range commandVariables {
		v.meant[name] = name
	}
	for _, s := range p.settings {
		v.meant[s.variable] = s.variable
	}
	v.sorted = slices.Sorted(maps.Keys(v.meant))
	return v
}

// mistake says what is wrong with a name that is not known; "": it has nothing to
// do with this server.
func (v vocabulary) mistake(name string) string {
	shown := name
	if !visible(name) {
		shown = strconv.Quote(name)
	}
	spelt := strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
	if right, ok := v.meant[spelt]; ok {
		return shown + " is not read: set " + right + " instead"
	}
	right := v.nearest(spelt)
	if right == "" {
		return ""
	}
	return fmt.Sprintf("%[1]s is not a known variable, the nearest is %[2]s: correct or unset it, or allow it with --env.allow-unknown=%[1]s", shown, right)
}

// nearest returns the known name that one is spelt most like, if it can be meant
// for one of ours.
func (v vocabulary) nearest(name string) string {
	letters := []rune(name)
	letters = letters[:min(len(letters), maxCompared)]
	typos := maxTypos
	if len(letters) < fewLetters {
		typos = 1
	}
	// AUTH_TOKEN, which others read, is not meant for AUTH_OPEN, which nobody reads.
	likely := func(known string) bool { return typos == 1 || len(known) >= fewLetters || v.meant[known] == known }
	ours := startsWithOneOf(name, families) || strings.HasPrefix(name, ownPrefix)
	related := func(known string) bool {
		begun := len(letters) >= leastOfPrefix && strings.HasPrefix(known, name)
		return ours || v.access[known] && (begun || strings.HasPrefix(name, known))
	}
	return cmp.Or(
		v.closest(letters, typos, likely),
		v.closest(letters, 1, func(string) bool { return true }),
		v.closest(letters, maxCompared, related))
}

// closest returns the name to set of the candidate that is spelt most like the
// letters, with so many differences at the most.
func (v vocabulary) closest(letters []rune, most int, candidate func(known string) bool) (right string) {
	for _, known := range v.sorted {
		if len(known) > len(letters)+most || len(known) < len(letters)-most || !candidate(known) {
			continue // known names are of ASCII
		}
		if d := spelling.Distance(letters, []rune(known), most); d <= most {
			right, most = v.meant[known], d-1
		}
	}
	return right
}

// serviceLinks are the variables that Kubernetes sets in each container for each
// service of the namespace, which may well be called gatehouse-metrics. A name of
// that form with another value is none.
var serviceLinks = []struct {
	name  *regexp.Regexp
	value func(port, protocol, value string) bool
}{
	{regexp.MustCompile(`._SERVICE_HOST$`), func(_, _, value string) bool { return isAddress(value) }},
	{regexp.MustCompile(`._SERVICE_PORT(?:_[A-Z0-9_]+)?$`), func(_, _, value string) bool { return isPort(value) }},
	{regexp.MustCompile(`._PORT$`), func(_, _, value string) bool {
		protocol, port, ok := linkedPort(value)
		return ok && slices.Contains([]string{"tcp", "udp", "sctp"}, protocol) && port != "0"
	}},
	{regexp.MustCompile(`._PORT_([0-9]+)_(TCP|UDP|SCTP)$`), func(port, protocol, value string) bool {
		gotProtocol, gotPort, ok := linkedPort(value)
		return ok && gotProtocol == protocol && gotPort == port
	}},
	{regexp.MustCompile(`._PORT_([0-9]+)_(TCP|UDP|SCTP)_PROTO$`), func(_, protocol, value string) bool { return value == protocol }},
	{regexp.MustCompile(`._PORT_([0-9]+)_(TCP|UDP|SCTP)_PORT$`), func(port, _, value string) bool { return value == port }},
	{regexp.MustCompile(`._PORT_([0-9]+)_(TCP|UDP|SCTP)_ADDR$`), func(_, _, value string) bool { return isAddress(value) }},
}

func isServiceLink(name, value string) bool {
	for _, link := range serviceLinks {
		if groups := append(link.name.FindStringSubmatch(name), "", ""); len(groups) > 2 && link.value(groups[1], strings.ToLower(groups[2]), value) {
			return true
		}
	}
	return false
}

func isAddress(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// linkedPort takes protocol://address:port apart.
func linkedPort(s string) (protocol, port string, ok bool) {
	protocol, rest, _ := strings.Cut(s, "://")
	a, err := netip.ParseAddrPort(rest)
	return protocol, strconv.Itoa(int(a.Port())), err == nil && a.Addr().Zone() == ""
}
