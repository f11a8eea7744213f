package e2e

import (
	"strings"
	"testing"
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
			password := secret("password")
			s := startEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + password}, test.args...)
			p := startNginx(t, s, append(test.lines, "proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")...)
			p.put("/gh/metrics/job/backup/instance/a", "m 1\n", "Authorization", basic("ana", password))
			b := browser(t).strictly()
			at := func(where string) {
				t.Helper()
				b.arrives(p.url + where)
				if stray := b.run(strings.ReplaceAll(strayLinks, "PREFIX", "/gh")); stray != "" {
					t.Errorf("%s leads to\n%s", where, stray)
				}
			}
			b.open(p.url + "/gh/?q=backup")
			at("/gh/?q=backup")
			b.run(`document.querySelector("input[name=name]").value = "ana"; document.querySelector("input[name=password]").value = "` + password + `"; document.querySelector("main form button").click(); "sent"`)
			b.says("tbody", "backup") // the sign-in page stood at the same address
			at("/gh/?q=backup")
			grouping := b.run(`document.querySelector("a.open").getAttribute("href")`)
			b.open(p.url + grouping)
			at(grouping)
			b.open(p.url + grouping + "/delete")
			at(grouping + "/delete")
			b.run(`document.querySelector("main form button").click(); "clicked"`)
			until(t, "the end of the delete", func() string {
				if path := b.run(`location.pathname`); !strings.HasPrefix(path, "/gh/deleted/") {
					return path
				}
				return ""
			})
			b.arrives(b.run(`location.href`))
			b.run(`document.querySelector("main form[action*='/undo/'] button").click(); "clicked"`)
			until(t, "the grouping to be back", func() string {
				if p.do("GET", "/gh/metrics/job/backup/instance/a", "", "Authorization", basic("ana", password)).status != 200 {
					return "it is not"
				}
				return ""
			})
			for _, path := range []string{"/gh/docs", "/gh/docs/pushing", "/gh/nowhere"} {
				b.open(p.url + path)
				at(path)
			}
			if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
				t.Error(complaints)
			}
		})
	}
}
