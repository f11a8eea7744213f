package targets_test

import (
	"net/url"
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/handlers/handlertest"
)

// scrapeConfigs are the two blocks for Prometheus on the page.
func scrapeConfigs(s *handlertest.Server, headers ...string) (whole, each string) {
	s.T.Helper()
	l := s.List("targets?view=scrapers", headers...)
	text := func(id string) string { return l.ByID(id).FirstChild.Data }
	return text("scrape-config"), text("sd-config")
}

func TestTheSettingsForPrometheusFitTheServer(t *testing.T) {
	key := func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) }
	const authorization = `    authorization:
      type: Bearer
      credentials_file: /etc/prometheus/secrets/scrape_key
`
	s := handlertest.Start(t)
	whole, each := scrapeConfigs(s, "Host", "gate.test:9091")
	if want := `scrape_configs:
  - job_name: gatehouse
    honor_labels: true
    static_configs:
      - targets: ["gate.test:9091"]
`; whole != want {
		t.Errorf("got\n%s\nwant\n%s", whole, want)
	}
	if want := `scrape_configs:
  - job_name: gatehouse
    honor_labels: true
    http_sd_configs:
      - url: "http://gate.test:9091/api/v1/targets"
  - job_name: gatehouse-self
    metrics_path: "/metrics/self"
    static_configs:
      - targets: ["gate.test:9091"]
`; each != want {
		t.Errorf("got\n%s\nwant\n%s", each, want)
	}

	s = handlertest.Start(t, key, func(c handlertest.Setup) {
		c.RoutePrefix, c.TelemetryPath = "/pg", "/scrape"
		c.ExternalURL, _ = url.Parse("https://push.example.org/pg")
	})
	whole, each = scrapeConfigs(s, "Host", "inside:9091", "X-Metrics-Key", handlertest.RightKey)
	if want := `scrape_configs:
  - job_name: gatehouse
    scheme: https
    honor_labels: true
    metrics_path: "/pg/scrape"
` + authorization + `    static_configs:
      - targets: ["push.example.org:443"]
`; whole != want {
		t.Errorf("got\n%s\nwant\n%s", whole, want)
	}
	if want := `scrape_configs:
  - job_name: gatehouse
    scheme: https
    honor_labels: true
` + authorization + `    http_sd_configs:
      - url: "https://push.example.org:443/pg/api/v1/targets"
        authorization:
          type: Bearer
          credentials_file: /etc/prometheus/secrets/scrape_key
  - job_name: gatehouse-self
    scheme: https
    metrics_path: "/pg/metrics/self"
` + authorization + `    static_configs:
      - targets: ["push.example.org:443"]
`; each != want {
		t.Errorf("got\n%s\nwant\n%s", each, want)
	}
}

func TestTheSettingsForPrometheusHaveTheBestCredential(t *testing.T) {
	key := func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) }
	token := func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) }
	certificate := func(c handlertest.Setup) { c.Guard.CertificateRole = auth.Reader }
	fake := issuertest.New(t)
	for _, test := range []struct {
		name    string
		change  []func(handlertest.Setup)
		want    string
		secrets []string
	}{
		{"nothing", nil, "", nil},
		{"the key", []func(handlertest.Setup){handlertest.EveryCredential(fake)}, "secrets/scrape_key", []string{handlertest.RightKey, handlertest.RightToken, handlertest.RightPassword}},
		{"a token", []func(handlertest.Setup){handlertest.OneUser, token}, "secrets/gatehouse_token", []string{handlertest.RightToken}},
		{"a password", []func(handlertest.Setup){handlertest.OneUser}, "basic_auth:", []string{handlertest.RightPassword}},
		{"a certificate", []func(handlertest.Setup){certificate}, "tls_config:", nil},
		{"elsewhere only the key counts", []func(handlertest.Setup){handlertest.OneUser, token, func(c handlertest.Setup) { c.ScrapeInternalOnly = true }}, "", nil},
		{"elsewhere with the key", []func(handlertest.Setup){key, func(c handlertest.Setup) { c.ScrapeInternalOnly = true }}, "secrets/scrape_key", []string{handlertest.RightKey}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, test.change...)
			headers := s.StartSession("a-reader", auth.Reader)
			if s.Get("/targets", headers...).Status == 401 {
				headers = []string{"X-Metrics-Key", handlertest.RightKey}
			}
			whole, each := scrapeConfigs(s, headers...)
			if test.want == "" && strings.Contains(whole+each, "_file") || strings.Count(whole, test.want) != 1 && test.want != "" {
				t.Errorf("got\n%s", whole)
			}
			if n := strings.Count(each, test.want); test.want != "" && n != 3 {
				t.Errorf("%d times in\n%s", n, each)
			}
			for _, secret := range test.secrets {
				if strings.Contains(s.List("targets?view=scrapers", headers...).Body, secret) {
					t.Errorf("shows a secret")
				}
			}
		})
	}
}

func TestTheSettingsNameTheListenerThatServesScrapes(t *testing.T) {
	for _, test := range []struct{ listen, here, want string }{
		{"10.1.0.5:9092", "gate.test:80", "10.1.0.5:9092"},
		{":9092", "gate.test:80", "gate.test:9092"},
		{"0.0.0.0:9092", "gate.test:80", "gate.test:9092"},
		{"[::]:9092,10.1.0.5:1", "[::1]:80", "[::1]:9092"},
		{"[fd00::5]:9092", "gate.test:80", "[fd00::5]:9092"},
		{"vsock://:9092", "gate.test:80", "SCRAPE-LISTEN-ADDRESS"},
		{"unix:///run/x.sock", "gate.test:80", "SCRAPE-LISTEN-ADDRESS"},
		{"unix:///run/x.sock,10.1.0.5:1", "gate.test:80", "10.1.0.5:1"},
		{"", "gate.test:80", "SCRAPE-LISTEN-ADDRESS"},
	} {
		s := handlertest.Start(t, func(c handlertest.Setup) {
			c.ScrapeInternalOnly, c.ScrapeAddresses = true, strings.Split(test.listen, ",")
		})
		if whole, _ := scrapeConfigs(s, "Host", test.here); !strings.Contains(whole, `- targets: ["`+test.want+`"]`) {
			t.Errorf("%q: want %s in\n%s", test.listen, test.want, whole)
		}
	}
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.ScrapeInternalOnly = true
		c.ScrapeAddresses = []string{":9092"}
	})
	if whole, each := scrapeConfigs(s, "Host", "gate.test:9091"); !strings.Contains(whole, `["gate.test:9092"]`) || !strings.Contains(each, `"http://gate.test:9092/api/v1/targets"`) {
		t.Errorf("got\n%s\n%s", whole, each)
	}
}
