package access_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

func TestSomebodySignsInLooksAroundAndSignsOut(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"))
	a := s.Get("/pg/?a=b&c=%7Bd%7D", handlertest.BrowserHeaders...)
	fields, action := handlertest.FormFields(t, a.Body)
	if a.Status != 401 || action != "post /pg/login" || fields["next"]["value"] != "/pg/?a=b&c=%7Bd%7D" || fields["name"]["autocomplete"] != "username" || fields["password"]["autocomplete"] != "current-password" {
		t.Fatalf("%v\n%s %v", a, action, fields)
	}
	if challenge := strings.Join(a.Header.Values("WWW-Authenticate"), ", "); strings.Contains(challenge, "Basic") || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Location") != "" {
		t.Errorf("%v", a.Header)
	}
	a = s.Post("/login", handlertest.LoginForm("admin", handlertest.RightPassword, fields["next"]["value"]))
	k := a.Cookie()
	if a.Status != 303 || a.Header.Get("Location") != "/pg/?a=b&c=%7Bd%7D" || a.Header.Get("Cache-Control") != "no-store" || k == nil || k.Path != "/pg" {
		t.Fatalf("%v %v", a, a.Header)
	}
	session := []string{"Cookie", k.Name + "=" + k.Value}
	if a := s.Get("/pg/", append(session, handlertest.BrowserHeaders...)...); a.Status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/pg/metrics", session...); !handlertest.Contains(a.Body, `gatehouse_sessions 1`, `gatehouse_auth_decisions_total{result="allowed",scheme="session"} 2`, `gatehouse_auth_decisions_total{result="allowed",scheme="basic"} 1`) {
		t.Error("not counted")
	}
	a = s.Post("/auth/logout", "", session...)
	if gone := a.Cookie(); a.Status != 303 || a.Header.Get("Location") != "/pg/" || a.Header.Get("Clear-Site-Data") != `"cache", "storage"` || gone == nil || gone.Name != k.Name || gone.Value != "" || gone.Path != "/pg" || !gone.Expires.Before(time.Now()) {
		t.Errorf("%v %v", a, a.Header)
	}
	if a := s.Get("/pg/", append(session, handlertest.BrowserHeaders...)...); a.Status != 401 {
		t.Errorf("the server knows the session still: %v", a)
	}
}

func TestASessionMayDoWhatTheTableSays(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)))
	reads := func(may handlertest.Statuses) handlertest.Statuses {
		for i, c := range handlertest.RouteClasses {
			if c.Method != "GET" {
				may[i] = 401
			}
		}
		return may
	}
	ours := []string{"Sec-Fetch-Site", "same-origin"}
	admin, reader, nobody := s.SignIn(), s.StartSession("reader", auth.Reader), s.StartSession("nobody", auth.NoRole)
	ended := s.StartSession("ended", auth.Admin)
	handlertest.Must(t, s.Store.EndSession(t.Context(), "ended", store.Origin{}))
	noRole := reads(handlertest.AllStatuses(403))
	tests := []struct {
		name    string
		headers []string
		want    handlertest.Statuses
	}{
		{"of an admin", admin, reads(handlertest.AsAdmin)},
		{"of an admin, from our page", append(ours, admin...), reads(handlertest.AsAdmin)},
		{"of a reader", reader, reads(handlertest.AsReader)},
		{"of nobody in particular", nobody, noRole},
		{"that was ended", ended, handlertest.AllStatuses(401)},
		{"with half of its id", []string{"Cookie", admin[1][:len(admin[1])-1]}, handlertest.AllStatuses(401)},
		{"under the name that https wants", []string{"Cookie", strings.Replace(admin[1], "gatehouse_session", "__Host-gatehouse", 1)}, handlertest.AllStatuses(401)},
		{"beside a wrong token", append([]string{"X-API-Key", "nope"}, admin...), handlertest.AllStatuses(401)},
		{"beside a token", append([]string{"X-API-Key", handlertest.RightToken}, reader...), handlertest.AsAdmin},
		{"beside the scrape key", append([]string{"X-Metrics-Key", handlertest.RightKey}, reader...), reads(handlertest.AsReader)},
	}
	for _, test := range tests {
		for i, c := range handlertest.RouteClasses {
			s.Put("/metrics/job/x", "a 1\n", "X-API-Key", handlertest.RightToken)
			if a := s.Do(c.Method, c.Target, "", test.headers...); a.Status != test.want[i] {
				t.Errorf("a session %s: %v, want %d", test.name, a, test.want[i])
			}
		}
	}
	for i, c := range handlertest.RouteClasses {
		if a := s.Do(c.Method, c.Target, "", "Cookie", admin[1]+"; "+reader[1]); a.Status != 401 {
			t.Errorf("the sessions of two people: %v", a)
		}
		if a := s.Do(c.Method, c.Target, "", "Cookie", "gatehouse_session=theirs; "+reader[1]); a.Status != reads(handlertest.AsReader)[i] {
			t.Errorf("a session beside another server's: %v", a)
		}
	}
	// Nobody is locked out: who signs in again is somebody.
	a := s.Post("/login", handlertest.LoginForm("admin", handlertest.RightPassword, "/"), "Cookie", admin[1]+"; "+reader[1])
	k := a.Cookie()
	if a.Status != 303 || k == nil {
		t.Fatalf("%v %v", a, a.Header)
	}
	if a := s.Get("/", "Cookie", reader[1]+"; "+k.Name+"="+k.Value); a.Status != 200 {
		t.Errorf("after signing in: %v", a)
	}
}

