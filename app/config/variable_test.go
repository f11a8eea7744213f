package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

// vocabularyOf is that of the server's own flags.
func vocabularyOf(t testing.TB) vocabulary {
	t.Helper()
	return newParser().vocabulary()
}

func TestAMisspeltVariableEndsTheStartWithTheNearestKnownName(t *testing.T) {
	v := vocabularyOf(t)
	for name, right := range map[string]string{
		// One or two letters too few, too many, wrong or swapped.
		"API_TOKNES":              "API_TOKENS",
		"APITOKENS":               "API_TOKENS",
		"AUTH_LOCALHOST_BYPAS":    "AUTH_LOCALHOST_BYPASS",
		"JWKS_URL":                "JWKS_URI",
		"JKWS_URI":                "JWKS_URI",
		"JWT_ISUSER":              "JWT_ISSUER",
		"JWT_REQIRED_CLAIM":       "JWT_REQUIRED_CLAIMS",
		"METRIC_VERIFICATION_KEY": "METRICS_VERIFICATION_KEY",
		"OIDC_CLIENTID":           "OIDC_CLIENT_ID",
		"ODIC_CLIENT_SECERT":      "OIDC_CLIENT_SECRET",
		"PUSH_GATEWAY_AUTH_USER":  "PUSHGATEWAY_AUTH_USER",
		"GATEHOUS_AUTH_ROLE_MAP":  "GATEHOUSE_AUTH_ROLE_MAP",
		"GATHOUSE_STORAGE_PATH":   "GATEHOUSE_STORAGE_PATH",
		"GATEHOUSESTORAGE_PATH":   "GATEHOUSE_STORAGE_PATH",
		// The same of its file.
		"API_TOKNES_FILE":        "API_TOKENS_FILE",
		"API_TOKENS_FIEL":        "API_TOKENS_FILE",
		"OIDC_CLIENTSECRET_FILE": "OIDC_CLIENT_SECRET_FILE",
		"OIDC_CAFILE":            "OIDC_CA_FILE",
		"JWT_ISUER_FILE":         "JWT_ISSUER",
		// Only begun.
		"API_TOK":                 "API_TOKENS",
		"API_TOKEN":               "API_TOKENS",
		"JWT_AUD":                 "JWT_AUDIENCE",
		"JWT_ISS":                 "JWT_ISSUER",
		"METRICS_VERIFICATION":    "METRICS_VERIFICATION_KEY",
		"OIDC_CLIENT":             "OIDC_CLIENT_ID",
		"AUTH_LOCALHOST":          "AUTH_LOCALHOST_BYPASS",
		"PUSHGATEWAY_AUTH":        "PUSHGATEWAY_AUTH_PASS",
		"METRICS_VERIFICATION_KE": "METRICS_VERIFICATION_KEY",
		// More behind it.
		"JWT_ISSUERS":               "JWT_ISSUER",
		"JWT_ISSUER_URL":            "JWT_ISSUER",
		"OIDC_ISSUER_URL":           "OIDC_ISSUER",
		"OIDC_CLIENT_ID_VALUE":      "OIDC_CLIENT_ID",
		"API_TOKENS_PATH":           "API_TOKENS",
		"API_TOKENS_FILES":          "API_TOKENS_FILE",
		"JWKS_URI_OVERRIDE":         "JWKS_URI",
		"PUSHGATEWAY_AUTH_PASSWORD": "PUSHGATEWAY_AUTH_PASS",
		"METRICS_VERIFICATION_KEYS": "METRICS_VERIFICATION_KEY",
		// What only this server has.
		"PUSHGATEWAY_AUTH_TOKEN":        "PUSHGATEWAY_AUTH_USER",
		"GATEHOUSE_ALLOWED_CIDRS":       "GATEHOUSE_AUTH_ALLOWED_CIDRS",
		"GATEHOUSE_STORAGE_PAHT":        "GATEHOUSE_STORAGE_PATH",
		"GATEHOUSE_LISTEN_ADDRESS":      "GATEHOUSE_WEB_LISTEN_ADDRESS",
		"GATEHOUSE_STALE_AFTER":         "GATEHOUSE_UI_STALE_AFTER",
		"GATEHOUSE_PERSISTENCE":         "GATEHOUSE_PERSISTENCE_FILE",
		"GATEHOUSE_API_TOKEN":           "API_TOKENS",
		"GATEHOUSE_AUTH_TOKENS":         "API_TOKENS",
		"GATEHOUSE_JWT_ISS":             "JWT_ISSUER",
		"GATEHOUSE_METRICS_ALLOWED":     "GATEHOUSE_METRICS_ALLOWED_CIDRS",
		"GATEHOUSE_OIDC_CA":             "OIDC_CA_FILE",
		"GATEHOUSE_WEB_CONFIG":          "GATEHOUSE_WEB_CONFIG_FILE",
		"API_TOKENS_":                   "API_TOKENS",
		"GATEHOUSE_AUTH_ROLE_MAP_FILE":  "GATEHOUSE_AUTH_ROLE_MAP",
		"GATEHOUSE_ENV_ALLOWED_UNKNOWN": "GATEHOUSE_ENV_ALLOW_UNKNOWN",
		// Of a command.
		"GATEHOUSE_SERVR":      "GATEHOUSE_SERVER",
		"GATEHOUSE_TOKEN_FIEL": "GATEHOUSE_TOKEN_FILE",
		// A prefix that is missing or too much, other letters.
		"GATEHOUSE_TOKENS":       "API_TOKENS",
		"GATEHOUSE_TOKENS_FILE":  "API_TOKENS_FILE",
		"GATEHOUSE_JWT_ISSUER":   "JWT_ISSUER",
		"AUTH_ROLE_MAP":          "GATEHOUSE_AUTH_ROLE_MAP",
		"AUTH_ALLOWED_CIDRS":     "GATEHOUSE_AUTH_ALLOWED_CIDRS",
		"AUTH_BASIC_USER":        "PUSHGATEWAY_AUTH_USER",
		"WEB_CONFIG_FILE":        "GATEHOUSE_WEB_CONFIG_FILE",
		"JWT_JWKS_URI":           "JWKS_URI",
		"jwt_issuer":             "JWT_ISSUER",
		"Api-Tokens":             "API_TOKENS",
		"gatehouse.storage.path": "GATEHOUSE_STORAGE_PATH",
		"gatehouse_storage_paht": "GATEHOUSE_STORAGE_PATH",
	} {
		likely := fmt.Sprintf("%s is not read: set %s instead", name, right)
		near := fmt.Sprintf("%[1]s is not a known variable, the nearest is %[2]s: correct or unset it, or allow it with --env.allow-unknown=%[1]s", name, right)
		if got := v.mistake(name); got != likely && got != near {
			t.Errorf("%s: got %q, want one that names %s", name, got, right)
		}
	}
}

