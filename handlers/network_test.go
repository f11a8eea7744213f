package handlers_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/handlers/handlertest"
)

func TestOnlyAllowedAddressesComeIn(t *testing.T) {
	proxied := func(c handlertest.Setup) { c.Guard.Trusted = handlertest.Prefixes(t, "127.0.0.0/8", "10.0.0.0/8") }
	inside := func(c handlertest.Setup) { c.Guard.Allowed = handlertest.Prefixes(t, "192.0.2.0/24") }
	scrapes := func(c handlertest.Setup) { c.Guard.ScrapeAllowed = handlertest.Prefixes(t, "192.0.2.1") }
	withProxy := func(c handlertest.Setup) { c.Guard.Allowed = handlertest.Prefixes(t, "192.0.2.0/24", "127.0.0.1") }
	scrapesWithProxy := func(c handlertest.Setup) { c.Guard.ScrapeAllowed = handlertest.Prefixes(t, "192.0.2.1", "127.0.0.1") }
	via := func(lines ...string) []string {
		var headers []string
		for _, l := range lines {
			headers = append(headers, "X-Forwarded-For", l)
		}
		return headers
	}
	tests := []struct {
		name                    string
		change                  []func(handlertest.Setup)
		headers                 []string
		health, scrape, pushing int
	}{
		{"no list", nil, nil, 200, 200, 200},
		{"another peer", []func(handlertest.Setup){inside}, nil, 403, 403, 403},
		{"a peer that claims to be inside", []func(handlertest.Setup){inside}, via("192.0.2.1"), 403, 403, 403},
		{"a client behind a proxy", []func(handlertest.Setup){inside, proxied}, via("192.0.2.1"), 200, 200, 200},
		{"behind two proxies", []func(handlertest.Setup){inside, proxied}, via("192.0.2.1, 10.0.0.1"), 200, 200, 200},
		{"in two lines", []func(handlertest.Setup){inside, proxied}, via("192.0.2.1", "10.0.0.1"), 200, 200, 200},
		{"another client behind a proxy", []func(handlertest.Setup){inside, proxied}, via("203.0.113.7"), 403, 403, 403},
		{"one that writes the header itself", []func(handlertest.Setup){inside, proxied}, via("192.0.2.1, 203.0.113.7"), 403, 403, 403},
		{"one that writes a line itself", []func(handlertest.Setup){inside, proxied}, via("192.0.2.1", "203.0.113.7"), 403, 403, 403},
		{"nonsense", []func(handlertest.Setup){inside, proxied}, via("192.0.2.1, unknown"), 403, 403, 403},
		{"nonsense of a proxy on the list", []func(handlertest.Setup){withProxy, proxied}, via("192.0.2.1, unknown"), 403, 403, 403},
		{"nonsense without a list", []func(handlertest.Setup){proxied}, via("192.0.2.1, unknown"), 200, 200, 200},
		{"nonsense that the client made up", []func(handlertest.Setup){withProxy, proxied}, via("unknown, 192.0.2.1"), 200, 200, 200},
		{"a proxy on the list itself", []func(handlertest.Setup){withProxy, proxied}, nil, 200, 200, 200},
		{"a proxy on the list that forwards nothing", []func(handlertest.Setup){withProxy, proxied}, via(""), 200, 200, 200},
		{"nonsense of a proxy on the list of scrapes", []func(handlertest.Setup){scrapesWithProxy, proxied}, via("_hidden"), 200, 403, 200},
		{"scrapes from elsewhere", []func(handlertest.Setup){scrapes}, nil, 200, 403, 200},
		{"scrapes from there", []func(handlertest.Setup){scrapes, proxied}, via("192.0.2.1"), 200, 200, 200},
		{"scrapes from beside it", []func(handlertest.Setup){scrapes, proxied}, via("192.0.2.2"), 200, 403, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, test.change...)
			for _, r := range []struct {
				method, target string
				want           int
			}{
				{"GET", "/health", test.health},
				{"GET", "/metrics", test.scrape},
				{"GET", "/api/v1/targets", test.scrape},
				{"PUT", "/metrics/job/x", test.pushing},
				{"GET", "/metrics/job/x", max(test.scrape, test.pushing)},
			} {
				a := s.Do(r.method, r.target, "", test.headers...)
				if a.Status != r.want {
					t.Errorf("%v, want %d", a, r.want)
				}
				if a.Status == 403 && a.Header.Get("WWW-Authenticate") != "" {
					t.Errorf("a credential would not help: %v", a.Header)
				}
			}
		})
	}
}

