package handlers

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/store"
)

// deletedGrouping is the page of a grouping that is not there.
func (s *served) gone(digest string, headers ...string) opened {
	s.t.Helper()
	a := s.get(s.prefix+"/groupings/"+digest, append(headers, aBrowser...)...)
	if a.status != 404 {
		s.t.Fatalf("%v", a)
	}
	root, err := html.Parse(strings.NewReader(a.body))
	must(s.t, err)
	return opened{a, root}
}

func TestTheAddressOfADeletedGroupingTellsWhoDeletedIt(t *testing.T) {
	var k *clock
	s := serve(t, oneUser, below("/pg"), func(c setup) { k = startClock(c) })
	ana := []string{"Authorization", basicHeader("admin", rightPassword)}
	digests := map[string]string{}
	put := func(path string) {
		s.put(path, "a 1\n", ana...)
		digests[path] = s.group(path).Key.Digest()
	}
	for _, path := range []string{"/metrics/job/own", "/metrics/job/many/l/1", "/metrics/job/many/l/%3Cscript%3E", "/metrics/job/brief?ttl=1m", "/metrics/job/wiped"} {
		s.put(path, "a 1\n", ana...)
		plain, _, _ := strings.Cut(path, "?")
		digests[plain] = s.group(plain).Key.Digest()
	}
	pat := s.begun("pat", auth.Pusher)
	at := "/groupings/" + digests["/metrics/job/own"] + "/delete"
	if a := s.post(at, formOf(t, s.get("/pg"+at, append(pat, aBrowser...)...).body, "/pg"+at).Encode(), pat...); a.status != 303 {
		t.Fatal(a)
	}
	if a := s.do("DELETE", "/pg/metrics/job/many", "", ana...); a.status != 202 {
		t.Fatal(a)
	}
	k.advance(2 * time.Minute)
	put("/metrics/job/later")
	if a := s.do("PUT", "/pg/api/v1/admin/wipe", "", ana...); a.status != 202 {
		t.Fatal(a)
	}
	admin, rita := s.signedIn(), s.begun("rita", auth.Reader)
	for name, test := range map[string]struct {
		path   string
		who    []string
		told   []string
		button string // empty: nothing can be undone
	}{
		"one's own":           {"/metrics/job/own", pat, []string{"This grouping was deleted", "job = own", "Deleted", "by pat", "Everything deleted with it"}, "Undo"},
		"one's own, an admin": {"/metrics/job/own", admin, []string{"by pat", "Everything deleted with it"}, "Undo"},
		"one of many":         {"/metrics/job/many/l/%3Cscript%3E", admin, []string{"l = <script>", "by admin as one of 2 groupings"}, "Restore all 2"},
		"another's":           {"/metrics/job/many/l/1", pat, []string{"by admin as one of 2 groupings"}, ""},
		"a reader's look":     {"/metrics/job/own", rita, []string{"by pat"}, ""},
		"expired":             {"/metrics/job/brief", admin, []string{"This grouping has expired", "Expired"}, "Undo"},
		"expired, a pusher":   {"/metrics/job/brief", pat, []string{"This grouping has expired"}, ""},
		"wiped":               {"/metrics/job/wiped", admin, []string{"This grouping was wiped", "Wiped", "by admin as one of 2 groupings"}, "Restore all 2"},
	} {
		o := s.gone(digests[test.path], test.who...)
		if !contains(o.text(), test.told...) || strings.Contains(o.body, "<script>") {
			t.Errorf("%s: %s, want %q", name, o.text(), test.told)
		}
		forms := o.elements("form", "hx-target", "#toasts")
		switch {
		case test.button == "" && (len(forms) > 0 || strings.Contains(o.body, "/deleted/") || !contains(o.text(), "The next push to it creates it again.")):
			t.Errorf("%s: may undo: %s", name, o.text())
		case test.button != "" && (len(forms) != 1 || wordsOf(forms[0]) != test.button || !strings.HasPrefix(attribute(forms[0], "action"), "/pg/undo/") || !contains(o.body, `href="/pg/deleted/`)):
			t.Errorf("%s: %s", name, o.text())
		}
	}
	// The form does what it says.
	form := s.gone(digests["/metrics/job/own"], pat...).elements("form", "hx-target", "#toasts")[0]
	if a := s.post(strings.TrimPrefix(attribute(form, "action"), "/pg"), "", pat...); a.status != 200 {
		t.Errorf("%v", a)
	}
	s.wantGroupings(`{job="own"}`)
}

func TestAnOpenPageLearnsThatItsGroupingIsGone(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x", "a 1\n")
	page := "/groupings/" + s.group("/metrics/job/x").Key.Digest()
	if a := s.get(page, asPart("grouping")...); a.status != 200 || strings.Contains(a.body, "<html") || !contains(a.body, "Metric", ">a<") {
		t.Errorf("%v", a)
	}
	s.do("DELETE", "/metrics/job/x", "")
	a := s.get(page, asPart("grouping")...)
	if a.status != 404 || strings.Contains(a.body, "<html") || !contains(a.body, "This grouping was deleted", "/undo/") || a.header.Get("HX-Retarget") != "" {
		t.Errorf("%v %v", a, a.header)
	}
	// Other parts of pages are not replaced by that.
	if a := s.get(page+"/delete", asPart("dialog")...); a.status != 404 || a.header.Get("HX-Retarget") != "#toasts" || !strings.Contains(a.body, "The grouping no longer exists.") {
		t.Errorf("%v %v", a, a.header)
	}
}

