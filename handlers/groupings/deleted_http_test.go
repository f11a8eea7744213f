package groupings_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

// deletedGrouping is the page of a grouping that is not there.
func openDeleted(s *handlertest.Server, digest string, headers ...string) opened {
	s.T.Helper()
	a := s.Get(s.Prefix+"/groupings/"+digest, append(headers, handlertest.BrowserHeaders...)...)
	if a.Status != 404 {
		s.T.Fatalf("%v", a)
	}
	root, err := html.Parse(strings.NewReader(a.Body))
	handlertest.Must(s.T, err)
	return opened{a, root}
}

func TestThePageOfADeletedGroupingSaysWhoDeletedIt(t *testing.T) {
	var k *handlertest.Clock
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"), func(c handlertest.Setup) { k = handlertest.StartClock(c) })
	ana := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	digests := map[string]string{}
	put := func(path string) {
		s.Put(path, "a 1\n", ana...)
		digests[path] = s.Grouping(path).Key.Digest()
	}
	for _, path := range []string{"/metrics/job/own", "/metrics/job/many/l/1", "/metrics/job/many/l/%3Cscript%3E", "/metrics/job/brief?ttl=1m", "/metrics/job/wiped"} {
		s.Put(path, "a 1\n", ana...)
		plain, _, _ := strings.Cut(path, "?")
		digests[plain] = s.Grouping(plain).Key.Digest()
	}
	pat := s.StartSession("pat", auth.Pusher)
	at := "/groupings/" + digests["/metrics/job/own"] + "/delete"
	if a := s.Post(at, handlertest.FormOf(t, s.Get("/pg"+at, append(pat, handlertest.BrowserHeaders...)...).Body, "/pg"+at).Encode(), pat...); a.Status != 303 {
		t.Fatal(a)
	}
	if a := s.Do("DELETE", "/pg/metrics/job/many", "", ana...); a.Status != 202 {
		t.Fatal(a)
	}
	k.Advance(2 * time.Minute)
	put("/metrics/job/later")
	if a := s.Do("PUT", "/pg/api/v1/admin/wipe", "", ana...); a.Status != 202 {
		t.Fatal(a)
	}
	admin, rita := s.SignIn(), s.StartSession("rita", auth.Reader)
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
		o := openDeleted(s, digests[test.path], test.who...)
		if !handlertest.Contains(o.text(), test.told...) || strings.Contains(o.Body, "<script>") {
			t.Errorf("%s: %s, want %q", name, o.text(), test.told)
		}
		forms := o.elements("form", "hx-target", "#toasts")
		switch {
		case test.button == "" && (len(forms) > 0 || strings.Contains(o.Body, "/deleted/") || !handlertest.Contains(o.text(), "The next push to it creates it again.")):
			t.Errorf("%s: may undo: %s", name, o.text())
		case test.button != "" && (len(forms) != 1 || handlertest.WordsOf(forms[0]) != test.button || !strings.HasPrefix(handlertest.Attribute(forms[0], "action"), "/pg/undo/") || !handlertest.Contains(o.Body, `href="/pg/deleted/`)):
			t.Errorf("%s: %s", name, o.text())
		}
	}
	// The form does what it says.
	form := openDeleted(s, digests["/metrics/job/own"], pat...).elements("form", "hx-target", "#toasts")[0]
	if a := s.Post(strings.TrimPrefix(handlertest.Attribute(form, "action"), "/pg"), "", pat...); a.Status != 200 {
		t.Errorf("%v", a)
	}
	s.WantGroupings(`{job="own"}`)
}

func TestAnOpenPageLearnsThatItsGroupingWasDeleted(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	page := "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest()
	if a := s.Get(page, handlertest.PartHeaders("grouping")...); a.Status != 200 || strings.Contains(a.Body, "<html") || !handlertest.Contains(a.Body, "Metric", ">a<") {
		t.Errorf("%v", a)
	}
	s.Do("DELETE", "/metrics/job/x", "")
	a := s.Get(page, handlertest.PartHeaders("grouping")...)
	if a.Status != 404 || strings.Contains(a.Body, "<html") || !handlertest.Contains(a.Body, "This grouping was deleted", "/undo/") || a.Header.Get("HX-Retarget") != "" {
		t.Errorf("%v %v", a, a.Header)
	}
	// Other parts of pages are not replaced by that.
	if a := s.Get(page+"/delete", handlertest.PartHeaders("dialog")...); a.Status != 404 || a.Header.Get("HX-Retarget") != "#toasts" || !strings.Contains(a.Body, "The grouping no longer exists.") {
		t.Errorf("%v %v", a, a.Header)
	}
}