func TestAProxyThatHidesItsClientsIsReportedOnceAMinute(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Trusted = handlertest.Prefixes(t, "127.0.0.1") })
	for range 3 {
		s.Put("/metrics/job/x", "a 1\n", "X-Forwarded-For", "192.0.2.9, "+strings.Repeat("x", 1000)+" unknown")
	}
	s.Put("/metrics/job/x", "a 1\n", "X-Forwarded-For", "192.0.2.9")
	log := s.Log.String()
	if strings.Count(log, "it counts as the client itself") != 1 || !strings.Contains(log, "proxy=127.0.0.1") || strings.Contains(log, "192.0.2.9") || strings.Contains(log, strings.Repeat("x", 300)) {
		t.Error(log)
	}
	if from := s.Grouping("/metrics/job/x").Origin.From; from != "192.0.2.9" {
		t.Errorf("pushed from %q", from)
	}
}

func TestTheAddressOfAClientIsKept(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Trusted = handlertest.Prefixes(t, "127.0.0.1") })
	s.Put("/metrics/job/x", "a 1\n", "X-Forwarded-For", "192.0.2.9, 2001:db8::1")
	if from := s.Grouping("/metrics/job/x").Origin.From; from != "2001:db8::1" {
		t.Errorf("pushed from %q", from)
	}
}

func TestBeingOnThisMachineIsEnoughOnlyWithoutAnyDoubt(t *testing.T) {
	password := func(c handlertest.Setup) {
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: handlertest.RightPassword})
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
	}
	on := func(c handlertest.Setup) { c.Guard.Bypass = guard.BypassOn }
	same := func(c handlertest.Setup) { c.Guard.Bypass = guard.BypassSameUser }
	keyed := func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) }
	tests := []struct {
		name    string
		change  func(handlertest.Setup)
		headers []string
		read    int
		write   int
	}{
		{"off", nil, nil, 401, 401},
		{"on", on, nil, 200, 200},
		{"the same user", same, nil, 200, 200},
		{"the name", on, []string{"Host", "localhost:9091"}, 200, 200},
		{"the name in capitals", on, []string{"Host", "LocalHost"}, 200, 200},
		{"the address of IPv6", on, []string{"Host", "[::1]:9091"}, 200, 200},
		{"a page of ours", on, []string{"Host", "localhost:9091", "Origin", "http://localhost:9091", "Sec-Fetch-Site", "same-origin"}, 200, 200},
		{"the address bar", on, []string{"Sec-Fetch-Site", "none"}, 200, 200},

		{"a public name", on, []string{"Host", "gate.example.org"}, 401, 401},
		{"a name that begins alike", on, []string{"Host", "localhost.evil.test"}, 401, 401},
		{"a name with a dot", on, []string{"Host", "localhost."}, 401, 401},
		{"a name that holds the address", on, []string{"Host", "127.0.0.1.nip.io"}, 401, 401},
		{"a number", on, []string{"Host", "2130706433"}, 401, 401},
		{"Forwarded", on, []string{"Forwarded", "for=127.0.0.1"}, 401, 401},
		{"X-Forwarded-For", on, []string{"X-Forwarded-For", "127.0.0.1"}, 401, 401},
		{"X-Forwarded-For without a value", on, []string{"X-Forwarded-For", ""}, 401, 401},
		{"X-Forwarded-Whatever", on, []string{"X-Forwarded-Whatever", "x"}, 401, 401},
		{"X-Real-IP", on, []string{"X-Real-IP", "127.0.0.1"}, 401, 401},
		{"Via", on, []string{"Via", "1.1 proxy"}, 401, 401},
		{"a page of another site", on, []string{"Sec-Fetch-Site", "cross-site"}, 401, 403},
		{"a page of another port", on, []string{"Sec-Fetch-Site", "same-site"}, 401, 403},
		{"no origin to speak of", on, []string{"Origin", "null"}, 401, 403},
		{"another origin", on, []string{"Origin", "http://evil.test"}, 401, 403},

		{"a wrong password", on, []string{"Authorization", handlertest.BasicAuth("admin", "x")}, 401, 401},
		{"a wrong token", on, []string{"X-API-Key", "x"}, 401, 401},
		{"a key where none is known", on, []string{"X-Metrics-Key", "x"}, 401, 401},
		{"a right token", on, []string{"X-API-Key", handlertest.RightToken}, 200, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, password, func(c handlertest.Setup) {
				if test.change != nil {
					test.change(c)
				}
			})
			for _, target := range []string{"/metrics", "/", "/api/v1/status"} {
				if a := s.Get(target, test.headers...); a.Status != test.read {
					t.Errorf("%v, want %d", a, test.read)
				}
			}
			if a := s.Do("PUT", "/metrics/job/x", "a 1\n", test.headers...); a.Status != test.write {
				t.Errorf("%v, want %d", a, test.write)
			}
		})
	}
	t.Run("never instead of the scrape key", func(t *testing.T) {
		s := handlertest.Start(t, password, on, keyed)
		if a := s.Get("/metrics"); a.Status != 401 {
			t.Errorf("%v", a)
		}
		if a := s.Get("/"); a.Status != 200 {
			t.Errorf("%v", a)
		}
	})
}

