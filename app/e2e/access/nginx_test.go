package access

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// stranger is a user other than the server's, as which nginx runs.
func stranger(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		harness.Missing(t, "only root can run nginx as another user")
	}
}

const (
	basicUser = "PUSHGATEWAY_AUTH_USER=admin"
	basicPass = "PUSHGATEWAY_AUTH_PASS=s3cret:with:colons"
	// basicHeader is what the two make.
	basicHeader = "Basic YWRtaW46czNjcmV0OndpdGg6Y29sb25z"
)

func TestAProxyOnTheSameMachineIsNoLocalUser(t *testing.T) {
	t.Parallel()
	stranger(t)
	for _, test := range []struct {
		name, bypass    string
		lines           []string
		direct, proxied int
	}{
		{"by itself", "", nil, 200, 401},
		{"automatic", "auto", nil, 200, 401},
		{"automatic, with a local Host", "auto", []string{"proxy_set_header Host localhost;"}, 200, 401},
		{"off", "false", nil, 401, 401},
		// This is the purpose of the automatic way.
		{"forced, nothing tells of the proxy", "true", nil, 200, 200},
		{"forced, X-Forwarded-For", "true", []string{"proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"}, 200, 401},
		{"forced, X-Forwarded-Proto", "true", []string{"proxy_set_header X-Forwarded-Proto $scheme;"}, 200, 401},
		{"forced, X-Real-IP", "true", []string{"proxy_set_header X-Real-IP $remote_addr;"}, 200, 401},
		{"forced, Forwarded", "true", []string{"proxy_set_header Forwarded for=$remote_addr;"}, 200, 401},
		{"forced, a public Host", "true", []string{"proxy_set_header Host gatehouse.example;"}, 200, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env := []string{basicUser, basicPass}
			if test.bypass != "" {
				env = append(env, "AUTH_LOCALHOST_BYPASS="+test.bypass)
			}
			s := harness.StartEnv(t, env)
			proxy := harness.StartNginx(t, s, test.lines...)
			for _, target := range []string{"/metrics", "/api/v1/status"} {
				s.Want(test.direct, "GET", target, "")
				proxy.Want(test.proxied, "GET", target, "")
			}
			s.Want(test.direct, "PUT", "/metrics/job/direct", "m 1\n")
			proxy.Want(test.proxied, "PUT", "/metrics/job/proxied", "m 1\n")
			proxy.Put("/metrics/job/known", "m 1\n", "Authorization", basicHeader)
			proxy.Want(401, "GET", "/metrics", "", "Authorization", basicHeader+"eA")
			s.Want(401, "GET", "/metrics", "", "Authorization", basicHeader+"eA")
			held := s.Want(200, "GET", "/metrics", "", "Authorization", basicHeader).Body
			for job, want := range map[string]bool{"direct": test.direct == 200, "proxied": test.proxied == 200, "known": true} {
				if got := strings.Contains(held, fmt.Sprintf("m{instance=\"\",job=%q} 1\n", job)); got != want {
					t.Errorf("the grouping of job %s is held: %t, want %t", job, got, want)
				}
			}
		})
	}
}

func TestPathsSurviveABareProxyPass(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	proxy := harness.StartNginx(t, s)
	proxy.Put("/metrics/job/a%2Fb/path/%2Fvar%2Ftmp%2F", "m 1\n")
	proxy.Put("/metrics/job/..%2F%2e%2e/zone//instance/i", "m 2\n")
	proxy.Put("/metrics/job/100%25+/instance/%2525", "m 3\n")
	s.Holds(`m{instance="",job="a/b",path="/var/tmp/"} 1
m{instance="i",job="../.."} 2
m{instance="%25",job="100%+"} 3
`)
}

// statusFrom does a request whose client has an address of its own.
func statusFrom(s *harness.Server, address, target string, headers http.Header) int {
	s.T.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: harness.Patience}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, addr)
		},
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(s.T.Context(), "GET", s.URL+target, nil)
	harness.Must(s.T, err)
	maps.Copy(req.Header, headers)
	resp, err := transport.RoundTrip(req)
	harness.Must(s.T, err)
	harness.Must(s.T, resp.Body.Close())
	return resp.StatusCode
}

func TestAClientBehindAProxyCannotChooseItsAddress(t *testing.T) {
	t.Parallel()
	const friend, other, xff = "127.0.0.70", "127.0.0.71", "X-Forwarded-For"
	s := harness.StartEnv(t, nil, "--web.trusted-proxies=127.0.0.1", "--auth.allowed-cidrs="+friend+"/32")
	// nginx reaches the server from the first of loopback's addresses.
	proxy := harness.StartNginx(t, s, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
	for _, test := range []struct {
		name   string
		to     *harness.Server
		from   string
		header http.Header
		status int
	}{
		{"a friend", proxy, friend, nil, 200},
		{"a stranger", proxy, other, nil, 403},
		{"a stranger who claims to be a friend", proxy, other, http.Header{xff: {friend}}, 403},
		{"a stranger with two claims", proxy, other, http.Header{xff: {friend, friend}}, 403},
		{"a stranger with a chain of claims", proxy, other, http.Header{xff: {friend + ", 127.0.0.1"}}, 403},
		{"a stranger with other claims", proxy, other, http.Header{"X-Real-Ip": {friend}, "Forwarded": {"for=" + friend}}, 403},
		{"a friend who claims to be a stranger", proxy, friend, http.Header{xff: {other}}, 200},
		{"the proxy itself", s, "127.0.0.1", nil, 403},
		{"the proxy for a friend", s, "127.0.0.1", http.Header{xff: {friend}}, 200},
		{"a friend without a proxy", s, friend, nil, 200},
		{"a stranger without a proxy who claims to be a friend", s, other, http.Header{xff: {friend}}, 403},
	} {
		if got := statusFrom(test.to, test.from, "/metrics", test.header); got != test.status {
			t.Errorf("%s: %d, want %d", test.name, got, test.status)
		}
	}
}

func TestTargetsBehindAProxyWithTLSAreReachedByHTTPS(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil, "--web.trusted-proxies=127.0.0.1")
	proxy := harness.StartNginxTLS(t, s, "proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", "proxy_set_header X-Forwarded-Proto $scheme;")
	s.Put("/metrics/job/x", "a 1\n")
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	req, err := http.NewRequestWithContext(t.Context(), "GET", proxy.URL+"/api/v1/targets", nil)
	harness.Must(t, err)
	req.Header.Set("X-Forwarded-Proto", "http") // nginx replaces it
	resp, err := c.Do(req)
	harness.Must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	harness.Must(t, err)
	if text := string(body); resp.StatusCode != 200 || !strings.Contains(text, `"__scheme__":"https"`) || !strings.Contains(text, `"targets":["`+proxy.Addr+`"]`) {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}
