package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// site is a server whose address is known before it starts, and stays when it
// is started again. People reach it as localhost, and the provider at a number:
// for a browser these are two sites.
type site struct {
	*server
	origin string // http://localhost:PORT
	token  string // an admin's
	// password is that of the user operator.
	password string
	// provider is where people sign in, if there is one, as client.
	provider *provider
	client   clientMetadata

	socket *os.File
	env    []string
	args   []string
}

// newSite makes the address of a server, and where it keeps things. It listens
// from then on; answers come once the server has been started.
func newSite(t *testing.T, env []string, args ...string) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	socket, err := l.(*net.TCPListener).File()
	must(t, err)
	must(t, l.Close()) // the file keeps it open
	t.Cleanup(func() { _ = socket.Close() })
	_, port, _ := strings.Cut(addr, ":")
	return &site{
		server: &server{addr: addr, url: "http://" + addr, dir: filepath.Join(t.TempDir(), "store")},
		origin: "http://localhost:" + port,
		socket: socket, env: env, args: args,
	}
}

// start runs the server, as systemd would. It can be started again once it has
// ended.
func (s *site) start(t *testing.T) *site {
	t.Helper()
	args := append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"`, "sh", binary, "--web.systemd-socket", "--storage.path=" + s.dir}, s.args...)
	cmd := exec.Command("sh", args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.ExtraFiles = []*os.File{s.socket}
	s.child = launchCommand(t, cmd)
	s.wrote(`msg=Listening`)
	return s
}

// as is the site in the eyes of another test.
func (s *site) as(t *testing.T) *site {
	c, server, again := *s.child, *s.server, *s
	c.t = t
	server.child, again.server = &c, &server
	return &again
}

// at is an address of the site.
func (s *site) at(path string) string { return s.origin + path }

// cookie is the name of a cookie of the site, over http.
func (s *site) cookie(what string) string {
	return "gatehouse_" + what + "_" + s.suffix()
}

// suffix is what the site's cookies end in: they are named after its store.
func (s *site) suffix() string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "gatehouse.json"))
	must(s.t, err)
	var marker struct{ Store string }
	must(s.t, json.Unmarshal(text, &marker))
	sum := sha256.Sum256([]byte(marker.Store))
	return hex.EncodeToString(sum[:])[:8]
}

// roleMap is what the provider's groups may do.
const roleMap = "--auth.role-map=admins=admin,pushers=pusher,readers=reader"

// site makes a server at which people sign in with the provider.
func (p *provider) site(t *testing.T, args ...string) *site {
	t.Helper()
	return newSite(t, nil, append([]string{roleMap}, args...)...).of(t, p)
}

// of has people sign in at the site's origin, with the provider.
func (s *site) of(t *testing.T, p *provider) *site {
	t.Helper()
	s.provider = p
	return s.register(t, clientMetadata{Secret: secret("a client's: 100%+ secret &")}) // it has what means something in headers
}

// register makes the site a client of its provider, and has it know that.
func (s *site) register(t *testing.T, metadata clientMetadata) *site {
	t.Helper()
	metadata.ID = "gatehouse:" + strings.TrimPrefix(s.origin, "http://")
	metadata.Redirects = []string{s.at("/auth/callback")}
	metadata.LogoutRedirects = []string{s.at("/")}
	metadata.BackchannelLogout = s.at("/auth/backchannel")
	s.provider.knows(t, metadata)
	s.client, s.token, s.password = metadata, secret("token"), secret("password")
	s.env = append(
		s.env, "OIDC_CLIENT_ID="+metadata.ID, "OIDC_CLIENT_SECRET="+metadata.Secret, "OIDC_ISSUER="+s.provider.issuer,
		"API_TOKENS="+s.token, "PUSHGATEWAY_AUTH_USER=operator", "PUSHGATEWAY_AUTH_PASS="+s.password,
	)
	s.args = append(s.args, "--web.external-url="+s.origin, "--log.level=debug") // what is logged then has no secret either
	return s
}
