package handlers

import (
	"net/url"
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer/issuertest"
)

// settings are the two blocks for Prometheus on the page.
func (s *served) settings(headers ...string) (whole, each string) {
	s.t.Helper()
	l := s.browse("targets?view=scrapers", headers...)
	text := func(id string) string { return l.id(id).FirstChild.Data }
	return text("scrape-config"), text("sd-config")
}

func TestTheSettingsForPrometheusFitTheServer(t *testing.T) {
	key := func(c setup) { c.Guard.ScrapeKey = credential.NewSecret(rightKey) }
	const authorization = `    authorization:
      type: Bearer
      credentials_file: /etc/prometheus/secrets/scrape_key
`
	s := serve(t)
	whole, each := s.settings("Host", "gate.test:9091")
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

	s = serve(t, key, func(c setup) {
		c.RoutePrefix, c.TelemetryPath = "/pg", "/scrape"
		c.ExternalURL, _ = url.Parse("https://push.example.org/pg")
	})
	whole, each = s.settings("Host", "inside:9091", "X-Metrics-Key", rightKey)
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
	key := func(c setup) { c.Guard.ScrapeKey = credential.NewSecret(rightKey) }
	token := func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) }
	certificate := func(c setup) { c.Guard.CertificateRole = auth.Reader }
	fake := issuertest.New(t)
	for _, test := range []struct {
		name    string
		change  []func(setup)
		want    string
		secrets []string
	}{
		{"nothing", nil, "", nil},
		{"the key", []func(setup){everything(fake)}, "secrets/scrape_key", []string{rightKey, rightToken, rightPassword}},
		{"a token", []func(setup){oneUser, token}, "secrets/gatehouse_token", []string{rightToken}},
		{"a password", []func(setup){oneUser}, "basic_auth:", []string{rightPassword}},
		{"a certificate", []func(setup){certificate}, "tls_config:", nil},
		{"elsewhere only the key counts", []func(setup){oneUser, token, func(c setup) { c.ScrapesElsewhere = true }}, "", nil},
		{"elsewhere with the key", []func(setup){key, func(c setup) { c.ScrapesElsewhere = true }}, "secrets/scrape_key", []string{rightKey}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.change...)
			headers := s.begun("a-reader", auth.Reader)
			if s.get("/targets", headers...).status == 401 {
				headers = []string{"X-Metrics-Key", rightKey}
			}
			whole, each := s.settings(headers...)
			if test.want == "" && strings.Contains(whole+each, "_file") || strings.Count(whole, test.want) != 1 && test.want != "" {
				t.Errorf("got\n%s", whole)
			}
			if n := strings.Count(each, test.want); test.want != "" && n != 3 {
				t.Errorf("%d times in\n%s", n, each)
			}
			for _, secret := range test.secrets {
				if strings.Contains(s.browse("targets?view=scrapers", headers...).body, secret) {
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
		s := serve(t, func(c setup) { c.ScrapesElsewhere, c.ScrapeAddresses = true, strings.Split(test.listen, ",") })
		if whole, _ := s.settings("Host", test.here); !strings.Contains(whole, `- targets: ["`+test.want+`"]`) {
			t.Errorf("%q: want %s in\n%s", test.listen, test.want, whole)
		}
	}
	s := serve(t, func(c setup) {
		c.ScrapesElsewhere = true
		c.ScrapeAddresses = []string{":9092"}
	})
	if whole, each := s.settings("Host", "gate.test:9091"); !strings.Contains(whole, `["gate.test:9092"]`) || !strings.Contains(each, `"http://gate.test:9092/api/v1/targets"`) {
		t.Errorf("got\n%s\n%s", whole, each)
	}
}
