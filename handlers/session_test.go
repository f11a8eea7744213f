package handlers

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
	"gatehouse/store"
)

// oneUser configures the user admin.
func oneUser(c setup) {
	c.EnableAdminAPI = true
	c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: rightPassword})
}

func below(prefix string) func(setup) { return func(c setup) { c.RoutePrefix = prefix } }

func externally(address string) func(setup) {
	return func(c setup) { c.ExternalURL, _ = url.Parse(address) }
}

// filledIn is the form on which people sign in.
func filledIn(name, password, next string) string {
	return url.Values{"name": {name}, "password": {password}, "next": {next}}.Encode()
}

// aForm is what a browser says when it sends one of ours.
var aForm = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, aBrowser[:4]...)

// post sends a form as a browser does.
func (s *served) post(target, form string, headers ...string) answered {
	s.t.Helper()
	return s.do("POST", s.prefix+target, form, append(headers, aForm...)...)
}

// cookie is the one that an answer sets; nil: none.
func (a answered) cookie() *http.Cookie {
	for _, k := range (&http.Response{Header: a.header}).Cookies() {
		return k
	}
	return nil
}

// signedIn signs the user admin in and returns the headers of the session.
func (s *served) signedIn() []string {
	s.t.Helper()
	a := s.post("/login", filledIn("admin", rightPassword, "/"))
	k := a.cookie()
	if a.status != 303 || k == nil {
		s.t.Fatalf("%v %v", a, a.header)
	}
	return []string{"Cookie", k.Name + "=" + k.Value}
}

// begun begins a session of somebody who has signed in elsewhere.
func (s *served) begun(id string, role auth.Role) []string {
	s.t.Helper()
	must(s.t, s.store.CreateSession(s.t.Context(), id, auth.Session{
		Scheme: "oidc", ID: "sub:" + id, Credential: loginRules, Name: id, Role: role, Created: time.Now(), Expires: time.Now().Add(time.Hour),
	}))
	return []string{"Cookie", "gatehouse_session=" + id}
}

// inputs are the fields of the form on a page, by name, and where it leads.
func inputs(t *testing.T, page string) (fields map[string]map[string]string, action string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	must(t, err)
	fields = map[string]map[string]string{}
	for n := range doc.Descendants() {
		of := map[string]string{}
		for _, a := range n.Attr {
			of[a.Key] = a.Val
		}
		switch {
		case n.Data == "form":
			action = of["method"] + " " + of["action"]
		case n.Data == "input":
			fields[of["name"]] = of
		}
	}
	return fields, action
}

func TestSomebodySignsInLooksAroundAndSignsOut(t *testing.T) {
	s := serve(t, oneUser, below("/pg"))
	a := s.get("/pg/?a=b&c=%7Bd%7D", aBrowser...)
	fields, action := inputs(t, a.body)
	if a.status != 401 || action != "post /pg/login" || fields["next"]["value"] != "/pg/?a=b&c=%7Bd%7D" || fields["name"]["autocomplete"] != "username" || fields["password"]["autocomplete"] != "current-password" {
		t.Fatalf("%v\n%s %v", a, action, fields)
	}
	if challenge := strings.Join(a.header.Values("WWW-Authenticate"), ", "); strings.Contains(challenge, "Basic") || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Location") != "" {
		t.Errorf("%v", a.header)
	}
	a = s.post("/login", filledIn("admin", rightPassword, fields["next"]["value"]))
	k := a.cookie()
	if a.status != 303 || a.header.Get("Location") != "/pg/?a=b&c=%7Bd%7D" || a.header.Get("Cache-Control") != "no-store" || k == nil || k.Path != "/pg" {
		t.Fatalf("%v %v", a, a.header)
	}
	session := []string{"Cookie", k.Name + "=" + k.Value}
	if a := s.get("/pg/", append(session, aBrowser...)...); a.status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.get("/pg/metrics", session...); !contains(a.body, `gatehouse_sessions 1`, `gatehouse_auth_decisions_total{result="allowed",scheme="session"} 2`, `gatehouse_auth_decisions_total{result="allowed",scheme="basic"} 1`) {
		t.Error("not counted")
	}
	a = s.post("/auth/logout", "", session...)
	if gone := a.cookie(); a.status != 303 || a.header.Get("Location") != "/pg/" || a.header.Get("Clear-Site-Data") != `"cache", "storage"` || gone == nil || gone.Name != k.Name || gone.Value != "" || gone.Path != "/pg" || !gone.Expires.Before(time.Now()) {
		t.Errorf("%v %v", a, a.header)
	}
	if a := s.get("/pg/", append(session, aBrowser...)...); a.status != 401 {
		t.Errorf("the server knows the session still: %v", a)
	}
}

