package scrape

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

// startHAProxy runs HAProxy before s, with the settings of Debian's file.
func startHAProxy(t *testing.T, s *harness.Server) *harness.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	defer l.Close()
	inherited, err := l.(*net.TCPListener).File()
	harness.Must(t, err)
	defer inherited.Close()
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	harness.Must(t, os.WriteFile(config, []byte(fmt.Sprintf(`
defaults
	mode http
	option dontlognull
	timeout connect 5000
	timeout client 50000
	timeout server 50000
frontend in
	bind fd@3
	default_backend gatehouse
backend gatehouse
	server gatehouse %s
`, s.Addr)), 0o600))
	cmd := exec.Command(harness.Tool(t, "/usr/sbin/haproxy"), "-db", "-f", config)
	cmd.ExtraFiles = []*os.File{inherited}
	c := harness.LaunchCommand(t, cmd)
	addr := l.Addr().String() // open before HAProxy is: early clients wait
	return &harness.Server{Child: c, Addr: addr, URL: "http://" + addr}
}

func startStockNginx(t *testing.T, s *harness.Server) *harness.Server {
	t.Helper()
	return harness.StartNginx(t, s, "client_max_body_size 20m;")
}

func TestPushesAndScrapesPassThroughStockProxies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		peer  *peers.Peer
		start func(*testing.T, *harness.Server) *harness.Server
	}{"nginx": {peers.Nginx, startStockNginx}, "HAProxy": {peers.HAProxy, startHAProxy}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peers.Runs(t, test.peer)
			s := harness.Start(t)
			proxy := test.start(t, s)
			proxy.Put("/metrics/job/a%2Fb/path/%2Fvar%2F/zone//instance/%2525", "m 1\n")
			proxy.Put("/metrics/job/zipped", harness.Gzip("m 4\n"), "Content-Encoding", "gzip")
			proxy.Put("/metrics/job/gone", "m 5\n")
			takesASlashTooMany(proxy)
			pushesInEveryFraming(proxy)
			a := proxy.Want(400, "PUT", "/metrics/job/zipped", "m 1\nm 1\n")
			if strings.Count(a.Body, "\n") != 1 || !strings.Contains(a.Body, "line 2") {
				t.Error(a)
			}
			if a := proxy.Want(400, "GET", "/metrics/job/zipped", "m 1\n"); !strings.Contains(a.Body, "push with PUT or POST") {
				t.Error(a)
			}
			want := "m{instance=\"%25\",job=\"a/b\",path=\"/var/\"} 1\nm{instance=\"\",job=\"slashes\"} 2\nn{instance=\"\",job=\"slashes\"} 3\nm{instance=\"\",job=\"zipped\"} 4\n" +
				"m{instance=\"\",job=\"chunks\"} 6\nm{instance=\"\",job=\"continue\"} 7\nm{instance=\"\",job=\"old\"} 8\nlarge{instance=\"\",job=\"large\"} 9\n"
			proxy.Holds(want)
			isReadByAnOldClient(proxy, want)
			listsTargetsThatAnswer(proxy, 7)
		})
	}
}

// takesASlashTooMany does what clients do whose base address ends in a slash.
func takesASlashTooMany(s *harness.Server) {
	s.T.Helper()
	for _, test := range []struct {
		status        int
		request, body string
	}{
		{200, "PUT //metrics/job/slashes", "m 2\n"},
		{200, "POST //metrics/job/slashes", "n 3\n"},
		{200, "GET //metrics/job/slashes", ""},
		{202, "DELETE //metrics/job/gone", ""},
	} {
		c := s.Dial()
		c.Write(fmt.Sprintf("%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", test.request, s.Addr, len(test.body), test.body))
		if a := c.Read(); a.Status != test.status {
			s.T.Errorf("%v, want %d", a, test.status)
		}
	}
}

// pushesInEveryFraming pushes as clients delimit what they send.
func pushesInEveryFraming(s *harness.Server) {
	s.T.Helper()
	for _, test := range []struct{ name, request, rest string }{
		{"in chunks", "PUT /metrics/job/chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nm \r\n2\r\n6\n\r\n0\r\n\r\n", ""},
		{"over HTTP 1.0", "PUT /metrics/job/old HTTP/1.0\r\nContent-Length: 4\r\n\r\nm 8\n", ""},
		{"after Expect", "PUT /metrics/job/continue HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", "m 7\n"},
	} {
		c := s.Dial()
		c.Write(test.request)
		a := c.Read()
		if test.rest != "" && a.Status == 100 {
			c.Write(test.rest)
			a = c.Read()
		}
		if a.Status != 200 {
			s.T.Errorf("%s: %v", test.name, a)
		}
	}
	// More than what proxies hold in memory.
	s.Put("/metrics/job/large", string(harness.Comments(3_000_000))+"large 9\n")
}

// isReadByAnOldClient scrapes over HTTP/1.0, which knows no chunks.
func isReadByAnOldClient(s *harness.Server, want string) {
	s.T.Helper()
	c := s.Dial()
	c.Write("GET /metrics HTTP/1.0\r\n\r\n")
	a := c.Read()
	if a.Status != 200 || a.Header.Get("Transfer-Encoding") != "" {
		s.T.Fatalf("%v %v", a, a.Header)
	}
	if d := harness.Difference(harness.Pushed(harness.Samples(s.T, harness.AcceptText, a.Body)), harness.Samples(s.T, harness.AcceptText, want)); d != "" {
		s.T.Errorf("scraped over HTTP 1.0\n%s", d)
	}
}

// listsTargetsThatAnswer scrapes what Prometheus would discover.
func listsTargetsThatAnswer(s *harness.Server, count int) {
	s.T.Helper()
	var targets []struct {
		Targets []string
		Labels  map[string]string
	}
	harness.Must(s.T, json.Unmarshal([]byte(s.Want(200, "GET", "/api/v1/targets", "").Body), &targets))
	if len(targets) != count {
		s.T.Errorf("there are %d targets, want %d", len(targets), count)
	}
	for _, target := range targets {
		at := target.Labels["__scheme__"] + "://" + target.Targets[0]
		a, err := harness.Send("GET", at, target.Labels["__metrics_path__"], nil, "Accept", harness.AcceptOpenMetrics)
		harness.Must(s.T, err)
		if a.Status != 200 || len(harness.Pushed(harness.Samples(s.T, a.Header.Get("Content-Type"), a.Body))) == 0 {
			s.T.Errorf("%s: %v", at, a)
		}
	}
}

func TestNginxItselfRefusesLargePushesByDefault(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	proxy := harness.StartNginx(t, s)
	proxy.Want(413, "PUT", "/metrics/job/large", string(harness.Comments(1_100_000))+"large 9\n")
	proxy.Put("/metrics/job/large", string(harness.Comments(900_000))+"large 9\n")
}

func TestHAProxyPassesOnARefusalInsteadOf100Continue(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := startHAProxy(t, s).Dial()
	c.Write("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 17000000\r\nExpect: 100-continue\r\n\r\n")
	if a := c.Read(); a.Status != 413 || strings.Count(a.Body, "\n") != 1 {
		t.Error(a)
	}
}
