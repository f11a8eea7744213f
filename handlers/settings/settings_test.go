package settings_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
)

// checkedInputs are the chosen options of the form by their fields.
func checkedInputs(v handlertest.View) map[string]string {
	chosen := map[string]string{}
	for _, n := range handlertest.FindAll(v.Root, handlertest.HasTag("input")) {
		for _, a := range n.Attr {
			if a.Key == "checked" {
				chosen[handlertest.Attribute(n, "name")] += handlertest.Attribute(n, "value")
			}
		}
	}
	return chosen
}

func TestSettingsAreChosenByAForm(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	s.Put("/metrics/job/x", "a 1\n")
	v := s.Open("/settings")
	usual := map[string]string{"theme": "system", "time": "ago", "density": "roomy", "rows": "100", "live": "on", "keys": "on", "language": "curl"}
	for name, value := range usual {
		if got := checkedInputs(v)[name]; got != value {
			t.Errorf("at first %s is %q", name, got)
		}
	}
	form := url.Values{"theme": {"dark"}, "time": {"utc"}, "density": {"compact"}, "rows": {"50"}, "live": {"off"}, "keys": {"off"}, "language": {"go"}}
	a := s.Post("/settings", form.Encode())
	k := a.Cookie()
	if a.Status != 303 || a.Header.Get("Location") != "/pg/settings?saved=1" || k == nil || k.Name != "gatehouse-settings" || k.Path != "/pg/" ||
		k.MaxAge != 365*86400 || k.HttpOnly || k.Secure || !strings.Contains(a.Header.Get("Set-Cookie"), "SameSite=Lax") {
		t.Fatalf("%v %v", a, a.Header)
	}
	cookie := []string{"Cookie", k.Name + "=" + k.Value}
	v = s.Open("/settings?saved=1", cookie...)
	for name, value := range form {
		if got := checkedInputs(v)[name]; got != value[0] {
			t.Errorf("then %s is %q", name, got)
		}
	}
	root := handlertest.FindAll(v.Root, handlertest.HasTag("html"))[0]
	if !handlertest.Contains(v.Text(), "Saved.", "fresh until its last push is 1 h old", "old after 1 d") || handlertest.Attribute(root, "data-theme") != "dark" || handlertest.Attribute(root, "data-time") != "utc" {
		t.Errorf("%s %v", v.Text(), root.Attr)
	}
	moment := handlertest.FindAll(s.Open("/", cookie...).Root, func(n *html.Node) bool { return n.Data == "time" })[0]
	if _, err := time.Parse(time.DateTime, handlertest.WordsOf(moment)); err != nil {
		t.Errorf("a moment is %q", handlertest.WordsOf(moment))
	}
	a = s.Post("/settings", url.Values{"theme": {"system"}, "rows": {"nonsense"}}.Encode(), cookie...)
	if k := a.Cookie(); a.Status != 303 || k == nil || k.Value != "" {
		t.Errorf("%v %v", a, a.Header)
	}
}

func TestABadFormOfSettingsChangesNothing(t *testing.T) {
	s := handlertest.Start(t)
	for form, want := range map[string]int{"theme=dark&theme=light": 400, "theme=%zz": 400, "theme=" + strings.Repeat("x", web.MaxFormBytes): 413} {
		if a := s.Post("/settings", form); a.Status != want || a.Cookie() != nil {
			t.Errorf("%.30s: %v, want %d", form, a, want)
		}
	}
	if a := s.Do("POST", "/settings", "{}", "Content-Type", "application/json"); a.Status != 415 || a.Cookie() != nil {
		t.Errorf("%v", a)
	}
	if a := s.Do("POST", "/settings", "theme=dark", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"); a.Status != 403 || a.Cookie() != nil {
		t.Errorf("%v", a)
	}
}

func TestHostileCookiesDoNoHarm(t *testing.T) {
	s := handlertest.Start(t)
	for _, value := range []string{"%", "%zz", "a=b&c", strings.Repeat("theme%3Ddark%26", 700), "theme%3D%22%3E%3Cscript%3E"} {
		a := s.Get("/settings", append([]string{"Cookie", "gatehouse-settings=" + value}, handlertest.BrowserHeaders...)...)
		if a.Status != 200 && a.Status != 400 || strings.Contains(a.Body, "<script>") || a.Status == 200 && strings.Contains(a.Body, `data-theme="`) {
			t.Errorf("%.40q: %v", value, a)
		}
	}
}

func TestTheRowsThatAPersonPrefersAreUsual(t *testing.T) {
	s := handlertest.Start(t)
	s.Fill(120)
	prefers := []string{"Cookie", "gatehouse-settings=rows%3D50"}
	l := s.List("", prefers...)
	if len(l.Rows()) != 50 || strings.Contains(l.Body, `name="rows"`) {
		t.Errorf("%d rows, or more than they need in the form", len(l.Rows()))
	}
	for _, n := range handlertest.FindAll(l.Root, func(n *html.Node) bool { return n.Data == "a" && handlertest.Attribute(n, "rel") == "next" }) {
		if strings.Contains(handlertest.Attribute(n, "href"), "rows=") {
			t.Errorf("the next page is %s", handlertest.Attribute(n, "href"))
		}
	}
	if l := s.List("?rows=100", prefers...); len(l.Rows()) != 100 || !strings.Contains(l.Body, `name="rows" value="100"`) {
		t.Errorf("%d rows where 100 are asked for", len(l.Rows()))
	}
}

func TestTheCookieOfSettingsIsForHTTPSWhereThereIsHTTPS(t *testing.T) {
	s := handlertest.Start(t, handlertest.ExternalURL("https://gatehouse.example"))
	if k := s.Post("/settings", "theme=dark").Cookie(); k == nil || !k.Secure || k.Path != "/" {
		t.Errorf("got %v", k)
	}
}

func TestStrangersHaveNoSettings(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	if a := s.Post("/settings", "theme=dark"); a.Status != 401 || a.Cookie() != nil {
		t.Errorf("a stranger: %v", a)
	}
}
