package targets

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	views "gatehouse/views/targets"
)

// scrapedAt is where and how Prometheus reaches this server, as far as its
// configuration says so.
type scrapedAt struct {
	scheme, host  string
	prefix        string
	telemetryPath string
	credential    auth.Scheme // that is asked for
}

// snippets are settings for Prometheus that fit this server.
func (h *Handler) snippets(c *fiber.Ctx) []views.Snippet {
	at := h.scrapedAt(c)
	note := credentialNotes[at.credential]
	return []views.Snippet{
		{
			ID: "scrape-config", Title: "Everything at once", Text: at.whole(), Note: note,
			About: "honor_labels keeps the job and instance that were pushed: without it Prometheus replaces them.",
		},
		{
			ID: "sd-config", Title: "A target per grouping", Text: at.each(), Note: note,
			About: "Use this instead of the above, not in addition: each grouping is scraped on its own and has its own up.",
		},
	}
}

// TokenConfig returns a scrape configuration that presents an API token; empty: scrapes
// are served where none is needed.
func (h *Handler) TokenConfig(c *fiber.Ctx) string {
	at := h.scrapedAt(c)
	if h.ScrapeInternalOnly && at.credential == "" {
		return ""
	}
	at.credential = auth.APIToken
	return at.whole()
}

func (h *Handler) scrapedAt(c *fiber.Ctx) scrapedAt {
	at := scrapedAt{prefix: h.web.PublicPrefix, telemetryPath: h.web.TelemetryPath}
	at.scheme, at.host = h.web.Address(c)
	methods := h.web.Guard.Methods()
	for _, scheme := range credentialOrder {
		if slices.ContainsFunc(methods, func(m guard.Method) bool { return m.Scheme == scheme }) {
			at.credential = scheme
			break
		}
	}
	if h.ScrapeInternalOnly {
		// That listener trusts all clients, but for the key.
		if at.credential != auth.ScrapeKey {
			at.credential = ""
		}
		at.host = elsewhere(h.ScrapeAddresses, at.host)
		at.scheme = "http"
		if c.Context().IsTLS() {
			at.scheme = "https"
		}
	}
	return at
}

// elsewhere is the address of the listener for scrapes: the first one of a list
// that a client can reach by TCP. One that listens everywhere is reached under the
// name of this one.
func elsewhere(listen []string, here string) string {
	const unknown = "SCRAPE-LISTEN-ADDRESS"
	at := slices.IndexFunc(listen, func(s string) bool { return !strings.Contains(s, "/") })
	if at < 0 {
		return unknown
	}
	host, port, err := net.SplitHostPort(listen[at])
	if err != nil {
		return unknown
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if name, _, err := net.SplitHostPort(here); err == nil {
			host = name
		}
	}
	return net.JoinHostPort(host, port)
}

// credentialOrder are the credentials of programs, the best ones for Prometheus
// first.
var credentialOrder = []auth.Scheme{auth.ScrapeKey, auth.APIToken, auth.Basic, auth.JWT, auth.Certificate}

// credentialBlocks are how Prometheus gives a credential. The type is the usual
// one, but for discovery old versions don't know that.
var credentialBlocks = map[auth.Scheme][]string{
	auth.ScrapeKey:   {"authorization:", "  type: Bearer", "  credentials_file: /etc/prometheus/secrets/scrape_key"},
	auth.APIToken:    {"authorization:", "  type: Bearer", "  credentials_file: /etc/prometheus/secrets/gatehouse_token"},
	auth.JWT:         {"authorization:", "  type: Bearer", "  credentials_file: /etc/prometheus/secrets/gatehouse_token"},
	auth.Basic:       {"basic_auth:", "  username: USER", "  password_file: /etc/prometheus/secrets/gatehouse_password"},
	auth.Certificate: {"tls_config:", "  cert_file: /etc/prometheus/tls/prometheus.crt", "  key_file: /etc/prometheus/tls/prometheus.key"},
}

// credentialNotes say what is in the files.
var credentialNotes = map[auth.Scheme]string{
	auth.ScrapeKey:   "The file contains the scrape key, the server's METRICS_VERIFICATION_KEY.",
	auth.APIToken:    "The file contains an API token. A scrape key (METRICS_VERIFICATION_KEY) can only read metrics.",
	auth.JWT:         "The file contains a token of the issuer. A scrape key (METRICS_VERIFICATION_KEY) does not expire.",
	auth.Basic:       "The file contains the password of USER. A scrape key (METRICS_VERIFICATION_KEY) can only read metrics.",
	auth.Certificate: "The files are a client certificate that the server accepts, and its key.",
}

// whole scrapes everything at once.
func (at scrapedAt) whole() string {
	var y yamlLines
	y.job(at, "gatehouse")
	y.add(4, "honor_labels: true")
	if path := at.prefix + at.telemetryPath; path != "/metrics" {
		y.add(4, "metrics_path: "+strconv.Quote(path))
	}
	y.target(at)
	return y.String()
}

// each scrapes every grouping as a target of its own, and the server's own
// metrics beside them.
func (at scrapedAt) each() string {
	var y yamlLines
	y.job(at, "gatehouse")
	y.add(4, "honor_labels: true")
	y.credential(4, at)
	y.add(4, "http_sd_configs:")
	y.add(6, "- url: "+strconv.Quote(at.scheme+"://"+at.host+at.prefix+"/api/v1/targets"))
	y.credential(8, at)
	y.add(2, "- job_name: gatehouse-self")
	y.scheme(at)
	y.add(4, "metrics_path: "+strconv.Quote(at.prefix+"/metrics/self"))
	y.target(at)
	return y.String()
}

// yamlLines is a part of Prometheus' configuration.
type yamlLines struct{ strings.Builder }

func (y *yamlLines) add(indent int, line string) {
	y.WriteString(strings.Repeat(" ", indent) + line + "\n")
}

func (y *yamlLines) job(at scrapedAt, name string) {
	y.add(0, "scrape_configs:")
	y.add(2, "- job_name: "+name)
	y.scheme(at)
}

func (y *yamlLines) scheme(at scrapedAt) {
	if at.scheme != "http" {
		y.add(4, "scheme: "+at.scheme)
	}
}

func (y *yamlLines) credential(indent int, at scrapedAt) {
	for _, line := range credentialBlocks[at.credential] {
		y.add(indent, line)
	}
}

func (y *yamlLines) target(at scrapedAt) {
	y.credential(4, at)
	y.add(4, "static_configs:")
	y.add(6, "- targets: ["+strconv.Quote(at.host)+"]")
}
