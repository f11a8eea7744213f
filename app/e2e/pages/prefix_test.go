package pages

import (
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// strayLinks are the addresses in a page that lead out of a prefix.
const strayLinks = `[...document.querySelectorAll("*")].flatMap(e => [...e.attributes])
	.filter(a => ["href", "src", "action", "formaction", "hx-get", "hx-post", "hx-sse:connect"].includes(a.name))
	.map(a => a.value).filter(v => v.startsWith("/") && !v.startsWith("PREFIX/")).join("\n")`

func TestPagesWorkBelowAPrefixOfAProxy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args  []string
		lines []string
	}{
		"that is passed on":  {[]string{"--web.route-prefix=/gh"}, nil},
		"that is taken away": {[]string{"--web.external-url=http://gatehouse.example/gh/", "--web.route-prefix=/"}, []string{"rewrite ^/gh/(.*)$ /$1 break;"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			password := harness.Secret("password")
			s := harness.StartEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + password}, test.args...)
			p := harness.StartNginx(t, s, append(test.lines, "proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")...)
			p.Put("/gh/metrics/job/backup/instance/a", "m 1\n", "Authorization", harness.BasicAuth("ana", password))
			b := harness.StartBrowser(t).Strictly()
			at := func(where string) {
				t.Helper()
				b.Arrives(p.URL + where)
				if stray := b.Run(strings.ReplaceAll(strayLinks, "PREFIX", "/gh")); stray != "" {
					t.Errorf("%s leads to\n%s", where, stray)
				}
			}
			b.Open(p.URL + "/gh/?q=backup")
			at("/gh/?q=backup")
			b.Run(`document.querySelector("input[name=name]").value = "ana"; document.querySelector("input[name=password]").value = "` + password + `"; document.querySelector("main form button").click(); "sent"`)
			b.Says("tbody", "backup") // the sign-in page stood at the same address
			at("/gh/?q=backup")
			grouping := b.Run(`document.querySelector("a.open").getAttribute("href")`)
			b.Open(p.URL + grouping)
			at(grouping)
			b.Open(p.URL + grouping + "/delete")
			at(grouping + "/delete")
			b.Run(`document.querySelector("main form button").click(); "clicked"`)
			harness.Until(t, "the end of the delete", func() string {
				if path := b.Reads(`location.pathname`); !strings.HasPrefix(path, "/gh/deleted/") {
					return path
				}
				return ""
			})
			b.Arrives(b.Run(`location.href`))
			b.Run(`document.querySelector("main form[action*='/undo/'] button").click(); "clicked"`)
			harness.Until(t, "the grouping to be back", func() string {
				if p.Do("GET", "/gh/metrics/job/backup/instance/a", "", "Authorization", harness.BasicAuth("ana", password)).Status != 200 {
					return "it is not"
				}
				return ""
			})
			for _, path := range []string{"/gh/docs", "/gh/docs/pushing", "/gh/nowhere"} {
				b.Open(p.URL + path)
				at(path)
			}
			if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
				t.Error(complaints)
			}
		})
	}
}