func TestACookieIsKeptFromNeighboursWhereThereIsHTTPS(t *testing.T) {
	for _, test := range []struct {
		external, prefix   string
		wantName, wantPath string
		wantSecure         bool
	}{
		{"", "", "gatehouse_session", "/", false},
		{"", "/pg", "gatehouse_session", "/pg", false},
		{"http://push.example.org/pg", "/pg", "gatehouse_session", "/pg", false},
		{"https://push.example.org", "", "__Host-gatehouse", "/", true},
		{"https://push.example.org/pg", "/pg", "__Host-gatehouse", "/", true},
	} {
		change := []func(handlertest.Setup){handlertest.OneUser, handlertest.Below(test.prefix)}
		if test.external != "" {
			change = append(change, handlertest.ExternalURL(test.external))
		}
		s := handlertest.Start(t, change...)
		a := s.Post("/login", handlertest.LoginForm("admin", handlertest.RightPassword, ""), "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "X-Forwarded-Prefix", "/evil")
		k := a.Cookie()
		if k == nil || k.Name != test.wantName || k.Path != test.wantPath || k.Secure != test.wantSecure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Domain != "" || k.MaxAge != 12*60*60 {
			t.Errorf("%s: got %v", test.external, a.Header.Values("Set-Cookie"))
		}
		if a.Header.Get("Location") != test.prefix+"/" {
			t.Errorf("%s: leads to %s", test.external, a.Header.Get("Location"))
		}
	}
}

func TestAPlantedCookieIsNotTheSession(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	before := s.StartSession("of-the-attacker", auth.Reader)
	planted := []string{"Cookie", "gatehouse_session=planted-by-somebody-else"}
	for _, cookie := range [][]string{before, planted} {
		a := s.Post("/login", handlertest.LoginForm("admin", handlertest.RightPassword, "/"), cookie...)
		k := a.Cookie()
		if a.Status != 303 || k == nil || "gatehouse_session="+k.Value == cookie[1] {
			t.Errorf("%s: %v %v", cookie, a, a.Header)
		}
		if a := s.Get("/", cookie...); a.Status != 401 {
			t.Errorf("%s is somebody: %v", cookie, a)
		}
	}
	if n := s.Store.Snapshot().Stats().Sessions; n != 2 {
		t.Errorf("%d sessions", n)
	}
	// A wrong password ends nothing.
	session := s.SignIn()
	s.Post("/login", handlertest.LoginForm("admin", "wrong", "/"), session...)
	if a := s.Get("/", session...); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestASessionEndsInTime(t *testing.T) {
	var later atomic.Int64
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) {
		c.Store.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	session := s.SignIn()
	later.Store(int64(12*time.Hour - time.Minute))
	if a := s.Get("/", session...); a.Status != 200 {
		t.Errorf("before: %v", a)
	}
	later.Store(int64(12 * time.Hour))
	if a := s.Get("/", session...); a.Status != 401 {
		t.Errorf("then: %v", a)
	}
}

func TestASessionEndsWithItsUsersPassword(t *testing.T) {
	const right, other = "$2a$04$1R1kCT5dP8UsZm2AOUO49.FTBS1jv3dzkAHUbq9YWyXrjxCvcqmQ6", "$2a$04$GGE9dY9BfbQYh8CzXQHsPOYQz6XUPYtWLo.Q6xR0jxJ2uPmKNGnI2"
	users := func(hash string) map[string]string {
		return map[string]string{"admin": hash, "another": other}
	}
	var passwords *credential.Passwords
	s := handlertest.Start(t, func(c handlertest.Setup) {
		passwords = credential.NewPasswords(credential.PasswordOptions{Users: users(right)})
		c.Guard.Passwords = passwords
	})
	handlertest.Must(t, s.Store.CreateSession(t.Context(), "hers", auth.Session{
		Scheme: "basic", ID: "user:admin", Name: "admin", Role: auth.Admin, Created: time.Now(), Expires: time.Now().Add(time.Hour),
		Credential: passwords.Fingerprint("admin", "hers"),
	}))
	session := []string{"Cookie", "gatehouse_session=hers"}
	elsewhere := s.StartSession("elsewhere", auth.Reader)
	for _, test := range []struct {
		name  string
		users map[string]string
		want  int
	}{
		{"all is as it was", users(right), 200},
		{"another password", users(other), 401},
		{"the user is gone", map[string]string{"another": other}, 401},
		{"nobody is left", nil, 401},
	} {
		passwords.SetUsers(test.users)
		if a := s.Get("/", session...); a.Status != test.want {
			t.Errorf("%s: %v, want %d", test.name, a, test.want)
		}
		if a := s.Get("/", elsewhere...); a.Status != 200 {
			t.Errorf("%s: who signed in elsewhere: %v", test.name, a)
		}
	}
}

func TestWrongSignInsAreAnsweredInTheSameWords(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	var pages []string
	for _, name := range []string{"admin", "nobody", `"><script>alert(1)</script>`} {
		a := s.Post("/login", handlertest.LoginForm(name, "wrong-password", "/x?y"))
		fields, _ := handlertest.FormFields(t, a.Body)
		if a.Status != 401 || !handlertest.Contains(a.Body, "Wrong user or password.", `role="alert"`) || a.Cookie() != nil || a.Header.Get("Cache-Control") != "no-store" || strings.Contains(a.Body, "wrong-password") || strings.Contains(a.Body, "<script>alert") {
			t.Errorf("%v %v", a, a.Header)
		}
		if fields["name"]["value"] != name || fields["next"]["value"] != "/x?y" || fields["password"]["value"] != "" {
			t.Errorf("%v", fields)
		}
		if challenge := strings.Join(a.Header.Values("WWW-Authenticate"), ", "); strings.Contains(challenge, "Basic") {
			t.Errorf("%s", challenge)
		}
		text := strings.ReplaceAll(a.Body, html.EscapeString(name), "NAME")
		_, text, _ = strings.Cut(text, "<body") // the time stands before
		pages = append(pages, text)
	}
	if pages[0] != pages[1] {
		t.Errorf("the page tells known from unknown users:\n%s\n%s", pages[0], pages[1])
	}
	if strings.Contains(s.Log.String(), "wrong-password") {
		t.Errorf("the log holds a password:\n%s", s.Log.String())
	}
}

func TestTheFormAndBasicShareTheirTenAttempts(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for i := range 5 {
		if a := s.Post("/login", handlertest.LoginForm("admin", fmt.Sprint("form", i), "")); a.Status != 401 {
			t.Fatalf("%v", a)
		}
		if a := s.Get("/", "Authorization", handlertest.BasicAuth("admin", fmt.Sprint("basic", i))); a.Status != 401 {
			t.Fatalf("%v", a)
		}
	}
	a := s.Post("/login", handlertest.LoginForm("admin", handlertest.RightPassword, ""))
	retry := a.Header.Get("Retry-After")
	if a.Status != 429 || retry == "" || !handlertest.Contains(a.Body, "Too many failed sign-ins", "Try again in "+retry+" second") || a.Cookie() != nil {
		t.Errorf("%v %v", a, a.Header)
	}
	if a := s.Get("/", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)); a.Status != 429 {
		t.Errorf("%v", a)
	}
}

func TestAForeignPageNeitherSignsInNorOut(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	session := s.SignIn()
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.example"}, {"Origin", "null"},
	} {
		headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
		if a := s.Do("POST", "/login", handlertest.LoginForm("admin", handlertest.RightPassword, ""), headers...); a.Status != 403 || a.Cookie() != nil {
			t.Errorf("%q: %v", headers, a)
		}
		if a := s.Do("POST", "/auth/logout", "", append(headers, session...)...); a.Status != 403 || a.Cookie() != nil {
			t.Errorf("%q: %v", headers, a)
		}
	}
	if a := s.Do("POST", "/auth/logout", "", session...); a.Status != 403 {
		t.Errorf("without an origin: %v", a)
	}
	if a := s.Get("/", session...); a.Status != 200 {
		t.Errorf("the session has ended: %v", a)
	}
	if a := s.Get("/auth/logout", session...); a.Status != 405 || a.Header.Get("Allow") != "OPTIONS, POST" {
		t.Errorf("%v", a)
	}
	if a := s.Post("/auth/logout", ""); a.Status != 401 {
		t.Errorf("signing out without a session: %v", a)
	}
}