func TestTheScrapeListenerServesNothingElse(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(handlertest.Setup)
		key    string
		want   int
	}{
		{"open", func(handlertest.Setup) {}, "", 200},
		{"with the key", func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) }, handlertest.RightKey, 200},
		{"without the key", func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) }, "", 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, test.change, func(c handlertest.Setup) {
				c.OnlyScrapes()
				c.EnableAdminAPI, c.EnablePprof, c.EnableLifecycle = true, true, true
			})
			var headers []string
			if test.key != "" {
				headers = []string{"X-Metrics-Key", test.key}
			}
			for _, target := range []string{"/metrics", "/metrics/self", "/api/v1/targets"} {
				if a := s.Get(target, headers...); a.Status != test.want {
					t.Errorf("%v, want %d", a, test.want)
				}
			}
			for _, target := range []string{"/health", "/-/healthy", "/-/ready"} {
				if a := s.Get(target); a.Status != 200 {
					t.Errorf("%v", a)
				}
			}
			for _, r := range [][2]string{
				{"PUT", "/metrics/job/x"},
				{"POST", "/metrics/job/x"},
				{"DELETE", "/metrics/job/x"},
				{"DELETE", "/api/v1/groupings?match[]={job=%22x%22}"},
				{"GET", "/"},
				{"GET", "/api/v1/status"},
				{"GET", "/api/v1/groupings"},
				{"PUT", "/api/v1/admin/wipe"},
				{"POST", "/api/v1/admin/import"},
				{"PUT", "/-/quit"},
				{"GET", "/debug/pprof/heap"},
			} {
				if a := s.Do(r[0], r[1], "", headers...); a.Status != 404 && a.Status != 405 && a.Status != 401 || s.Quits.Load() != 0 {
					t.Errorf("%v", a)
				}
			}
		})
	}
}

func TestScrapesCanBeTakenOffTheMainListener(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.ScrapeInternalOnly = true })
	s.Put("/metrics/job/x", "a 1\n")
	for target, want := range map[string]int{"/metrics": 405, "/metrics/self": 405, "/metrics/job/x": 405, "/api/v1/targets": 404, "/": 200, "/api/v1/groupings": 200, "/health": 200} {
		if a := s.Get(target); a.Status != want {
			t.Errorf("%v, want %d", a, want)
		}
	}
	if a := s.Do("DELETE", "/metrics/job/x", ""); a.Status != 202 {
		t.Errorf("%v", a)
	}
}

func TestPeersWithoutAnAddressAreNoLocalOnes(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Guard.Tokens, c.Guard.Bypass = credential.NewTokens([]string{handlertest.RightToken}), guard.BypassOn
	})
	client, server := net.Pipe()
	t.Cleanup(func() { _ = client.Close() })
	go func() { _ = s.App.Server().ServeConn(server) }()
	resp, text := exchange(t, client, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if resp.StatusCode != 401 || !strings.Contains(text, "authentication is required") {
		t.Errorf("got %d %q", resp.StatusCode, text)
	}
}

// exchange sends a request while it reads the answer.
func exchange(t *testing.T, conn net.Conn, request string) (*http.Response, string) {
	t.Helper()
	go func() { _, _ = io.WriteString(conn, request) }()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer to %.60q: %v", request, err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}
