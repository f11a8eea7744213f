package harness

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

// Site is a server whose address is known before it starts, and stays when it
// is started again. People reach it as localhost, and the provider at a number:
// for a browser these are two sites.
type Site struct {
	*Server
	Origin string // http://localhost:PORT
	Token  string // an admin's
	// password is that of the user operator.
	password string
	// Provider is where people sign in, if there is one, as client.
	Provider *Provider
	Client   ClientMetadata

	socket *os.File
	env    []string
	Args   []string
}

// NewSite makes the address of a server, and where it keeps things. It listens
// from then on; answers come once the server has been started.
func NewSite(t *testing.T, env []string, args ...string) *Site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Must(t, err)
	addr := l.Addr().String()
	socket, err := l.(*net.TCPListener).File()
	Must(t, err)
	Must(t, l.Close()) // the file keeps it open
	t.Cleanup(func() { _ = socket.Close() })
	_, port, _ := strings.Cut(addr, ":")
	return &Site{
		Server: &Server{Addr: addr, URL: "http://" + addr, Dir: filepath.Join(t.TempDir(), "store")},
		Origin: "http://localhost:" + port,
		socket: socket, env: env, Args: args,
	}
}

// Start runs the server, as systemd would. It can be started again once it has
// ended.
func (s *Site) Start(t *testing.T) *Site {
	t.Helper()
	args := append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"`, "sh", Binary, "--web.systemd-socket", "--storage.path=" + s.Dir}, s.Args...)
	cmd := exec.Command("sh", args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.ExtraFiles = []*os.File{s.socket}
	s.Child = LaunchCommand(t, cmd)
	s.Wrote(`msg=Listening`)
	return s
}

// As returns the site in the eyes of another test.
func (s *Site) As(t *testing.T) *Site {
	c, server, again := *s.Child, *s.Server, *s
	c.T = t
	server.Child, again.Server = &c, &server
	return &again
}

// At returns an address of the site.
func (s *Site) At(path string) string { return s.Origin + path }

// CookieName returns the name of a cookie of the site, over http.
func (s *Site) CookieName(what string) string {
	return "gatehouse_" + what + "_" + s.CookieSuffix()
}

// CookieSuffix returns what the site's cookies end in: they are named after its store.
func (s *Site) CookieSuffix() string {
	s.T.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, "gatehouse.json"))
	Must(s.T, err)
	var marker struct{ Store string }
	Must(s.T, json.Unmarshal(text, &marker))
	sum := sha256.Sum256([]byte(marker.Store))
	return hex.EncodeToString(sum[:])[:8]
}

// RoleMap is what the provider's groups may do.
const RoleMap = "--auth.role-map=admins=admin,pushers=pusher,readers=reader"

// NewSite makes a server at which people sign in with the provider.
func (p *Provider) NewSite(t *testing.T, args ...string) *Site {
	t.Helper()
	return NewSite(t, nil, append([]string{RoleMap}, args...)...).Of(t, p)
}

// Of has people sign in at the site's origin, with the provider.
func (s *Site) Of(t *testing.T, p *Provider) *Site {
	t.Helper()
	s.Provider = p
	return s.Register(t, ClientMetadata{Secret: Secret("a client's: 100%+ secret &")}) // it has what means something in headers
}

// Register makes the site a client of its provider, and has it know that.
func (s *Site) Register(t *testing.T, metadata ClientMetadata) *Site {
	t.Helper()
	metadata.ID = "gatehouse:" + strings.TrimPrefix(s.Origin, "http://")
	metadata.Redirects = []string{s.At("/auth/callback")}
	metadata.LogoutRedirects = []string{s.At("/")}
	metadata.BackchannelLogout = s.At("/auth/backchannel")
	s.Provider.Knows(t, metadata)
	s.Client, s.Token, s.password = metadata, Secret("token"), Secret("password")
	s.env = append(
		s.env, "OIDC_CLIENT_ID="+metadata.ID, "OIDC_CLIENT_SECRET="+metadata.Secret, "OIDC_ISSUER="+s.Provider.Issuer,
		"API_TOKENS="+s.Token, "PUSHGATEWAY_AUTH_USER=operator", "PUSHGATEWAY_AUTH_PASS="+s.password,
	)
	s.Args = append(s.Args, "--web.external-url="+s.Origin, "--log.level=debug") // what is logged then has no secret either
	return s
}
