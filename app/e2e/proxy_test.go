package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startHAProxy runs HAProxy before s, with the settings of Debian's file.
func startHAProxy(t *testing.T, s *server) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	inherited, err := l.(*net.TCPListener).File()
	must(t, err)
	defer inherited.Close()
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	must(t, os.WriteFile(config, []byte(fmt.Sprintf(`
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
`, s.addr)), 0o600))
	cmd := exec.Command(tool(t, "/usr/sbin/haproxy"), "-db", "-f", config)
	cmd.ExtraFiles = []*os.File{inherited}
	c := launchCommand(t, cmd)
	addr := l.Addr().String() // open before HAProxy is: who comes early waits
	return &server{child: c, addr: addr, url: "http://" + addr}
}

func startStockNginx(t *testing.T, s *server) *server {
	t.Helper()
	return startNginx(t, s, "client_max_body_size 20m;")
}

func TestPushesAndScrapesPassThroughStockProxies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		peer  *peer
		start func(*testing.T, *server) *server
	}{"nginx": {nginxPeer, startStockNginx}, "HAProxy": {haproxyPeer, startHAProxy}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs(t, test.peer)
			s := start(t)
			proxy := test.start(t, s)
			proxy.put("/metrics/job/a%2Fb/path/%2Fvar%2F/zone//instance/%2525", "m 1\n")
			proxy.put("/metrics/job/zipped", gzipOf("m 4\n"), "Content-Encoding", "gzip")
			proxy.put("/metrics/job/gone", "m 5\n")
			proxy.takesASlashTooMany()
			proxy.pushesInEveryFraming()
			a := proxy.want(400, "PUT", "/metrics/job/zipped", "m 1\nm 1\n")
			if strings.Count(a.body, "\n") != 1 || !strings.Contains(a.body, "line 2") {
				t.Error(a)
			}
			if a := proxy.want(400, "GET", "/metrics/job/zipped", "m 1\n"); !strings.Contains(a.body, "push with PUT or POST") {
				t.Error(a)
			}
			want := "m{instance=\"%25\",job=\"a/b\",path=\"/var/\"} 1\nm{instance=\"\",job=\"slashes\"} 2\nn{instance=\"\",job=\"slashes\"} 3\nm{instance=\"\",job=\"zipped\"} 4\n" +
				"m{instance=\"\",job=\"chunks\"} 6\nm{instance=\"\",job=\"continue\"} 7\nm{instance=\"\",job=\"old\"} 8\nlarge{instance=\"\",job=\"large\"} 9\n"
			proxy.holds(want)
			proxy.isReadByAnOldClient(want)
			proxy.listsTargetsThatAnswer(7)
		})
	}
}

// takesASlashTooMany does what clients do whose base address ends in a slash.
func (s *server) takesASlashTooMany() {
	s.t.Helper()
	for _, test := range []struct {
		status        int
		request, body string
	}{
		{200, "PUT //metrics/job/slashes", "m 2\n"},
		{200, "POST //metrics/job/slashes", "n 3\n"},
		{200, "GET //metrics/job/slashes", ""},
		{202, "DELETE //metrics/job/gone", ""},
	} {
		c := s.dial()
		c.write(fmt.Sprintf("%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", test.request, s.addr, len(test.body), test.body))
		if a := c.read(); a.status != test.status {
			s.t.Errorf("%v, want %d", a, test.status)
		}
	}
}

// pushesInEveryFraming pushes as clients delimit what they send.
func (s *server) pushesInEveryFraming() {
	s.t.Helper()
	for _, test := range []struct{ name, request, rest string }{
		{"in chunks", "PUT /metrics/job/chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nm \r\n2\r\n6\n\r\n0\r\n\r\n", ""},
		{"over HTTP 1.0", "PUT /metrics/job/old HTTP/1.0\r\nContent-Length: 4\r\n\r\nm 8\n", ""},
		{"after Expect", "PUT /metrics/job/continue HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", "m 7\n"},
	} {
		c := s.dial()
		c.write(test.request)
		a := c.read()
		if test.rest != "" && a.status == 100 {
			c.write(test.rest)
			a = c.read()
		}
		if a.status != 200 {
			s.t.Errorf("%s: %v", test.name, a)
		}
	}
	// More than what proxies hold in memory.
	s.put("/metrics/job/large", string(comments(3_000_000))+"large 9\n")
}

// isReadByAnOldClient scrapes over HTTP/1.0, which knows no chunks.
func (s *server) isReadByAnOldClient(want string) {
	s.t.Helper()
	c := s.dial()
	c.write("GET /metrics HTTP/1.0\r\n\r\n")
	a := c.read()
	if a.status != 200 || a.header.Get("Transfer-Encoding") != "" {
		s.t.Fatalf("%v %v", a, a.header)
	}
	if d := difference(pushed(samples(s.t, acceptText, a.body)), samples(s.t, acceptText, want)); d != "" {
		s.t.Errorf("scraped over HTTP 1.0\n%s", d)
	}
}

// listsTargetsThatAnswer scrapes what Prometheus would discover.
func (s *server) listsTargetsThatAnswer(count int) {
	s.t.Helper()
	var targets []struct {
		Targets []string
		Labels  map[string]string
	}
	must(s.t, json.Unmarshal([]byte(s.want(200, "GET", "/api/v1/targets", "").body), &targets))
	if len(targets) != count {
		s.t.Errorf("there are %d targets, want %d", len(targets), count)
	}
	for _, target := range targets {
		at := target.Labels["__scheme__"] + "://" + target.Targets[0]
		a, err := send("GET", at, target.Labels["__metrics_path__"], nil, "Accept", acceptOpenMetrics)
		must(s.t, err)
		if a.status != 200 || len(pushed(samples(s.t, a.header.Get("Content-Type"), a.body))) == 0 {
			s.t.Errorf("%s: %v", at, a)
		}
	}
}

func TestNginxItselfRefusesLargePushesUntilItIsToldOtherwise(t *testing.T) {
	t.Parallel()
	s := start(t)
	proxy := startNginx(t, s)
	proxy.want(413, "PUT", "/metrics/job/large", string(comments(1_100_000))+"large 9\n")
	proxy.put("/metrics/job/large", string(comments(900_000))+"large 9\n")
}

func TestHAProxyPassesOnARefusalInsteadOf100Continue(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := startHAProxy(t, s).dial()
	c.write("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 17000000\r\nExpect: 100-continue\r\n\r\n")
	if a := c.read(); a.status != 413 || strings.Count(a.body, "\n") != 1 {
		t.Error(a)
	}
}
