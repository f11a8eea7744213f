package access

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// elsewhere serves an empty page of another origin, with a header.
func elsewhere(t *testing.T, header, value string) (port string) {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set(header, value)
		_, _ = w.Write([]byte("<title>Elsewhere</title><p>Nothing to see.")) // a browser that left does not matter
	}))
	t.Cleanup(site.Close)
	return site.URL[strings.LastIndex(site.URL, ":")+1:]
}

// attacks are scripts with which a page writes to URL unasked.
var attacks = map[string]string{
	"fetch":  `fetch("URL", {method: "POST", mode: "no-cors", credentials: "include", headers: {"Content-Type": "text/plain"}, body: "pwned 1\n"}).then(() => "", String)`,
	"beacon": `String(navigator.sendBeacon("URL", "pwned 1\n"))`,
	// The body of a form is NAME=VALUE.
	"form": `
		const form = document.createElement("form");
		Object.assign(form, {method: "post", enctype: "text/plain", action: "URL"});
		const input = document.createElement("input");
		Object.assign(input, {name: 'pwned{a="', value: '"} 1'});
		form.append(input);
		document.body.append(form);
		form.submit();
		"sent"`,
}

func TestAPageOfAnotherSiteCannotPush(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env     []string
		headers []string // what lets in
	}{
		"nothing is configured":         {nil, nil},
		"being local is enough":         {[]string{basicUser, basicPass}, nil},
		"the browser knows a password":  {[]string{basicUser, basicPass, "AUTH_LOCALHOST_BYPASS=false"}, []string{"Authorization", basicHeader}},
		"a token comes with everything": {[]string{"API_TOKENS=a-token-of-the-test", "AUTH_LOCALHOST_BYPASS=false"}, []string{"X-API-Key", "a-token-of-the-test"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.StartEnv(t, test.env)
			b := harness.StartBrowser(t)
			if test.headers != nil {
				b.Sends(test.headers[0], test.headers[1])
			}
			pushes := func(attack, path string) int {
				t.Helper()
				url := s.URL + path
				b.Run("{" + strings.ReplaceAll(attacks[attack], "URL", url) + "}")
				if attack == "form" {
					b.Arrives(url)
				}
				return b.Answered("POST", url)
			}
			for where, site := range map[string]string{
				"another-host": "http://localhost:" + elsewhere(t, "X-Nothing", ""),
				"another-port": "http://127.0.0.1:" + elsewhere(t, "X-Nothing", ""),
				"no-origin":    "http://127.0.0.1:" + elsewhere(t, "Content-Security-Policy", "sandbox allow-scripts allow-forms"),
			} {
				for attack := range attacks {
					b.Open(site)
					path := fmt.Sprintf("/metrics/job/%s/instance/%s", where, attack)
					if status := pushes(attack, path); status != 403 {
						t.Errorf("%s from %s: %d, want 403", attack, site, status)
					}
					if a := s.Do("GET", path, "", test.headers...); a.Status != 404 {
						t.Errorf("%s from %s left %v", attack, site, a)
					}
				}
			}
			// The same does work from a page of its own, so that it is the origin
			// that counts.
			b.Relaxed()
			for attack := range attacks {
				b.Open(s.URL + "/")
				path := "/metrics/job/own/instance/" + attack
				if status := pushes(attack, path); status != 200 {
					t.Errorf("%s from a page of its own: %d, want 200", attack, status)
				}
				s.Want(200, "GET", path, "", test.headers...)
			}
		})
	}
}

func TestAPageOfAnotherSiteCanNeitherReadNorDelete(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, []string{basicUser, basicPass})
	s.Put("/metrics/job/precious", "m 1\n")
	b := harness.StartBrowser(t).Relaxed()
	script := func(method string) string {
		return fmt.Sprintf(`fetch("%s/metrics/job/precious", {method: "%s"}).then(async r => r.status + " " + await r.text(), String)`, s.URL, method)
	}
	b.Open("http://127.0.0.1:" + elsewhere(t, "X-Nothing", ""))
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if got := b.Run(script(method)); !strings.HasPrefix(got, "TypeError") {
			t.Errorf("%s tells the page %q", method, got)
		}
	}
	if a := s.Want(200, "GET", "/metrics/job/precious", ""); !strings.Contains(a.Body, "m{instance=\"\",job=\"precious\"} 1\n") {
		t.Errorf("left is\n%s", a.Body)
	}

	b.Open(s.URL + "/metrics")
	if got := b.Run(script("GET")); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "} 1\n") {
		t.Errorf("a page of its own reads %q", got)
	}
	if got := b.Run(script("DELETE")); got != "202 " {
		t.Errorf("a page of its own deletes: %q", got)
	}
	s.Want(404, "GET", "/metrics/job/precious", "")
}

func TestANameThatLeadsToThisMachineIsNotLocal(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, []string{basicUser, basicPass})
	s.Put("/metrics/job/precious", "m 1\n")
	b := harness.StartBrowser(t, "host-resolver-rules=MAP rebind.test 127.0.0.1, MAP localhost.rebind.test 127.0.0.1").Relaxed()
	_, port, _ := strings.Cut(s.Addr, ":")
	// The attacker has no credential to send, and does not want the browser to
	// ask for one.
	const (
		read  = `fetch("/metrics", {credentials: "omit"}).then(async r => r.status + " " + await r.text())`
		write = `fetch("/metrics/job/precious", {credentials: "omit", method: "DELETE"}).then(r => String(r.status))`
	)
	for _, host := range []string{"rebind.test", "localhost.rebind.test"} {
		// The page is public: it stands for one that the attacker sent before
		// the name led here.
		b.Open("http://" + host + ":" + port + "/-/healthy")
		if got := b.Run("location.host"); got != host+":"+port {
			t.Fatalf("the browser is at %q", got)
		}
		if got := b.Run(read); !strings.HasPrefix(got, "401 ") || strings.Contains(got, "precious") {
			t.Errorf("a page of %s reads %.200q", host, got)
		}
		if got := b.Run(write); got != "401" && got != "403" {
			t.Errorf("a page of %s deletes: %q", host, got)
		}
	}
	b.Open(s.URL + "/-/healthy")
	if got := b.Run(read); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, `m{instance="",job="precious"} 1`) {
		t.Errorf("a page of its own reads %.200q", got)
	}
	if got := b.Run(write); got != "202" {
		t.Errorf("a page of its own deletes: %q", got)
	}
}