func TestSigningInLeadsToOurOwnPagesOnly(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"))
	for next, want := range map[string]string{
		"/pg/groupings?q=%7B%7D": "/pg/groupings?q=%7B%7D", "/pg/": "/pg/", "/pg/metrics/job/a%2Fb": "/pg/metrics/job/a%2Fb",
		"": "/pg/", "/": "/pg/", "/pg": "/pg/", "/other": "/pg/", "/pgevil": "/pg/", "/pg.evil.example": "/pg/", "//evil.example": "/pg/", "/pg//evil.example": "/pg/",
		"/pg/%2fevil.example": "/pg/", `/pg/\evil.example`: "/pg/", "https://evil.example/pg/": "/pg/", "/pg/../x": "/pg/", "/pg/login": "/pg/", "/pg/auth/logout": "/pg/",
		"/pg/x\r\nSet-Cookie: a=b": "/pg/", "javascript:alert(1)": "/pg/",
	} {
		a := s.Post("/login", handlertest.LoginForm("admin", handlertest.RightPassword, next))
		if got := a.Header.Get("Location"); a.Status != 303 || got != want || len(a.Header.Values("Set-Cookie")) != 1 {
			t.Errorf("%q: %d, leads to %q, want %q", next, a.Status, got, want)
		}
		fields, _ := handlertest.FormFields(t, s.Get("/pg/login?next="+url.QueryEscape(next)).Body)
		if got := fields["next"]["value"]; got != want {
			t.Errorf("%q: the form says %q, want %q", next, got, want)
		}
	}
}

