package access

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestSecretsComeFromFiles(t *testing.T) {
	s := harness.StartClosed(t)
	s.Want(401, "PUT", "/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/x", "a 1\n", "X-API-Key", s.Token)
	s.Put("/metrics/job/x", "a 1\n", "Authorization", s.BasicAuth())
	s.Want(401, "PUT", "/metrics/job/x", "a 1\n", "X-Metrics-Key", s.Key)
	s.Want(200, "GET", "/metrics?key="+s.Key, "")
	s.Want(401, "GET", "/metrics?key="+s.Key+"x", "")
	s.Want(401, "GET", "/metrics", "")
}

func TestTheLogAndTheStatusListEveryMethodAndNoSecret(t *testing.T) {
	s := harness.StartClosed(t)
	a := s.Want(200, "GET", "/api/v1/status", "", "X-API-Key", s.Token)
	var status struct {
		Data struct {
			Authentication []struct{ Scheme, Grants, Detail string }
			Flags          map[string]string
		}
	}
	harness.Must(t, json.Unmarshal([]byte(a.Body), &status))
	var methods []string
	for _, m := range status.Data.Authentication {
		methods = append(methods, m.Scheme+" "+m.Grants)
		if !strings.Contains(s.Log.String(), "scheme="+m.Scheme+" grants="+m.Grants) {
			t.Errorf("the log does not tell %v", m)
		}
	}
	if got, want := strings.Join(methods, ", "), "api_token admin, basic admin, scrape_key scraper"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	scrape := s.Want(200, "GET", "/metrics", "", "X-Metrics-Key", s.Key)
	for what, text := range map[string]string{"the status": a.Body, "the scrape": scrape.Body, "the log": s.Log.String()} {
		for _, hidden := range []string{s.Password, s.Token, s.Key} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s holds a secret", what)
			}
		}
	}
}

const signingInConfig = `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: key_as_bearer
    honor_labels: true
    authorization: {credentials_file: KEYFILE}
    static_configs: [{targets: ["ADDRESS"]}]
  - job_name: key_in_query
    honor_labels: true
    params: {key: ["KEY"]}
    static_configs: [{targets: ["ADDRESS"]}]
  - job_name: password
    honor_labels: true
    basic_auth: {username: admin, password: PASSWORD}
    static_configs: [{targets: ["ADDRESS"]}]
  - job_name: token
    honor_labels: true
    authorization: {credentials: TOKEN}
    static_configs: [{targets: ["ADDRESS"]}]
  - job_name: discovered
    honor_labels: true
    authorization: {credentials_file: KEYFILE}
    http_sd_configs:
      - url: http://ADDRESS/api/v1/targets
        refresh_interval: 1s
        # For discovery this version has no default type.
        authorization: {type: Bearer, credentials_file: KEYFILE}
  - job_name: stranger
    static_configs: [{targets: ["ADDRESS"]}]
  - job_name: wrong_key
    params: {key: ["WRONG"]}
    static_configs: [{targets: ["ADDRESS"]}]
`

