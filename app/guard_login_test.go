package app

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/login/logintest"
)

// browser asks one server after the other, as a browser does that finds each
// under the same name.
type browser struct {
	t       *testing.T
	cookies map[string]*http.Cookie
}

// get asks for a page and returns what came, without following it.
func (b *browser) get(a *App, target string) (status int, location, body string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, "http://"+a.Addr()+target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	for _, k := range b.cookies {
		req.AddCookie(k)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, k := range resp.Cookies() {
		if b.cookies[k.Name] = k; k.Value == "" {
			delete(b.cookies, k.Name)
		}
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(text)
}

// begin goes to the provider and returns where that sends the browser back to.
func (b *browser) begin(a *App, p *logintest.Provider, person map[string]any) string {
	b.t.Helper()
	_, location, body := b.get(a, "/pg/auth/login?next=/pg/status")
	back, err := p.SignIn(location, person)
	if err != nil {
		b.t.Fatalf("%v: %s %s", err, location, body)
	}
	if !strings.HasPrefix(back.String(), "http://gate.example/pg/auth/callback?") {
		b.t.Fatalf("sent back to %s", back)
	}
	return back.RequestURI()
}

func TestASignInAndItsSessionSurviveARestart(t *testing.T) {
	p := logintest.New(t)
	t.Setenv("OIDC_CLIENT_SECRET", logintest.ClientSecret)
	args := []string{
		"--web.listen-address=127.0.0.1:0", "--storage.path=" + filepath.Join(t.TempDir(), "store"), "--web.external-url=http://gate.example/pg",
		"--oidc.client-id=" + logintest.ClientID, "--oidc.issuer=" + p.Issuer(), "--auth.role-map=ops=admin",
	}
	var log bytes.Buffer
	run := func() *App {
		a := New(parse(t, args...), slog.New(slog.NewTextHandler(&log, nil)))
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return a
	}
	b := &browser{t, map[string]*http.Cookie{}}
	person := map[string]any{"sub": "ann", "groups": []string{"ops"}}

	first := run()
	if a := first.options.Auth; a.ClientSecret != "" {
		t.Error("the secret is kept with the options")
	}
	if status, _, body := b.get(first, "/pg/"); status != http.StatusUnauthorized || !strings.Contains(body, `id="oidc"`) {
		t.Errorf("a stranger gets %d", status)
	}
	back := b.begin(first, p, person)
	stop(t, first)

	second := run()
	if status, location, _ := b.get(second, back); status != http.StatusSeeOther || location != "/pg/status" {
		t.Fatalf("coming back: %d, to %s", status, location)
	}
	stop(t, second)

	third := run()
	status, _, body := b.get(third, "/pg/status")
	if status != http.StatusOK || !strings.Contains(body, "Sign-in at the OpenID provider") || !strings.Contains(body, "issuer "+p.Issuer()+", client "+logintest.ClientID) {
		t.Errorf("%d", status)
	}
	stop(t, third)

	args = append(args, "--auth.default-role=reader")
	fourth := run()
	if status, _, _ := b.get(fourth, "/pg/status"); status != http.StatusUnauthorized {
		t.Errorf("with other rules: %d", status)
	}
	stop(t, fourth)
	for _, secret := range append([]string{logintest.ClientSecret}, p.SentBack()[0]["code"][0], p.SentBack()[0]["state"][0]) {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestOneIssuerOfTokensAndPeopleIsAskedForItsKeysOnce(t *testing.T) {
	p := logintest.New(t)
	for _, test := range []struct {
		name string
		args []string
		want int
	}{
		{"one", []string{"--jwt.issuer=" + p.Issuer(), "--jwt.audience=a"}, 1},
		{"the same twice", []string{"--jwt.issuer=" + p.Issuer(), "--jwt.audience=a", "--oidc.issuer=" + p.Issuer()}, 1},
		{"two", []string{"--jwt.issuer=https://a.example", "--jwt.audience=a", "--oidc.issuer=" + p.Issuer()}, 2},
		{"people only", []string{"--oidc.issuer=" + p.Issuer()}, 1},
	} {
		a := start(t, append(test.args, "--oidc.client-id=x", "--web.external-url=http://localhost", "--auth.default-role=reader")...)
		if len(a.issuers) != test.want {
			t.Errorf("%s: %d issuers, want %d", test.name, len(a.issuers), test.want)
		}
	}
}

func TestTheListenerForScrapesSignsNobodyIn(t *testing.T) {
	p := logintest.New(t)
	a := start(t, "--oidc.issuer="+p.Issuer(), "--oidc.client-id=x", "--web.external-url=http://localhost", "--web.scrape-listen-address=127.0.0.1:0")
	for _, path := range []string{"/login", "/auth/login", "/auth/callback", "/account"} {
		u := url.URL{Scheme: "http", Host: a.ScrapeAddr(), Path: path}
		if status, body := do(t, http.MethodGet, u.String(), ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := do(t, http.MethodGet, "http://"+a.ScrapeAddr()+"/metrics", ""); status != http.StatusOK {
		t.Errorf("a scrape gets %d", status)
	}
	if status, _ := do(t, http.MethodGet, "http://"+a.Addr()+"/metrics", ""); status != http.StatusUnauthorized {
		t.Errorf("a local scrape of the other listener gets %d", status)
	}
}

func TestSessionsThatNobodyUsesEnd(t *testing.T) {
	for idle, want := range map[string]bool{"1h": false, "3h": true, "0": true} {
		a := start(t, "--auth.session-idle-timeout="+idle)
		began := time.Now().Add(-2 * time.Hour)
		err := a.store.CreateSession(t.Context(), "id", auth.Session{
			Scheme: "basic", ID: "user:ann", Role: auth.Reader, Created: began, LastUsed: began, Expires: time.Now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := a.store.Session("id"); ok != want {
			t.Errorf("%s: lasts: %v", idle, ok)
		}
	}
}
