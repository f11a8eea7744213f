package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a tab of a browser of its own. What the functions here lack is done
// with chromedp and its context.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests map[network.RequestID]string // METHOD URL
	statuses map[network.RequestID]int
}

// browser runs Chromium without a window, with more flags given as name=value.
func browser(t *testing.T, flags ...string) *tab {
	t.Helper()
	return browserFor(t, 3*patience, flags...)
}

// browserFor is browser for a test that takes longer.
func browserFor(t *testing.T, bound time.Duration, flags ...string) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(tool(t, "chromium")))
	for _, flag := range flags {
		name, value, _ := strings.Cut(flag, "=")
		options = append(options, chromedp.Flag(name, value))
	}
	// The test's own context ends before its cleanup, which needs the browser.
	bounded, release := context.WithTimeout(context.Background(), bound)
	allocator, _ := chromedp.NewExecAllocator(bounded, options...)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		defer release()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("ending the browser: %v", err)
		}
	})
	b := &tab{t: t, ctx: ctx, requests: map[network.RequestID]string{}, statuses: map[network.RequestID]int{}}
	must(t, chromedp.Listen(ctx, b.heard))
	return b
}

// heard keeps what the network did. The status comes as the server sent it, also
// where the page must not know it.
func (b *tab) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests[e.RequestID] = e.Request.Method + " " + e.Request.URL
	case *network.EventResponseReceivedExtraInfo:
		b.statuses[e.RequestID] = int(e.StatusCode)
	}
}

// answered waits for the status of the answer to a request of the browser.
func (b *tab) answered(method, url string) (status int) {
	b.t.Helper()
	until(b.t, "an answer to "+method+" "+url, func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		for id, request := range b.requests {
			if found, done := b.statuses[id]; done && request == method+" "+url {
				status = found
				return ""
			}
		}
		return fmt.Sprintf("answers so far: %v of %v", b.statuses, b.requests)
	})
	return status
}

// open goes to a page.
func (b *tab) open(url string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatalf("%s: %v", url, err)
	}
}