func TestASessionMayDoWhatTheTableSays(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)))
	reads := func(may fates) fates {
		for i, c := range columns {
			if c.method != "GET" {
				may[i] = 401
			}
		}
		return may
	}
	ours := []string{"Sec-Fetch-Site", "same-origin"}
	admin, reader, nobody := s.signedIn(), s.begun("reader", auth.Reader), s.begun("nobody", auth.NoRole)
	ended := s.begun("ended", auth.Admin)
	must(t, s.store.EndSession(t.Context(), "ended", store.Origin{}))
	noRole := reads(all(403))
	tests := []struct {
		name    string
		headers []string
		want    fates
	}{
		{"of an admin", admin, reads(asAdmin)},
		{"of an admin, from our page", append(ours, admin...), reads(asAdmin)},
		{"of a reader", reader, reads(asReader)},
		{"of nobody in particular", nobody, noRole},
		{"that was ended", ended, all(401)},
		{"with half of its id", []string{"Cookie", admin[1][:len(admin[1])-1]}, all(401)},
		{"under the name that https wants", []string{"Cookie", strings.Replace(admin[1], "gatehouse_session", "__Host-gatehouse", 1)}, all(401)},
		{"beside a wrong token", append([]string{"X-API-Key", "nope"}, admin...), all(401)},
		{"beside a token", append([]string{"X-API-Key", rightToken}, reader...), asAdmin},
		{"beside the scrape key", append([]string{"X-Metrics-Key", rightKey}, reader...), reads(asReader)},
	}
	for _, test := range tests {
		for i, c := range columns {
			s.put("/metrics/job/x", "a 1\n", "X-API-Key", rightToken)
			if a := s.do(c.method, c.target, "", test.headers...); a.status != test.want[i] {
				t.Errorf("a session %s: %v, want %d", test.name, a, test.want[i])
			}
		}
	}
	for i, c := range columns {
		if a := s.do(c.method, c.target, "", "Cookie", admin[1]+"; "+reader[1]); a.status != 401 {
			t.Errorf("the sessions of two people: %v", a)
		}
		if a := s.do(c.method, c.target, "", "Cookie", "gatehouse_session=theirs; "+reader[1]); a.status != reads(asReader)[i] {
			t.Errorf("a session beside another server's: %v", a)
		}
	}
	// Nobody is locked out: who signs in again is somebody.
	a := s.post("/login", filledIn("admin", rightPassword, "/"), "Cookie", admin[1]+"; "+reader[1])
	k := a.cookie()
	if a.status != 303 || k == nil {
		t.Fatalf("%v %v", a, a.header)
	}
	if a := s.get("/", "Cookie", reader[1]+"; "+k.Name+"="+k.Value); a.status != 200 {
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
		change := []func(setup){oneUser, below(test.prefix)}
		if test.external != "" {
			change = append(change, externally(test.external))
		}
		s := serve(t, change...)
		a := s.post("/login", filledIn("admin", rightPassword, ""), "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "X-Forwarded-Prefix", "/evil")
		k := a.cookie()
		if k == nil || k.Name != test.wantName || k.Path != test.wantPath || k.Secure != test.wantSecure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Domain != "" || k.MaxAge != 12*60*60 {
			t.Errorf("%s: got %v", test.external, a.header.Values("Set-Cookie"))
		}
		if a.header.Get("Location") != test.prefix+"/" {
			t.Errorf("%s: leads to %s", test.external, a.header.Get("Location"))
		}
	}
}

