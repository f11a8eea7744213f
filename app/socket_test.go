//go:build unix

package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gatehouse/app/config"
	"gatehouse/store"
)

// socketPath is a path for a socket: those of t.TempDir may be too long.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// bySocketAt asks by a socket.
func bySocketAt(t *testing.T, path, method, target, body string, headers ...string) (int, string) {
	t.Helper()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	c := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestTheServerListensOnASocketAndTakesItAway(t *testing.T) {
	path, scrapes := socketPath(t), socketPath(t)
	a := start(t, "--web.listen-address=unix://"+path, "--web.scrape-listen-address=unix://"+scrapes, "--web.unix-socket-mode=0600")
	for _, p := range []string{path, scrapes} {
		if found, err := os.Lstat(p); err != nil || found.Mode() != fs.ModeSocket|0o600 {
			t.Errorf("%v, %v", found.Mode(), err)
		}
	}
	if status, text := bySocketAt(t, path, "PUT", "/metrics/job/x", "a 1\n"); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	for _, p := range []string{path, scrapes} {
		if status, text := bySocketAt(t, p, "GET", "/metrics", ""); status != 200 || !strings.Contains(text, `a{instance="",job="x"} 1`) {
			t.Errorf("%d %s", status, text)
		}
	}
	if status, text := bySocketAt(t, scrapes, "PUT", "/metrics/job/x", "a 2\n"); status != 405 {
		t.Errorf("a push to the listener for scrapes: %d %s", status, text)
	}
	if status, text := bySocketAt(t, path, "GET", "/api/v1/groupings", ""); status != 200 || !strings.Contains(text, `"last_push_from":"unix"`) {
		t.Errorf("%d %s", status, text)
	}
	stop(t, a)
	for _, p := range []string{path, scrapes} {
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", p, err)
		}
	}
}

func TestASocketHasTheModeAndTheOwnerThatAreConfigured(t *testing.T) {
	own := config.SocketAccess{Mode: 0o660, Owner: config.Owner{UID: -1, GID: -1}}
	other := config.SocketAccess{Mode: 0o777, Owner: config.Owner{UID: os.Getuid(), GID: os.Getgid()}}
	if os.Getuid() == 0 {
		other.UID, other.GID = 12345, 54321
	}
	for _, access := range []config.SocketAccess{own, other} {
		path := socketPath(t)
		l, err := listenUnix(path, access)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		found, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		wantUID, wantGID := access.UID, access.GID
		if wantUID == -1 {
			wantUID, wantGID = os.Getuid(), os.Getgid()
		}
		owner := found.Sys().(*syscall.Stat_t)
		if found.Mode().Perm() != access.Mode || int(owner.Uid) != wantUID || int(owner.Gid) != wantGID {
			t.Errorf("%v: got %v of %d:%d", access, found.Mode(), owner.Uid, owner.Gid)
		}
	}
}

func TestWhatIsInTheWayOfASocketIsLeftAloneUnlessItIsDead(t *testing.T) {
	socket := func(t *testing.T, path string) *net.UnixListener {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	file := func(t *testing.T, path string) {
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const another = "something else than a socket in its place"
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		want string // what the error says; empty: there is none
	}{
		{"nothing", func(*testing.T, string) {}, ""},
		{"a socket of a dead process", func(t *testing.T, path string) { _ = socket(t, path).Close() }, ""},
		{"a socket of a living process", func(t *testing.T, path string) { socket(t, path) }, "already in use"},
		{"a file", file, another},
		{"an empty file", func(t *testing.T, path string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, another},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, another},
		{"a link to a file", func(t *testing.T, path string) {
			file(t, path+"2")
			if err := os.Symlink(path+"2", path); err != nil {
				t.Fatal(err)
			}
		}, another},
		{"a link to a dead socket", func(t *testing.T, path string) {
			_ = socket(t, path+"2").Close()
			if err := os.Symlink(path+"2", path); err != nil {
				t.Fatal(err)
			}
		}, another},
		{"a link to nothing", func(t *testing.T, path string) {
			if err := os.Symlink(path+"2", path); err != nil {
				t.Fatal(err)
			}
		}, another},
		{"no directory", func(t *testing.T, path string) {
			if err := os.Remove(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}, "no such file or directory"},
		{"a file for a directory", func(t *testing.T, path string) {
			if err := os.Remove(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
			file(t, filepath.Dir(path))
		}, "not a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := socketPath(t)
			test.make(t, path)
			before, _ := os.Lstat(path)
			a := New(options(t, "--web.listen-address=unix://"+path), slog.New(slog.DiscardHandler))
			err := a.Start(t.Context())
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if status, _ := bySocketAt(t, path, "GET", "/-/healthy", ""); status != 200 {
					t.Errorf("status %d", status)
				}
				stop(t, a)
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), `cannot listen on "unix://`+path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, test.want)
			}
			after, _ := os.Lstat(path)
			if (before == nil) != (after == nil) || before != nil && !os.SameFile(before, after) {
				t.Errorf("what was in the way has changed: %v, before %v", after, before)
			}
		})
	}
}

