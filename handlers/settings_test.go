package handlers

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/handlers/web"
)

// checked are the chosen options of the form by their fields.
func (v viewed) checked() map[string]string {
	chosen := map[string]string{}
	for _, n := range allBelow(v.root, tag("input")) {
		for _, a := range n.Attr {
			if a.Key == "checked" {
				chosen[attribute(n, "name")] += attribute(n, "value")
			}
		}
	}
	return chosen
}

func TestSettingsAreChosenByAForm(t *testing.T) {
	s := serve(t, below("/pg"))
	s.put("/metrics/job/x", "a 1\n")
	v := s.view("/settings")
	usual := map[string]string{"theme": "system", "time": "ago", "density": "roomy", "rows": "100", "live": "on", "keys": "on", "language": "curl"}
	for name, value := range usual {
		if got := v.checked()[name]; got != value {
			t.Errorf("at first %s is %q", name, got)
		}
	}
	form := url.Values{"theme": {"dark"}, "time": {"utc"}, "density": {"compact"}, "rows": {"50"}, "live": {"off"}, "keys": {"off"}, "language": {"go"}}
	a := s.post("/settings", form.Encode())
	k := a.cookie()
	if a.status != 303 || a.header.Get("Location") != "/pg/settings?saved=1" || k == nil || k.Name != "gatehouse-settings" || k.Path != "/pg/" ||
		k.MaxAge != 365*86400 || k.HttpOnly || k.Secure || !strings.Contains(a.header.Get("Set-Cookie"), "SameSite=Lax") {
		t.Fatalf("%v %v", a, a.header)
	}
	cookie := []string{"Cookie", k.Name + "=" + k.Value}
	v = s.view("/settings?saved=1", cookie...)
	for name, value := range form {
		if got := v.checked()[name]; got != value[0] {
			t.Errorf("then %s is %q", name, got)
		}
	}
	root := allBelow(v.root, tag("html"))[0]
	if !contains(v.text(), "Saved.", "fresh until its last push is 1 h old", "old after 1 d") || attribute(root, "data-theme") != "dark" || attribute(root, "data-time") != "utc" {
		t.Errorf("%s %v", v.text(), root.Attr)
	}
	moment := allBelow(s.view("/", cookie...).root, func(n *html.Node) bool { return n.Data == "time" })[0]
	if _, err := time.Parse(time.DateTime, wordsOf(moment)); err != nil {
		t.Errorf("a moment is %q", wordsOf(moment))
	}
	a = s.post("/settings", url.Values{"theme": {"system"}, "rows": {"nonsense"}}.Encode(), cookie...)
	if k := a.cookie(); a.status != 303 || k == nil || k.Value != "" {
		t.Errorf("%v %v", a, a.header)
	}
}

func TestABadFormOfSettingsChangesNothing(t *testing.T) {
	s := serve(t)
	for form, want := range map[string]int{"theme=dark&theme=light": 400, "theme=%zz": 400, "theme=" + strings.Repeat("x", web.MaxFormBytes): 413} {
		if a := s.post("/settings", form); a.status != want || a.cookie() != nil {
			t.Errorf("%.30s: %v, want %d", form, a, want)
		}
	}
	if a := s.do("POST", "/settings", "{}", "Content-Type", "application/json"); a.status != 415 || a.cookie() != nil {
		t.Errorf("%v", a)
	}
	if a := s.do("POST", "/settings", "theme=dark", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"); a.status != 403 || a.cookie() != nil {
		t.Errorf("%v", a)
	}
}

func TestHostileCookiesDoNoHarm(t *testing.T) {
	s := serve(t)
	for _, value := range []string{"%", "%zz", "a=b&c", strings.Repeat("theme%3Ddark%26", 700), "theme%3D%22%3E%3Cscript%3E"} {
		a := s.get("/settings", append([]string{"Cookie", "gatehouse-settings=" + value}, aBrowser...)...)
		if a.status != 200 && a.status != 400 || strings.Contains(a.body, "<script>") || a.status == 200 && strings.Contains(a.body, `data-theme="`) {
			t.Errorf("%.40q: %v", value, a)
		}
	}
}

func TestTheRowsThatAPersonPrefersAreUsual(t *testing.T) {
	s := serve(t)
	s.fill(120)
	prefers := []string{"Cookie", "gatehouse-settings=rows%3D50"}
	l := s.browse("", prefers...)
	if len(l.rows()) != 50 || strings.Contains(l.body, `name="rows"`) {
		t.Errorf("%d rows, or more than they need in the form", len(l.rows()))
	}
	for _, n := range allBelow(l.root, func(n *html.Node) bool { return n.Data == "a" && attribute(n, "rel") == "next" }) {
		if strings.Contains(attribute(n, "href"), "rows=") {
			t.Errorf("the next page is %s", attribute(n, "href"))
		}
	}
	if l := s.browse("?rows=100", prefers...); len(l.rows()) != 100 || !strings.Contains(l.body, `name="rows" value="100"`) {
		t.Errorf("%d rows where 100 are asked for", len(l.rows()))
	}
}

func TestTheCookieOfSettingsIsForHTTPSWhereThereIsHTTPS(t *testing.T) {
	s := serve(t, externally("https://gatehouse.example"))
	if k := s.post("/settings", "theme=dark").cookie(); k == nil || !k.Secure || k.Path != "/" {
		t.Errorf("got %v", k)
	}
}

func TestStrangersHaveNoSettings(t *testing.T) {
	s := serve(t, oneUser)
	if a := s.post("/settings", "theme=dark"); a.status != 401 || a.cookie() != nil {
		t.Errorf("a stranger: %v", a)
	}
}