func TestAPlantedCookieIsNotTheSession(t *testing.T) {
	s := serve(t, oneUser)
	before := s.begun("of-the-attacker", auth.Reader)
	planted := []string{"Cookie", "gatehouse_session=planted-by-somebody-else"}
	for _, cookie := range [][]string{before, planted} {
		a := s.post("/login", filledIn("admin", rightPassword, "/"), cookie...)
		k := a.cookie()
		if a.status != 303 || k == nil || "gatehouse_session="+k.Value == cookie[1] {
			t.Errorf("%s: %v %v", cookie, a, a.header)
		}
		if a := s.get("/", cookie...); a.status != 401 {
			t.Errorf("%s is somebody: %v", cookie, a)
		}
	}
	if n := s.store.Snapshot().Stats().Sessions; n != 2 {
		t.Errorf("%d sessions", n)
	}
	// A wrong password ends nothing.
	session := s.signedIn()
	s.post("/login", filledIn("admin", "wrong", "/"), session...)
	if a := s.get("/", session...); a.status != 200 {
		t.Errorf("%v", a)
	}
}

func TestASessionEndsInTime(t *testing.T) {
	var later atomic.Int64
	s := serve(t, oneUser, func(c setup) {
		c.Store.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	session := s.signedIn()
	later.Store(int64(12*time.Hour - time.Minute))
	if a := s.get("/", session...); a.status != 200 {
		t.Errorf("before: %v", a)
	}
	later.Store(int64(12 * time.Hour))
	if a := s.get("/", session...); a.status != 401 {
		t.Errorf("then: %v", a)
	}
}

func TestASessionEndsWithItsUsersPassword(t *testing.T) {
	const right, other = "$2a$04$1R1kCT5dP8UsZm2AOUO49.FTBS1jv3dzkAHUbq9YWyXrjxCvcqmQ6", "$2a$04$GGE9dY9BfbQYh8CzXQHsPOYQz6XUPYtWLo.Q6xR0jxJ2uPmKNGnI2"
	users := func(hash string) map[string]string {
		return map[string]string{"admin": hash, "another": other}
	}
	var passwords *credential.Passwords
	s := serve(t, func(c setup) {
		passwords = credential.NewPasswords(credential.PasswordOptions{Users: users(right)})
		c.Guard.Passwords = passwords
	})
	must(t, s.store.CreateSession(t.Context(), "hers", auth.Session{
		Scheme: "basic", ID: "user:admin", Name: "admin", Role: auth.Admin, Created: time.Now(), Expires: time.Now().Add(time.Hour),
		Credential: passwords.Fingerprint("admin", "hers"),
	}))
	session := []string{"Cookie", "gatehouse_session=hers"}
	elsewhere := s.begun("elsewhere", auth.Reader)
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
		if a := s.get("/", session...); a.status != test.want {
			t.Errorf("%s: %v, want %d", test.name, a, test.want)
		}
		if a := s.get("/", elsewhere...); a.status != 200 {
			t.Errorf("%s: who signed in elsewhere: %v", test.name, a)
		}
	}
}

func TestWrongSignInsAreToldInTheSameWords(t *testing.T) {
	s := serve(t, oneUser)
	var pages []string
	for _, name := range []string{"admin", "nobody", `"><script>alert(1)</script>`} {
		a := s.post("/login", filledIn(name, "wrong-password", "/x?y"))
		fields, _ := inputs(t, a.body)
		if a.status != 401 || !contains(a.body, "Wrong user or password.", `role="alert"`) || a.cookie() != nil || a.header.Get("Cache-Control") != "no-store" || strings.Contains(a.body, "wrong-password") || strings.Contains(a.body, "<script>alert") {
			t.Errorf("%v %v", a, a.header)
		}
		if fields["name"]["value"] != name || fields["next"]["value"] != "/x?y" || fields["password"]["value"] != "" {
			t.Errorf("%v", fields)
		}
		if challenge := strings.Join(a.header.Values("WWW-Authenticate"), ", "); strings.Contains(challenge, "Basic") {
			t.Errorf("%s", challenge)
		}
		text := strings.ReplaceAll(a.body, html.EscapeString(name), "NAME")
		_, text, _ = strings.Cut(text, "<body") // the time stands before
		pages = append(pages, text)
	}
	if pages[0] != pages[1] {
		t.Errorf("the page tells known from unknown users:\n%s\n%s", pages[0], pages[1])
	}
	if strings.Contains(s.log.String(), "wrong-password") {
		t.Errorf("the log holds a password:\n%s", s.log.String())
	}
}

func TestTheFormAndBasicShareTheirTenAttempts(t *testing.T) {
	s := serve(t, oneUser)
	for i := range 5 {
		if a := s.post("/login", filledIn("admin", fmt.Sprint("form", i), "")); a.status != 401 {
			t.Fatalf("%v", a)
		}
		if a := s.get("/", "Authorization", basicHeader("admin", fmt.Sprint("basic", i))); a.status != 401 {
			t.Fatalf("%v", a)
		}
	}
	a := s.post("/login", filledIn("admin", rightPassword, ""))
	retry := a.header.Get("Retry-After")
	if a.status != 429 || retry == "" || !contains(a.body, "Too many failed sign-ins", "Try again in "+retry+" second") || a.cookie() != nil {
		t.Errorf("%v %v", a, a.header)
	}
	if a := s.get("/", "Authorization", basicHeader("admin", rightPassword)); a.status != 429 {
		t.Errorf("%v", a)
	}
}

func TestAForeignPageNeitherSignsInNorOut(t *testing.T) {
	s := serve(t, oneUser)
	session := s.signedIn()
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.example"}, {"Origin", "null"},
	} {
		headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
		if a := s.do("POST", "/login", filledIn("admin", rightPassword, ""), headers...); a.status != 403 || a.cookie() != nil {
			t.Errorf("%q: %v", headers, a)
		}
		if a := s.do("POST", "/auth/logout", "", append(headers, session...)...); a.status != 403 || a.cookie() != nil {
			t.Errorf("%q: %v", headers, a)
		}
	}
	if a := s.do("POST", "/auth/logout", "", session...); a.status != 403 {
		t.Errorf("without an origin: %v", a)
	}
	if a := s.get("/", session...); a.status != 200 {
		t.Errorf("the session has ended: %v", a)
	}
	if a := s.get("/auth/logout", session...); a.status != 405 || a.header.Get("Allow") != "OPTIONS, POST" {
		t.Errorf("%v", a)
	}
	if a := s.post("/auth/logout", ""); a.status != 401 {
		t.Errorf("signing out without a session: %v", a)
	}
}