func TestAPartOfAPageLeadsToTheFormWhenTheSessionIsOver(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"))
	for current, want := range map[string]string{
		"http://example.org/pg/groupings?q=%7B%7D#x": "/pg/login?next=%2Fpg%2Fgroupings%3Fq%3D%257B%257D",
		"http://example.org/elsewhere":               "/pg/login?next=%2Fpg%2F",
		"http://example.org//evil.example":           "/pg/login?next=%2Fpg%2F",
		"mailto:a@b":                                 "/pg/login?next=%2Fpg%2F",
		"%zz":                                        "/pg/login?next=%2Fpg%2F",
		"":                                           "/pg/login?next=%2Fpg%2F",
	} {
		a := s.Get("/pg/", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results", "HX-Current-URL", current, "Accept", "text/html")
		if got := a.Header.Get("HX-Redirect"); a.Status != 401 || got != want || a.Header.Get("Cache-Control") != "no-store" || strings.Contains(strings.Join(a.Header.Values("WWW-Authenticate"), ""), "Basic") {
			t.Errorf("%s: %v %v, want %s", current, a, a.Header, want)
		}
	}
}

func TestOnlyPeopleAreShownTheForm(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for _, test := range []struct {
		method, target string
		headers        []string
	}{
		{"GET", "/", nil},
		{"GET", "/", []string{"Accept", "*/*"}},
		{"GET", "/", []string{"Accept", "application/json, text/html"}},
		{"POST", "/", handlertest.BrowserHeaders},
		{"GET", "/api/v1/status", handlertest.BrowserHeaders},
		{"GET", "/metrics", handlertest.BrowserHeaders},
		{"GET", "/", append([]string{"Authorization", handlertest.BasicAuth("admin", "wrong")}, handlertest.BrowserHeaders...)},
	} {
		if a := s.Do(test.method, test.target, "", test.headers...); a.Status != 401 || strings.Contains(a.Body, "<form") {
			t.Errorf("%q: %v", test.headers, a)
		}
	}
	if a := s.Get("/nowhere", handlertest.BrowserHeaders...); a.Status != 401 || !strings.Contains(a.Body, "<form") {
		t.Errorf("%v", a)
	}
}

func TestTheFormIsBoundedAndPlain(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	good := handlertest.LoginForm("admin", handlertest.RightPassword, "")
	for _, test := range []struct {
		name, kind, body string
		want             int
	}{
		{"good", "application/x-www-form-urlencoded; charset=utf-8", good, 303},
		{"as large as it may be", "application/x-www-form-urlencoded", good + "&x=" + strings.Repeat("y", 8<<10-len(good)-3), 303},
		{"larger", "application/x-www-form-urlencoded", good + "&x=" + strings.Repeat("y", 8<<10-len(good)-2), 413},
		{"much larger", "application/x-www-form-urlencoded", good + "&x=" + strings.Repeat("y", 1<<20), 413},
		{"JSON", "application/json", `{"name":"admin"}`, 415},
		{"text", "text/plain", good, 415},
		{"of no kind", "", good, 415},
		{"two names", "application/x-www-form-urlencoded", good + "&name=b", 400},
		{"a bad escape", "application/x-www-form-urlencoded", good + "&x=%zz", 400},
		{"empty", "application/x-www-form-urlencoded", "", 401},
	} {
		if a := s.Do("POST", "/login", test.body, "Content-Type", test.kind, "Origin", "http://"+s.Addr); a.Status != test.want || (a.Cookie() != nil) != (test.want == 303) {
			t.Errorf("%s: %v, want %d", test.name, a, test.want)
		}
	}
}

func TestWithoutUsersTheFormSaysSo(t *testing.T) {
	for name, change := range map[string]func(handlertest.Setup){
		"open":        func(handlertest.Setup) {},
		"tokens only": func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) },
	} {
		s := handlertest.Start(t, change)
		a := s.Get("/login", handlertest.BrowserHeaders...)
		if a.Status != 200 || strings.Contains(a.Body, `type="password"`) || !handlertest.Contains(a.Body, "nobody can sign in here", "PUSHGATEWAY_AUTH_USER") {
			t.Errorf("%s: %v", name, a)
		}
		if a := s.Post("/login", handlertest.LoginForm("", "", "")); a.Status != 401 || a.Cookie() != nil {
			t.Errorf("%s: %v", name, a)
		}
	}
}

