package harness

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/app/webconfig/certtest"
)

// proxyAddress is where nginx listens. Nothing else binds this address, so that
// a port that was free there a moment ago still is.
const proxyAddress = "127.0.0.8"

// StartNginx runs nginx before s, with lines for its location, as a user of its
// own where that can be chosen.
func StartNginx(t *testing.T, s *Server, lines ...string) *Server {
	t.Helper()
	return runNginx(t, s, "", lines...)
}

// StartNginxTLS is startNginx for https.
func StartNginxTLS(t *testing.T, s *Server, lines ...string) *Server {
	t.Helper()
	certificate := certtest.NewCA(t, "ca").Server(t, "gatehouse")
	proxy := runNginx(t, s, fmt.Sprintf("ssl; ssl_certificate %s; ssl_certificate_key %s", certificate.CertFile, certificate.KeyFile), lines...)
	proxy.URL = "https://" + proxy.Addr
	return proxy
}

func runNginx(t *testing.T, s *Server, listen string, lines ...string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", proxyAddress+":0")
	Must(t, err)
	addr := l.Addr().String()
	Must(t, l.Close())
	dir, user := t.TempDir(), ""
	if os.Geteuid() == 0 {
		user = "user www-data;"
		Must(t, os.Chmod(filepath.Dir(dir), 0o711)) // it keeps large bodies below
	}
	config := filepath.Join(dir, "nginx.conf")
	Must(t, os.WriteFile(config, []byte(fmt.Sprintf(`
daemon off;
%s
worker_processes 1;
pid %[2]s/pid;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	server {
		listen %[3]s %[6]s;
		location / {
			proxy_pass %[4]s;
			%[5]s
		}
	}
}
`, user, dir, addr, s.URL, strings.Join(lines, "\n\t\t\t"), listen)), 0o600))
	c := Launch(t, nil, Tool(t, "/usr/sbin/nginx"), "-e", "stderr", "-c", config)
	t.Cleanup(c.Stop) // killed, it would leave its worker behind
	Until(t, "nginx to listen", func() string {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err.Error()
		}
		Must(t, conn.Close())
		return ""
	})
	return &Server{Child: c, Addr: addr, URL: "http://" + addr}
}