// arrives waits until a page is there to which a script has led.
func (b *tab) arrives(url string) {
	b.t.Helper()
	until(b.t, "the browser to arrive at "+url, func() string {
		at, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.readyState + " " + location.href`))
		if err != nil { // between two pages
			return err.Error()
		}
		if at != "complete "+url {
			return at
		}
		return ""
	})
}

// run runs a script in the page and returns the text that it ends with or
// promises.
func (b *tab) run(script string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return text
}

// click presses the mouse in the middle of an element, whatever lies on top of
// it there.
func (b *tab) click(selector string, options ...chromedp.MouseOption) {
	b.t.Helper()
	at := b.run(fmt.Sprintf(`{
		const e = document.querySelector(%q);
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect();
		[r.x + r.width / 2, r.y + r.height / 2].join(" ")
	}`, selector))
	first, second, _ := strings.Cut(at, " ")
	x, err := strconv.ParseFloat(first, 64)
	must(b.t, err)
	y, err := strconv.ParseFloat(second, 64)
	must(b.t, err)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	must(b.t, chromedp.Do(ctx, chromedp.MouseClickXY(x, y, options...)))
}

// press presses keys, one after the other. What a key writes comes with it, as
// it does from a keyboard, so that a page can prevent it.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range strings.Join(keys, "") {
		events := kb.Encode(key)
		down, up := *events[0], *events[len(events)-1]
		if len(events) == 3 {
			down.Text = events[1].Text
		}
		for _, event := range []input.DispatchKeyEventParams{down, up} {
			_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, event)
			must(b.t, err)
		}
	}
}

// relaxed has pages run every script: as if an attacker had sent them.
func (b *tab) relaxed() *tab {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
	must(b.t, err)
	return b
}

// sends has every request carry a header, like a password that the browser
// remembers.
func (b *tab) sends(name, value string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{name: value}})
	must(b.t, err)
}

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
			s := startEnv(t, test.env)
			b := browser(t)
			if test.headers != nil {
				b.sends(test.headers[0], test.headers[1])
			}
			pushes := func(attack, path string) int {
				t.Helper()
				url := s.url + path
				b.run("{" + strings.ReplaceAll(attacks[attack], "URL", url) + "}")
				if attack == "form" {
					b.arrives(url)
				}
				return b.answered("POST", url)
			}
			for where, site := range map[string]string{
				"another-host": "http://localhost:" + elsewhere(t, "X-Nothing", ""),
				"another-port": "http://127.0.0.1:" + elsewhere(t, "X-Nothing", ""),
				"no-origin":    "http://127.0.0.1:" + elsewhere(t, "Content-Security-Policy", "sandbox allow-scripts allow-forms"),
			} {
				for attack := range attacks {
					b.open(site)
					path := fmt.Sprintf("/metrics/job/%s/instance/%s", where, attack)
					if status := pushes(attack, path); status != 403 {
						t.Errorf("%s from %s: %d, want 403", attack, site, status)
					}
					if a := s.do("GET", path, "", test.headers...); a.status != 404 {
						t.Errorf("%s from %s left %v", attack, site, a)
					}
				}
			}
			// The same does work from a page of its own, so that it is the origin
			// that counts.
			b.relaxed()
			for attack := range attacks {
				b.open(s.url + "/")
				path := "/metrics/job/own/instance/" + attack
				if status := pushes(attack, path); status != 200 {
					t.Errorf("%s from a page of its own: %d, want 200", attack, status)
				}
				s.want(200, "GET", path, "", test.headers...)
			}
		})
	}
}

func TestAPageOfAnotherSiteCanNeitherReadNorDelete(t *testing.T) {
	t.Parallel()
	s := startEnv(t, []string{basicUser, basicPass})
	s.put("/metrics/job/precious", "m 1\n")
	b := browser(t).relaxed()
	script := func(method string) string {
		return fmt.Sprintf(`fetch("%s/metrics/job/precious", {method: "%s"}).then(async r => r.status + " " + await r.text(), String)`, s.url, method)
	}
	b.open("http://127.0.0.1:" + elsewhere(t, "X-Nothing", ""))
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if got := b.run(script(method)); !strings.HasPrefix(got, "TypeError") {
			t.Errorf("%s tells the page %q", method, got)
		}
	}
	if a := s.want(200, "GET", "/metrics/job/precious", ""); !strings.Contains(a.body, "m{instance=\"\",job=\"precious\"} 1\n") {
		t.Errorf("left is\n%s", a.body)
	}

	b.open(s.url + "/metrics")
	if got := b.run(script("GET")); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "} 1\n") {
		t.Errorf("a page of its own reads %q", got)
	}
	if got := b.run(script("DELETE")); got != "202 " {
		t.Errorf("a page of its own deletes: %q", got)
	}
	s.want(404, "GET", "/metrics/job/precious", "")
}

func TestANameThatLeadsToThisMachineIsNotLocal(t *testing.T) {
	t.Parallel()
	s := startEnv(t, []string{basicUser, basicPass})
	s.put("/metrics/job/precious", "m 1\n")
	b := browser(t, "host-resolver-rules=MAP rebind.test 127.0.0.1, MAP localhost.rebind.test 127.0.0.1").relaxed()
	_, port, _ := strings.Cut(s.addr, ":")
	// The attacker has no credential to send, and does not want the browser to
	// ask for one.
	const (
		read  = `fetch("/metrics", {credentials: "omit"}).then(async r => r.status + " " + await r.text())`
		write = `fetch("/metrics/job/precious", {credentials: "omit", method: "DELETE"}).then(r => String(r.status))`
	)
	for _, host := range []string{"rebind.test", "localhost.rebind.test"} {
		// The page is public: it stands for one that the attacker sent before
		// the name led here.
		b.open("http://" + host + ":" + port + "/-/healthy")
		if got := b.run("location.host"); got != host+":"+port {
			t.Fatalf("the browser is at %q", got)
		}
		if got := b.run(read); !strings.HasPrefix(got, "401 ") || strings.Contains(got, "precious") {
			t.Errorf("a page of %s reads %.200q", host, got)
		}
		if got := b.run(write); got != "401" && got != "403" {
			t.Errorf("a page of %s deletes: %q", host, got)
		}
	}
	b.open(s.url + "/-/healthy")
	if got := b.run(read); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, `m{instance="",job="precious"} 1`) {
		t.Errorf("a page of its own reads %.200q", got)
	}
	if got := b.run(write); got != "202" {
		t.Errorf("a page of its own deletes: %q", got)
	}
}