func TestAGroupingThatNobodyKnowsIsLookedFor(t *testing.T) {
	var k *clock
	s := serve(t, below("/pg"), func(c setup) { k = startClock(c) })
	s.put("/metrics/job/x", "a 1\n")
	digest := s.group("/metrics/job/x").Key.Digest()
	s.do("DELETE", "/pg/metrics/job/x", "")
	k.advance(25 * time.Hour)
	s.put("/metrics/job/y", "a 1\n")
	for _, id := range []string{"AAAAAAAAAAAAAAAAAAAAAA", "x", "%3Cscript%3E", digest} {
		o := s.gone(id)
		if !contains(o.text(), "404", "No such grouping") || len(o.elements("input", "name", "q")) != 1 || len(o.elements("form", "action", "/pg/")) != 1 {
			t.Errorf("%s: %s", id, o.text())
		}
	}
	if a := s.get("/pg/groupings/x"); a.status != 404 || a.body != "there is no such grouping\n" {
		t.Errorf("%v", a)
	}
}

func TestOnesOwnIsWhatTheSamePersonOrProgramDid(t *testing.T) {
	fake := issuertest.New(t)
	s := serve(t, everything(fake), func(c setup) { c.Guard.LoginRules = loginRules })
	jwt := func(subject, name string) []string {
		return []string{"Authorization", "Bearer " + fake.Token(map[string]any{
			"sub": subject, "preferred_username": name, "groups": []string{"pushers"},
		})}
	}
	session := func(id, subject, name string) []string {
		must(t, s.store.CreateSession(t.Context(), id, auth.Session{
			Scheme: auth.OIDC, ID: auth.SubjectID(fake.Issuer(), subject), Name: name, Role: auth.Pusher, Credential: loginRules,
			Created: time.Now(), Expires: time.Now().Add(time.Hour),
		}))
		return []string{"Cookie", "gatehouse_session=" + id}
	}
	token := func(name string) []string {
		_, secret, err := s.store.CreateToken(t.Context(), store.NewToken{Name: name, Role: auth.Pusher}, store.Origin{Via: "basic"})
		must(t, err)
		return []string{"X-API-Key", secret}
	}
	alex, other, twin := session("1", "alex", "Alex"), session("2", "other", "Alex"), token("Alex")
	for name, test := range map[string]struct {
		deletes, undoes []string
		status          int
	}{
		"the same session":                      {alex, alex, 200},
		"another session of the same person":    {alex, session("3", "alex", "Alex"), 200},
		"the same person, who has a new name":   {alex, session("4", "alex", "Sascha"), 200},
		"another person of that name":           {alex, other, 403},
		"that person's JWT":                     {alex, jwt("alex", "Alex"), 200},
		"the session of a JWT's person":         {jwt("alex", "Alex"), alex, 200},
		"the JWT of another person of the name": {alex, jwt("other", "Alex"), 403},
		"a token of that name":                  {alex, twin, 403},
		"the person of a token's name":          {twin, alex, 403},
		"the same token":                        {twin, twin, 200},
		"another token":                         {twin, token("Alex 2"), 403},
		"a JWT that says nobody's name":         {jwt("", "Alex"), jwt("", "Alex"), 403},
		"an admin":                              {alex, []string{"Authorization", basicHeader("admin", rightPassword)}, 200},
	} {
		path := "/metrics/job/" + url.PathEscape(name)
		s.put(path, "a 1\n", "X-API-Key", rightToken)
		digest := s.group(path).Key.Digest()
		if test.deletes[0] == "Cookie" {
			at := "/groupings/" + digest + "/delete"
			if a := s.post(at, formOf(t, s.get(at, append(test.deletes, aBrowser...)...).body, at).Encode(), test.deletes...); a.status != 303 {
				t.Fatal(a)
			}
		} else if a := s.do("DELETE", path, "", test.deletes...); a.status != 202 {
			t.Fatal(a)
		}
		gone, ok := s.store.Snapshot().DeletedByDigest(digest)
		if !ok {
			t.Fatalf("%s: it is not gone", name)
		}
		offered := strings.Contains(s.gone(digest, test.undoes...).body, "/undo/")
		if a := s.post("/undo/"+gone.Operation, "", test.undoes...); a.status != test.status || offered != (a.status == 200) {
			t.Errorf("%s: %v, offered: %v", name, a, offered)
		}
	}
}

func TestOnlyWhatTookGroupingsAwayHasAListOfThem(t *testing.T) {
	s := serve(t, oneUser)
	admin := s.signedIn()
	for kind, want := range map[store.EntryKind]int{store.EntrySignIn: 404, store.EntryDelete: 200} {
		s.put("/metrics/job/x", "a 1\n", "Authorization", basicHeader("admin", rightPassword))
		s.do("DELETE", "/metrics/job/x", "", "Authorization", basicHeader("admin", rightPassword))
		entries, _ := s.entriesLike("limit=1&kind="+string(kind), admin...)
		if a := s.get("/deleted/"+entries[0].Operation, append(admin, aBrowser...)...); a.status != want {
			t.Errorf("%s: %v", kind, a)
		}
	}
}