func TestAGroupingThatNobodyKnowsIsLookedFor(t *testing.T) {
	var k *handlertest.Clock
	s := handlertest.Start(t, handlertest.Below("/pg"), func(c handlertest.Setup) { k = handlertest.StartClock(c) })
	s.Put("/metrics/job/x", "a 1\n")
	digest := s.Grouping("/metrics/job/x").Key.Digest()
	s.Do("DELETE", "/pg/metrics/job/x", "")
	k.Advance(25 * time.Hour)
	s.Put("/metrics/job/y", "a 1\n")
	for _, id := range []string{"AAAAAAAAAAAAAAAAAAAAAA", "x", "%3Cscript%3E", digest} {
		o := openDeleted(s, id)
		if !handlertest.Contains(o.text(), "404", "No such grouping") || len(o.elements("input", "name", "q")) != 1 || len(o.elements("form", "action", "/pg/")) != 1 {
			t.Errorf("%s: %s", id, o.text())
		}
	}
	if a := s.Get("/pg/groupings/x"); a.Status != 404 || a.Body != "there is no such grouping\n" {
		t.Errorf("%v", a)
	}
}

func TestOnesOwnIsWhatTheSamePersonOrProgramDid(t *testing.T) {
	fake := issuertest.New(t)
	s := handlertest.Start(t, handlertest.EveryCredential(fake), func(c handlertest.Setup) { c.Guard.LoginRules = handlertest.LoginRules })
	jwt := func(subject, name string) []string {
		return []string{"Authorization", "Bearer " + fake.Token(map[string]any{
			"sub": subject, "preferred_username": name, "groups": []string{"pushers"},
		})}
	}
	session := func(id, subject, name string) []string {
		handlertest.Must(t, s.Store.CreateSession(t.Context(), id, auth.Session{
			Scheme: auth.OIDC, ID: auth.SubjectID(fake.Issuer(), subject), Name: name, Role: auth.Pusher, Credential: handlertest.LoginRules,
			Created: time.Now(), Expires: time.Now().Add(time.Hour),
		}))
		return []string{"Cookie", "gatehouse_session=" + id}
	}
	token := func(name string) []string {
		_, secret, err := s.Store.CreateToken(t.Context(), store.NewToken{Name: name, Role: auth.Pusher}, store.Origin{Via: "basic"})
		handlertest.Must(t, err)
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
		"an admin":                              {alex, []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}, 200},
	} {
		path := "/metrics/job/" + url.PathEscape(name)
		s.Put(path, "a 1\n", "X-API-Key", handlertest.RightToken)
		digest := s.Grouping(path).Key.Digest()
		if test.deletes[0] == "Cookie" {
			at := "/groupings/" + digest + "/delete"
			if a := s.Post(at, handlertest.FormOf(t, s.Get(at, append(test.deletes, handlertest.BrowserHeaders...)...).Body, at).Encode(), test.deletes...); a.Status != 303 {
				t.Fatal(a)
			}
		} else if a := s.Do("DELETE", path, "", test.deletes...); a.Status != 202 {
			t.Fatal(a)
		}
		gone, ok := s.Store.Snapshot().DeletedByDigest(digest)
		if !ok {
			t.Fatalf("%s: it is not gone", name)
		}
		offered := strings.Contains(openDeleted(s, digest, test.undoes...).Body, "/undo/")
		if a := s.Post("/undo/"+gone.Operation, "", test.undoes...); a.Status != test.status || offered != (a.Status == 200) {
			t.Errorf("%s: %v, offered: %v", name, a, offered)
		}
	}
}

func TestOnlyWhatTookGroupingsAwayHasAListOfThem(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	admin := s.SignIn()
	for kind, want := range map[store.EntryKind]int{store.EntrySignIn: 404, store.EntryDelete: 200} {
		s.Put("/metrics/job/x", "a 1\n", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
		s.Do("DELETE", "/metrics/job/x", "", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
		entries, _ := s.Entries("limit=1&kind="+string(kind), admin...)
		if a := s.Get("/deleted/"+entries[0].Operation, append(admin, handlertest.BrowserHeaders...)...); a.Status != want {
			t.Errorf("%s: %v", kind, a)
		}
	}
}