func TestPrometheusSignsIn(t *testing.T) {
	s := harness.StartClosed(t)
	s.Put("/metrics/job/x/instance/i", "a 1\n", "X-API-Key", s.Token)
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := strings.NewReplacer("ADDRESS", s.Addr, "KEYFILE", harness.SecretFile(t, s.Key), "KEY", s.Key, "PASSWORD", s.Password, "TOKEN", s.Token, "WRONG", s.Key+"x").Replace(signingInConfig)
	harness.Must(t, os.WriteFile(config, []byte(text), 0o600))
	p := harness.StartDebian(t, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
	harness.Until(t, "every target to be what its credential makes it", func() string {
		for pool, want := range map[string]string{
			"key_as_bearer": "up", "key_in_query": "up", "password": "up", "token": "up", "discovered": "up",
			"stranger": "down", "wrong_key": "down",
		} {
			targets, why := p.Targets(pool)
			if why != "" {
				return why
			}
			if len(targets) != 1 {
				return fmt.Sprintf("%s has %d targets", pool, len(targets))
			}
			for _, g := range targets {
				if g.Health != want {
					return fmt.Sprintf("%s is %s: %s", pool, g.Health, g.LastError)
				}
				if want == "down" && !strings.Contains(g.LastError, "401") {
					return fmt.Sprintf("%s is down for another reason: %s", pool, g.LastError)
				}
			}
		}
		return ""
	})
}

func TestTheScrapeListenerServesScrapesOnly(t *testing.T) {
	s := harness.StartClosed(t, "--web.scrape-listen-address=127.0.0.1:0", "--web.scrape-internal-only")
	inside := "http://" + s.Wrote(`msg="Listening for scrapes" address=(\S+)`)[1]
	s.Put("/metrics/job/x", "a 1\n", "X-API-Key", s.Token)
	s.Want(405, "GET", "/metrics", "", "X-API-Key", s.Token)
	s.Want(404, "GET", "/api/v1/targets", "", "X-API-Key", s.Token)
	s.Want(401, "GET", "/metrics", "")
	for _, test := range []struct {
		method, target string
		headers        []string
		want           int
	}{
		{"GET", "/metrics", nil, 401},
		{"GET", "/metrics", []string{"X-Metrics-Key", s.Key}, 200},
		{"GET", "/metrics/job/x", []string{"Authorization", s.BasicAuth()}, 200},
		{"GET", "/health", nil, 200},
		{"PUT", "/metrics/job/x", []string{"X-API-Key", s.Token}, 405},
		{"GET", "/api/v1/status", []string{"X-API-Key", s.Token}, 404},
	} {
		a, err := harness.Send(test.method, inside, test.target, strings.NewReader(""), test.headers...)
		if err != nil || a.Status != test.want {
			t.Errorf("%v %v, want %d", a, err, test.want)
		}
	}
}

func TestAnOpenScrapeListenerAsksForNothing(t *testing.T) {
	s := harness.StartEnv(t, []string{"API_TOKENS=" + harness.Secret("token"), "AUTH_LOCALHOST_BYPASS=false"}, "--web.scrape-listen-address=127.0.0.1:0")
	inside := "http://" + s.Wrote(`msg="Listening for scrapes" address=(\S+)`)[1]
	if a, err := harness.Send("GET", inside, "/metrics", strings.NewReader("")); err != nil || a.Status != 200 {
		t.Errorf("%v %v", a, err)
	}
	s.Want(401, "GET", "/metrics", "")
}

// asNobody runs curl as a user that the server does not run as.
func asNobody(t *testing.T, url string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		harness.Missing(t, "only root can be somebody else")
	}
	cmd := exec.CommandContext(t.Context(), harness.Tool(t, "curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65533, Gid: 65533}}
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestOnlyTheServersOwnUserDoesWithoutACredential(t *testing.T) {
	s := harness.StartEnv(t, []string{"API_TOKENS=" + harness.Secret("token")})
	s.Want(200, "GET", "/", "")
	if status := asNobody(t, s.URL+"/"); status != "401" {
		t.Errorf("another user got %s", status)
	}
	s.Want(200, "GET", "/", "") // the same connection as before, which was remembered
	s.Want(401, "GET", "/", "", "X-Forwarded-For", "127.0.0.1")
	s.Want(401, "GET", "/", "", "X-API-Key", "wrong")

	all := harness.StartEnv(t, []string{"API_TOKENS=" + harness.Secret("token"), "AUTH_LOCALHOST_BYPASS=true"})
	if status := asNobody(t, all.URL+"/"); status != "200" {
		t.Errorf("another user got %s where all users count", status)
	}
}

func TestBehindAPublicAddressBeingLocalIsNotEnough(t *testing.T) {
	s := harness.StartEnv(t, []string{"API_TOKENS=" + harness.Secret("token")}, "--web.external-url=https://push.example.org")
	a := s.Want(401, "GET", "/", "")
	if a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("headers %v", a.Header)
	}
}

func TestCredentialsOnTheWire(t *testing.T) {
	s := harness.StartClosed(t)
	token := "X-API-Key: " + s.Token + "\r\n"
	request := func(line, headers string) string {
		return line + " HTTP/1.1\r\nHost: x\r\n" + headers + "Connection: close\r\n\r\n"
	}
	for name, test := range map[string]struct {
		request string
		want    int
	}{
		"a token":                          {request("GET /", token), 200},
		"a token in a header in capitals":  {request("GET /", strings.ToUpper(token[:9])+token[9:]), 200},
		"a token twice":                    {request("GET /", token+token), 400},
		"a token and a wrong one":          {request("GET /", token+"x-api-key: x\r\n"), 400},
		"Authorization twice":              {request("GET /", "Authorization: Bearer "+s.Token+"\r\nauthorization: Bearer x\r\n"), 400},
		"the key twice":                    {request("GET /metrics", "X-Metrics-Key: "+s.Key+"\r\nX-Metrics-Key: x\r\n"), 400},
		"an underscore for a hyphen":       {request("GET /", "X_API_Key: "+s.Token+"\r\n"), 401},
		"a blank before the colon":         {request("GET /", "X-API-Key : "+s.Token+"\r\n"), 400},
		"another method by header":         {request("GET /metrics/job/x", "X-HTTP-Method-Override: DELETE\r\n"+token), 404},
		"another address by header":        {request("GET /", "X-Original-URL: /health\r\nX-Rewrite-URL: /health\r\n"), 401},
		"an absolute target":               {request("GET http://x/health", ""), 400},
		"an absolute target with a token":  {request("GET http://x/", token), 400},
		"a fragment":                       {request("GET /metrics#/health", ""), 400},
		"a backslash":                      {request("GET /health\\..\\metrics", ""), 401},
		"dots":                             {request("GET /health/../metrics", ""), 400},
		"encoded dots":                     {request("GET /health/%2e%2e/metrics", ""), 400},
		"an encoded slash":                 {request("GET /health%2f..%2fmetrics", ""), 401},
		"a zero byte":                      {request("GET /health%00", ""), 400},
		"health in the query":              {request("GET /metrics?/health", ""), 401},
		"metrics in the query":             {request("GET /health?/metrics", ""), 200},
		"two hosts":                        {"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n", 400},
		"two lengths":                      {"PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\n" + token + "Content-Length: 4\r\nContent-Length: 0\r\nConnection: close\r\n\r\na 1\n", 400},
		"a length and chunks":              {"PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", 401},
		"no version":                       {"GET /\r\n" + token + "\r\n", 400},
		"a method that there is not":       {request("FOO /", ""), 400},
		"a credential in the target":       {request("GET /?key="+s.Key, ""), 401},
		"a name and password in the host":  {"GET / HTTP/1.1\r\nHost: admin:" + s.Password + "@x\r\nConnection: close\r\n\r\n", 401},
		"a malformed line beside a secret": {"GET / HTTP/1.1\r\nHost: x\r\n" + token + "no colon here\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.Dial()
			c.T = t
			c.Write(test.request)
			a := c.Read()
			if a.Status != test.want {
				t.Errorf("%v, want %d", a, test.want)
			}
			for _, hidden := range []string{s.Token, s.Key, s.Password} {
				if strings.Contains(a.Body+fmt.Sprint(a.Header), hidden) {
					t.Errorf("echoes a secret: %v", a)
				}
			}
		})
	}
	s.Want(404, "GET", "/metrics/job/x", "", "X-Metrics-Key", s.Key)
}

func TestHalfAConfigurationIsNoStart(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "web.yml")
	harness.Must(t, os.WriteFile(empty, nil, 0o600))
	for name, test := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"a user without a password": {[]string{"PUSHGATEWAY_AUTH_USER=admin"}, nil, "PUSHGATEWAY_AUTH_PASS"},
		"no token in the list":      {[]string{"API_TOKENS=,"}, nil, "API_TOKENS"},
		"an issuer alone":           {[]string{"JWT_ISSUER=https://issuer.example.org"}, nil, "JWT_AUDIENCE"},
		"a public issuer":           {[]string{"JWT_ISSUER=https://token.actions.githubusercontent.com", "JWT_AUDIENCE=x"}, nil, "--auth.role-map"},
		"a missing web config":      {nil, []string{"--web.config.file=/nowhere"}, "/nowhere"},
		"a role without a CA":       {nil, []string{"--web.config.file=" + empty, "--auth.client-certificate-role=pusher"}, "client_ca_file"},
	} {
		t.Run(name, func(t *testing.T) {
			c := harness.Launch(t, test.env, harness.Binary, append([]string{harness.Loopback, "--storage.path=" + t.TempDir()}, test.args...)...)
			if code := c.Exit(); code != 1 || !strings.Contains(c.Log.String(), test.want) || strings.Contains(c.Log.String(), "goroutine") {
				t.Errorf("exit code %d, wrote %q; want 1 and %q", code, c.Log.String(), test.want)
			}
		})
	}
}