func TestNobodyIsSignedInWhileTheStoreIsDown(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	session := s.SignIn()
	s.Journal.Fail(store.ErrUnavailable)
	if a := s.Post("/login", handlertest.LoginForm("admin", handlertest.RightPassword, "")); a.Status != 503 || a.Cookie() != nil {
		t.Errorf("%v %v", a, a.Header)
	}
	if a := s.Post("/auth/logout", "", session...); a.Status != 503 || a.Cookie() != nil {
		t.Errorf("signed out, but the session has not ended: %v", a)
	}
	if a := s.Get("/", session...); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestASessionBeatsTheBypass(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { c.Guard.Bypass = guard.BypassOn })
	session := s.StartSession("ann", auth.Reader)
	if a := s.Do("DELETE", "/api/v1/groupings?match[]={job=%22x%22}", "", "Host", "localhost"); a.Status != 200 {
		t.Errorf("without a session: %v", a)
	}
	if a := s.Do("DELETE", "/api/v1/groupings?match[]={job=%22x%22}", "", append(session, "Host", "localhost")...); a.Status != 401 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/metrics", append(session, "Host", "localhost")...); !handlertest.Contains(a.Body, `{result="allowed",scheme="session"} 1`) {
		t.Errorf("%v", a)
	}
}

func TestAListenerForScrapesKnowsNoSessions(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { c.OnlyScrapes() })
	session := s.StartSession("ann", auth.Admin)
	if a := s.Get("/metrics", session...); a.Status != 401 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/login"); a.Status != 401 {
		t.Errorf("%v", a)
	}
}