func TestASocketThatIsNotOursAnyMoreStays(t *testing.T) {
	path := socketPath(t)
	l, err := listenUnix(path, config.SocketAccess{Mode: 0o600, Owner: config.Owner{UID: -1, GID: -1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other, err := listenUnix(path, config.SocketAccess{Mode: 0o600, Owner: config.Owner{UID: -1, GID: -1}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other one's socket is gone: %v", err)
	}
}

func TestAClientBySocketHasNoAddressAndIsNotLocal(t *testing.T) {
	t.Setenv("PUSHGATEWAY_AUTH_PASS", "a-password")
	const user = "--auth.basic-user=admin"
	for _, test := range []struct {
		name    string
		args    []string
		headers []string
		want    int
	}{
		{"no credential", []string{user}, nil, 401},
		{"no credential, with the bypass for everybody", []string{user, "--auth.localhost-bypass=true"}, nil, 401},
		{"a credential", []string{user}, []string{"Authorization", "Basic YWRtaW46YS1wYXNzd29yZA=="}, 200},
		{"an address that is made up", []string{user, "--auth.localhost-bypass=true"}, []string{"X-Forwarded-For", "127.0.0.1"}, 401},
		{"only some networks", []string{user, "--auth.allowed-cidrs=0.0.0.0/0,::/0"}, []string{"Authorization", "Basic YWRtaW46YS1wYXNzd29yZA=="}, 403},
		{"only some networks, and an address that is made up", []string{user, "--auth.allowed-cidrs=10.0.0.0/8"}, []string{"X-Forwarded-For", "10.0.0.1"}, 403},
		{"a trusted proxy from one", []string{user, "--auth.allowed-cidrs=10.0.0.0/8", "--web.trusted-proxies=unix"}, []string{"X-Forwarded-For", "10.0.0.1"}, 401},
		{"a trusted proxy from elsewhere", []string{user, "--auth.allowed-cidrs=10.0.0.0/8", "--web.trusted-proxies=unix"}, []string{"X-Forwarded-For", "10.0.0.1, 192.0.2.1"}, 403},
		{"a trusted proxy that does not say", []string{user, "--auth.allowed-cidrs=10.0.0.0/8", "--web.trusted-proxies=unix"}, nil, 403},
		{"a proxy of which another is trusted", []string{user, "--auth.allowed-cidrs=10.0.0.0/8", "--web.trusted-proxies=10.0.0.1,127.0.0.1"}, []string{"X-Forwarded-For", "10.0.0.1"}, 403},
		{"two trusted proxies", []string{user, "--auth.allowed-cidrs=10.0.0.0/8", "--web.trusted-proxies=unix,192.0.2.1"}, []string{"X-Forwarded-For", "10.0.0.1, 192.0.2.1"}, 401},
	} {
		path := socketPath(t)
		a := start(t, append(test.args, "--web.listen-address=unix://"+path)...)
		if status, text := bySocketAt(t, path, "GET", "/metrics", "", test.headers...); status != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, status, text, test.want)
		}
		stop(t, a)
	}
}

func TestClientsBySocketAreCalledUnixOnRecord(t *testing.T) {
	t.Setenv("PUSHGATEWAY_AUTH_PASS", "a-password")
	path := socketPath(t)
	o := options(t, "--auth.basic-user=admin", "--web.listen-address=unix://"+path)
	a := startWith(t, o)
	admin := []string{"Authorization", "Basic YWRtaW46YS1wYXNzd29yZA=="}
	_, text := bySocketAt(t, path, "POST", "/api/v1/tokens", `{"name":"ci","role":"pusher"}`, append(admin, "Content-Type", "application/json")...)
	var made struct{ Data struct{ Secret string } }
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Data.Secret == "" {
		t.Fatalf("%v: %s", err, text)
	}
	for _, request := range []struct {
		method, target, body string
		headers              []string
		want                 int
	}{
		{"PUT", "/metrics/job/x", "a 1\n", []string{"X-API-Key", made.Data.Secret}, 200},
		{"PUT", "/metrics/job/x", "a 1\n", []string{"X-API-Key", "wrong"}, 401},
		{"POST", "/login", "name=admin&password=a-password&next=/health", []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, 200},
	} {
		if status, text := bySocketAt(t, path, request.method, request.target, request.body, request.headers...); status != request.want {
			t.Errorf("%s %s: %d %s", request.method, request.target, status, text)
		}
	}
	if _, text := bySocketAt(t, path, "GET", "/api/v1/tokens", "", admin...); !strings.Contains(text, `"last_used_from":"unix"`) {
		t.Errorf("the token was used from elsewhere: %s", text)
	}
	if sessions := a.store.SessionsOf("user:admin"); len(sessions) != 1 || sessions[0].From != "unix" {
		t.Errorf("%+v", sessions)
	}
	stop(t, a) // then what was denied is on record
	entries, _, err := startWith(t, o).store.Activity(t.Context(), store.ActivityQuery{Limit: 10})
	if err != nil || len(entries) < 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if e.Origin.From != "unix" {
			t.Errorf("%+v", e)
		}
	}
}

func TestATrustedProxyBySocketSaysHowItIsReached(t *testing.T) {
	path := socketPath(t)
	start(t, "--web.listen-address=unix://"+path, "--web.trusted-proxies=unix")
	bySocketAt(t, path, "PUT", "/metrics/job/x", "a 1\n", "X-Forwarded-For", "192.0.2.7")
	if _, text := bySocketAt(t, path, "GET", "/api/v1/targets", "", "X-Forwarded-Proto", "https"); !strings.Contains(text, `"__scheme__":"https"`) || !strings.Contains(text, `"localhost:443"`) {
		t.Error(text)
	}
	if _, text := bySocketAt(t, path, "GET", "/api/v1/groupings", ""); !strings.Contains(text, `"last_push_from":"192.0.2.7"`) {
		t.Error(text)
	}
}