func TestEveryUnknownVariableOfOurPrefixIsReported(t *testing.T) {
	v := vocabularyOf(t)
	for _, name := range []string{"GATEHOUSE_", "GATEHOUSE_X", "GATEHOUSE_PORT", "GATEHOUSE_" + strings.Repeat("Y", 1<<16), "GATEHOUSE_\n", "GATEHOUSE_Ü"} {
		got := v.mistake(name)
		if !strings.Contains(got, "the nearest is ") || strings.Contains(got, "the nearest is :") || strings.Contains(got, "\n") {
			t.Errorf("%.40q: got %.300q", name, got)
		}
	}
}

func TestOtherVariablesAreNoneOfOurBusiness(t *testing.T) {
	environment := map[string]string{
		// What is known, and what is empty.
		"GATEHOUSE_SERVER": "x", "GATEHOUSE_TOKEN": "x", "GATEHOUSE_TOKEN_FILE": "x", "GATEHOUSE_LOG_LEVEL": "info",
		"JWT_ISSUERS": "", "GATEHOUSE_X": "",
		// Of systems, languages, and other programs.
		"": "", "PATH": "x", "HOME": "x", "HOSTNAME": "x", "TZ": "x", "LANG": "x", "GOGC": "x", "GOMEMLIMIT": "x", "HTTPS_PROXY": "x", "NO_PROXY": "x",
		"SSL_CERT_FILE": "x", "INVOCATION_ID": "x", "NOTIFY_SOCKET": "x", "LISTEN_FDS": "x", "CREDENTIALS_DIRECTORY": "x", "STATE_DIRECTORY": "x",
		"API_KEY": "x", "API_KEYS": "x", "API_URL": "x", "API_SECRET": "x", "JWT_SECRET": "x", "JWT_EXPIRY": "x", "OIDC_ENABLED": "x", "OIDC_TOKEN": "x",
		"AUTH_TOKEN": "x", "AUTH_USER": "x", "TOKEN": "x", "TOKENS": "x", "ISSUER": "x", "METRIC": "x", "METRICS_PORT": "x", "METRICS_ENABLED": "x",
		"PUSHGATEWAY_URL": "x", "PUSHGATEWAY_ADDRESS": "x", "GATE": "x", "GATEWAY_URL": "x", "API_TO": "x", "JWT_IS": "x", "OIDC_C": "x", "STORAGE_PATH": "x",
		// Two edits are too many for a name of fewer than ten letters.
		"JKWS_UIR": "x", "JWT_USSR": "x",
		// Of services in Kubernetes.
		"GATEHOUSE_SERVICE_HOST": "10.0.0.1", "GATEHOUSE_METRICS_SERVICE_HOST": "fd00::1",
		"GATEHOUSE_SERVICE_PORT": "9091", "GATEHOUSE_SERVICE_PORT_HTTP": "9091", "GATEHOUSE_SERVICE_PORT_HTTP_METRICS": "65535",
		"GATEHOUSE_PORT": "tcp://10.0.0.1:9091", "GATEHOUSE_AUTH_PORT": "udp://[fd00::1]:53", "GATEHOUSE_OIDC_PORT": "sctp://10.0.0.1:1",
		"GATEHOUSE_PORT_9091_TCP": "tcp://10.0.0.1:9091", "GATEHOUSE_PORT_53_UDP": "udp://[fd00::1]:53", "GATEHOUSE_PORT_1_SCTP": "sctp://10.0.0.1:1",
		"GATEHOUSE_PORT_9091_TCP_PROTO": "tcp", "GATEHOUSE_PORT_9091_TCP_PORT": "9091", "GATEHOUSE_PORT_9091_TCP_ADDR": "10.0.0.1", "GATEHOUSE_PORT_53_UDP_PROTO": "udp",
		// Of one that is called gatehouse-service, and others of which the names are like ours.
		"GATEHOUSE_SERVICE_SERVICE_HOST": "10.0.0.1", "GATEHOUSE_SERVICE_PORT_9091_TCP": "tcp://10.0.0.1:9091", "GATEHOUSE_SERVICE_PORT_9091_TCP_ADDR": "10.0.0.1",
		"API_TOKENS_SERVICE_HOST": "10.0.0.1", "JWT_ISSUER_PORT": "tcp://10.0.0.1:80", "JWKS_URI_PORT_80_TCP_PROTO": "tcp", "PUSHGATEWAY_PORT": "tcp://10.0.0.1:9091",
	}
	for name, value := range environment {
		if problems := unknown(t, name, value); len(problems) > 0 {
			t.Errorf("%s=%s: %q", name, value, problems)
		}
	}
}