func TestSigningInLeadsToOurOwnPagesOnly(t *testing.T) {
	s := serve(t, oneUser, below("/pg"))
	for next, want := range map[string]string{
		"/pg/groupings?q=%7B%7D": "/pg/groupings?q=%7B%7D", "/pg/": "/pg/", "/pg/metrics/job/a%2Fb": "/pg/metrics/job/a%2Fb",
		"": "/pg/", "/": "/pg/", "/pg": "/pg/", "/other": "/pg/", "/pgevil": "/pg/", "/pg.evil.example": "/pg/", "//evil.example": "/pg/", "/pg//evil.example": "/pg/",
		"/pg/%2fevil.example": "/pg/", `/pg/\evil.example`: "/pg/", "https://evil.example/pg/": "/pg/", "/pg/../x": "/pg/", "/pg/login": "/pg/", "/pg/auth/logout": "/pg/",
		"/pg/x\r\nSet-Cookie: a=b": "/pg/", "javascript:alert(1)": "/pg/",
	} {
		a := s.post("/login", filledIn("admin", rightPassword, next))
		if got := a.header.Get("Location"); a.status != 303 || got != want || len(a.header.Values("Set-Cookie")) != 1 {
			t.Errorf("%q: %d, leads to %q, want %q", next, a.status, got, want)
		}
		fields, _ := inputs(t, s.get("/pg/login?next="+url.QueryEscape(next)).body)
		if got := fields["next"]["value"]; got != want {
			t.Errorf("%q: the form says %q, want %q", next, got, want)
		}
	}
}