// unknown asks about one variable.
func unknown(t testing.TB, name, value string) []string {
	t.Helper()
	return newParser().unknownVariables([]string{name + "=" + value})
}

func TestOnlyAValueThatKubernetesWritesMakesAServiceVariable(t *testing.T) {
	for _, variable := range []string{
		"GATEHOUSE_SERVICE_HOST=gatehouse.example", "GATEHOUSE_SERVICE_HOST=10.0.0.1:80", "GATEHOUSE_SERVICE_HOST=fe80::1%eth0", "GATEHOUSE_SERVICE_HOST=None",
		"GATEHOUSE_SERVICE_PORT=http", "GATEHOUSE_SERVICE_PORT=0", "GATEHOUSE_SERVICE_PORT=65536", "GATEHOUSE_SERVICE_PORT=:9091", "GATEHOUSE_SERVICE_PORT_http=80",
		"GATEHOUSE_PORT=9091", "GATEHOUSE_PORT=:9091", "GATEHOUSE_PORT=tcp://localhost:9091", "GATEHOUSE_PORT=http://10.0.0.1:9091", "GATEHOUSE_PORT=tcp://10.0.0.1",
		"GATEHOUSE_PORT=tcp://10.0.0.1:0", "GATEHOUSE_PORT=tcp://10.0.0.1:9091/", "GATEHOUSE_PORT=tcp://[fe80::1%eth0]:1",
		"GATEHOUSE_PORT_9091_TCP=udp://10.0.0.1:9091", "GATEHOUSE_PORT_9091_TCP=tcp://10.0.0.1:9092", "GATEHOUSE_PORT_X_TCP=tcp://10.0.0.1:80", "GATEHOUSE_PORT_80_HTTP=http://10.0.0.1:80",
		"GATEHOUSE_PORT_9091_TCP_PROTO=udp", "GATEHOUSE_PORT_9091_TCP_PROTO=TCP", "GATEHOUSE_PORT_9091_TCP_PORT=9092", "GATEHOUSE_PORT_9091_TCP_ADDR=host", "GATEHOUSE_PORT_9091_TCP_NAME=x",
		"API_TOKENS_PORT=9091", "JWT_ISSUER_SERVICE_HOST=issuer.example",
	} {
		name, value, _ := strings.Cut(variable, "=")
		if len(unknown(t, name, value)) != 1 {
			t.Errorf("%s is taken for a variable of Kubernetes", variable)
		}
	}
}

// mistyped says what can become of a name by one slip: a letter too few, two
// swapped, the end missing, a wrong letter.
func mistyped(name string, least int) map[string]bool {
	slips := make(map[string]bool)
	for i := range name {
		slips[name[:i]+name[i+1:]] = true
		if i > 0 {
			slips[name[:i-1]+name[i:i+1]+name[i-1:i]+name[i+1:]] = true
		}
		if i >= least {
			slips[name[:i]] = true
		}
		slips[name[:i]+"E"+name[i+1:]] = true
	}
	return slips
}

func TestNoSlipInAVariableGoesUnnoticed(t *testing.T) {
	v := vocabularyOf(t)
	var names []string
	for _, secret := range secrets {
		names = append(names, secret.variable)
	}
	for _, s := range newParser().settings {
		names = append(names, s.variable)
	}
	slips := 0
	for _, name := range slices.Concat(names, []string{"API_TOKENS_FILE", "OIDC_CLIENT_SECRET_FILE"}) {
		for slip := range mistyped(name, leastOfPrefix) {
			slips++
			if v.meant[slip] != slip && v.mistake(slip) == "" {
				t.Errorf("%s for %s is ignored", slip, name)
			}
		}
	}
	if slips < 5_000 {
		t.Errorf("only %d slips were tried", slips)
	}
}

func TestNoSlipInAFlagGoesUnnoticed(t *testing.T) {
	p := newParser()
	k := kingpin.New("x", "").Terminate(nil)
	p.define(k)
	for _, s := range p.settings {
		name := s.name
		for slip := range mistyped(name, 0) {
			if p.named(slip) != nil || slip == "" {
				continue
			}
			if _, err := k.ParseContext([]string{"--" + slip + "=x"}); err == nil || !strings.Contains(err.Error(), "unknown long flag") {
				t.Errorf("--%s for --%s: got %v", slip, name, err)
			}
		}
	}
}

func TestAVariableThatIsAllowedIsIgnored(t *testing.T) {
	variables := map[string]string{"OIDC_ISSUER_URL": "x", "GATEHOUSE_X": "x", "GATEHOUSE_JWT_ISSUER": "x"}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	parse(t, "--env.allow-unknown=OIDC_ISSUER_URL, GATEHOUSE_X", "--env.allow-unknown=GATEHOUSE_JWT_ISSUER")
	t.Run("by a variable", func(t *testing.T) {
		t.Setenv("GATEHOUSE_ENV_ALLOW_UNKNOWN", strings.Join(slices.Collect(maps.Keys(variables)), ","))
		parse(t)
	})
	t.Run("but no other", func(t *testing.T) {
		wantProblems(t, []string{"--env.allow-unknown=OIDC_ISSUER_URL,GATEHOUSE_X,GATEHOUSE_JWT"}, nil, []string{"GATEHOUSE_JWT_ISSUER is not read: set JWT_ISSUER instead"})
	})
	t.Run("a name that is none", func(t *testing.T) {
		wantProblems(t, []string{"--env.allow-unknown=OIDC_ISSUER_URL,GATEHOUSE_X,GATEHOUSE_JWT_ISSUER,A=b"}, nil,
			[]string{`--env.allow-unknown "A=b": expected the name of a variable such as OIDC_ISSUER_URL`})
	})
}

func FuzzVariables(f *testing.F) {
	for _, s := range []string{"", "=", "GATEHOUSE_=x", "API_TOKNES=x", "GATEHOUSE_PORT=tcp://10.0.0.1:1", "GATEHOUSE_PORT_1_TCP_PORT=1", "gatehouse-x\n=x", "\xff=\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, value, _ := strings.Cut(s, "=")
		problems := unknown(t, name, value)
		link := isServiceLink(name, value)
		switch {
		case len(problems) > 1, len(problems) == 1 && (strings.Contains(problems[0], "\n") || link || value == ""):
			t.Errorf("%q: %q", s, problems)
		case strings.HasPrefix(name, ownPrefix) && value != "" && !link && len(problems) == 0 && vocabularyOf(t).meant[name] != name:
			t.Errorf("%q is ignored", s)
		}
	})
}