func TestAPartOfAPageLeadsToTheFormWhenTheSessionIsOver(t *testing.T) {
	s := serve(t, oneUser, below("/pg"))
	for current, want := range map[string]string{
		"http://example.org/pg/groupings?q=%7B%7D#x": "/pg/login?next=%2Fpg%2Fgroupings%3Fq%3D%257B%257D",
		"http://example.org/elsewhere":               "/pg/login?next=%2Fpg%2F",
		"http://example.org//evil.example":           "/pg/login?next=%2Fpg%2F",
		"mailto:a@b":                                 "/pg/login?next=%2Fpg%2F",
		"%zz":                                        "/pg/login?next=%2Fpg%2F",
		"":                                           "/pg/login?next=%2Fpg%2F",
	} {
		a := s.get("/pg/", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results", "HX-Current-URL", current, "Accept", "text/html")
		if got := a.header.Get("HX-Redirect"); a.status != 401 || got != want || a.header.Get("Cache-Control") != "no-store" || strings.Contains(strings.Join(a.header.Values("WWW-Authenticate"), ""), "Basic") {
			t.Errorf("%s: %v %v, want %s", current, a, a.header, want)
		}
	}
}

func TestOnlyPeopleAreShownTheForm(t *testing.T) {
	s := serve(t, oneUser)
	for _, test := range []struct {
		method, target string
		headers        []string
	}{
		{"GET", "/", nil},
		{"GET", "/", []string{"Accept", "*/*"}},
		{"GET", "/", []string{"Accept", "application/json, text/html"}},
		{"POST", "/", aBrowser},
		{"GET", "/api/v1/status", aBrowser},
		{"GET", "/metrics", aBrowser},
		{"GET", "/", append([]string{"Authorization", basicHeader("admin", "wrong")}, aBrowser...)},
	} {
		if a := s.do(test.method, test.target, "", test.headers...); a.status != 401 || strings.Contains(a.body, "<form") {
			t.Errorf("%q: %v", test.headers, a)
		}
	}
	if a := s.get("/nowhere", aBrowser...); a.status != 401 || !strings.Contains(a.body, "<form") {
		t.Errorf("%v", a)
	}
}

func TestTheFormIsBoundedAndPlain(t *testing.T) {
	s := serve(t, oneUser)
	good := filledIn("admin", rightPassword, "")
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
		if a := s.do("POST", "/login", test.body, "Content-Type", test.kind, "Origin", "http://"+s.addr); a.status != test.want || (a.cookie() != nil) != (test.want == 303) {
			t.Errorf("%s: %v, want %d", test.name, a, test.want)
		}
	}
}

func TestWithoutUsersTheFormSaysSo(t *testing.T) {
	for name, change := range map[string]func(setup){
		"open":        func(setup) {},
		"tokens only": func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) },
	} {
		s := serve(t, change)
		a := s.get("/login", aBrowser...)
		if a.status != 200 || strings.Contains(a.body, `type="password"`) || !contains(a.body, "nobody can sign in here", "PUSHGATEWAY_AUTH_USER") {
			t.Errorf("%s: %v", name, a)
		}
		if a := s.post("/login", filledIn("", "", "")); a.status != 401 || a.cookie() != nil {
			t.Errorf("%s: %v", name, a)
		}
	}
}

func TestNobodyIsSignedInWhileTheStoreIsDown(t *testing.T) {
	s := serve(t, oneUser)
	session := s.signedIn()
	s.journal.fail(store.ErrUnavailable)
	if a := s.post("/login", filledIn("admin", rightPassword, "")); a.status != 503 || a.cookie() != nil {
		t.Errorf("%v %v", a, a.header)
	}
	if a := s.post("/auth/logout", "", session...); a.status != 503 || a.cookie() != nil {
		t.Errorf("signed out, but the session has not ended: %v", a)
	}
	if a := s.get("/", session...); a.status != 200 {
		t.Errorf("%v", a)
	}
}

func TestASessionBeatsTheBypass(t *testing.T) {
	s := serve(t, oneUser, func(c setup) { c.Guard.Bypass = guard.BypassOn })
	session := s.begun("ann", auth.Reader)
	if a := s.do("DELETE", "/api/v1/groupings?match[]={job=%22x%22}", "", "Host", "localhost"); a.status != 200 {
		t.Errorf("without a session: %v", a)
	}
	if a := s.do("DELETE", "/api/v1/groupings?match[]={job=%22x%22}", "", append(session, "Host", "localhost")...); a.status != 401 {
		t.Errorf("%v", a)
	}
	if a := s.get("/metrics", append(session, "Host", "localhost")...); !contains(a.body, `{result="allowed",scheme="session"} 1`) {
		t.Errorf("%v", a)
	}
}

func TestAListenerForScrapesKnowsNoSessions(t *testing.T) {
	s := serve(t, oneUser, func(c setup) { c.onlyScrapes() })
	session := s.begun("ann", auth.Admin)
	if a := s.get("/metrics", session...); a.status != 401 {
		t.Errorf("%v", a)
	}
	if a := s.get("/login"); a.status != 401 {
		t.Errorf("%v", a)
	}
}
