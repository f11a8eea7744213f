package groupings_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/handlers/handlertest"
)

func mayWipe(c handlertest.Setup) { c.EnableAdminAPI = true }

func typed(word, expect string) string {
	return url.Values{"confirm": {word}, "expect": {expect}}.Encode()
}

func TestEverythingIsWipedByAFormAndBroughtBack(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"), mayWipe, func(c handlertest.Setup) { c.UndoWindow = 24 * time.Hour })
	s.Put("/metrics/job/x", "a 1\nb 2\n")
	s.Put("/metrics/job/y", "a 1\n")
	v := s.Open("/wipe")
	if !handlertest.Contains(v.Text(), "Delete all 2 groupings?", "This deletes 2 metric families and 3 series", "undone for 24 hours", "Type wipe") {
		t.Errorf("%s", v.Text())
	}
	form := handlertest.FormOf(t, v.Body, "/pg/wipe")
	form.Set("confirm", " Wipe ")
	a := s.Post("/wipe", form.Encode())
	if a.Status != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/pg/deleted/") {
		t.Fatalf("%v %v", a, a.Header)
	}
	s.WantGroupings()
	if log := s.Log.String(); !handlertest.Contains(log, "All groupings were wiped", "groupings=2") {
		t.Errorf("logged\n%s", log)
	}
	told := s.Get(a.Header.Get("Location"), handlertest.BrowserHeaders...)
	if told.Status != 200 || !handlertest.Contains(told.Body, "2 groupings, deleted", "Undo") {
		t.Errorf("%v", told)
	}
	if a := s.Post("/undo/"+strings.TrimPrefix(a.Header.Get("Location"), "/pg/deleted/"), ""); a.Status != 200 {
		t.Errorf("%v", a)
	}
	s.WantGroupings(`{job="x"}`, `{job="y"}`)
}

func TestAWipeThatIsNotMeantDeletesNothing(t *testing.T) {
	s := handlertest.Start(t, mayWipe)
	s.Put("/metrics/job/x", "a 1\n")
	for form, want := range map[string]int{
		typed("", "1"): 422, typed("wip", "1"): 422, typed("<script>", "1"): 422, typed(strings.Repeat("wipe", 1000), "1"): 422, "expect=1": 422,
		typed("wipe", "0"): 409, typed("wipe", "2"): 409, typed("wipe", "-1"): 400, typed("wipe", ""): 400, typed("wipe", "x"): 400, "": 400,
		typed("wipe", "1") + "&confirm=wipe": 400,
	} {
		a := s.Post("/wipe", form)
		if a.Status != want || strings.Contains(a.Body, "<script>") {
			t.Errorf("%.40s: %v, want %d", form, a, want)
		}
		if want >= 409 && (!handlertest.Contains(a.Body, "Nothing was deleted", "Delete the only grouping?") || handlertest.FormOf(t, a.Body, "/wipe").Get("expect") != "1") {
			t.Errorf("%.40s: does not ask again: %v", form, a)
		}
	}
	s.WantGroupings(`{job="x"}`)
	if a := s.Do("POST", "/wipe", typed("wipe", "1"), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"); a.Status != 403 {
		t.Errorf("a page of another site: %v", a)
	}
	s.WantGroupings(`{job="x"}`)
	if a := s.Post("/wipe", typed("wipe", "1")); a.Status != 303 {
		t.Errorf("%v", a)
	}
	if v := s.Open("/wipe"); !handlertest.Contains(v.Text(), "Nothing to delete") {
		t.Errorf("%s", v.Text())
	}
	if a := s.Post("/wipe", typed("wipe", "0")); a.Status != 303 || a.Header.Get("Location") != "/" {
		t.Errorf("%v %v", a, a.Header)
	}
}

func TestTheQuestionBeforeAWipeFitsIntoTheDialog(t *testing.T) {
	s := handlertest.Start(t, mayWipe)
	s.Put("/metrics/job/x", "a 1\n")
	a := s.Get("/wipe", append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "dialog#dialog"}, handlertest.BrowserHeaders...)...)
	if a.Status != 200 || strings.Contains(a.Body, "<html") || handlertest.FormOf(t, a.Body, "/wipe").Get("expect") != "1" {
		t.Errorf("%v", a)
	}
}

func TestOnlyAdminsWipeAndOnlyWhereItIsEnabled(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)))
	s.Put("/metrics/job/x", "a 1\n", "X-API-Key", handlertest.RightToken)
	for _, role := range []auth.Role{auth.NoRole, auth.Reader, auth.Pusher} {
		session := s.StartSession(role.String(), role)
		if a := s.Get("/wipe", append(session, handlertest.BrowserHeaders...)...); a.Status != 403 {
			t.Errorf("%s: %v", role, a)
		}
		if a := s.Post("/wipe", typed("wipe", "1"), session...); a.Status != 403 {
			t.Errorf("%s: %v", role, a)
		}
	}
	s.WantGroupings(`{job="x"}`)
	if a := s.Post("/wipe", typed("wipe", "1"), s.SignIn()...); a.Status != 303 {
		t.Errorf("%v", a)
	}
	s = handlertest.Start(t)
	for _, method := range []string{"GET", "POST"} {
		if a := s.Do(method, "/wipe", typed("wipe", "0"), handlertest.FormHeaders...); a.Status != 404 {
			t.Errorf("%v", a)
		}
	}
	if v := s.Open("/status"); !handlertest.Contains(v.Text(), "--web.enable-admin-api") || strings.Contains(v.Body, `href="/wipe"`) {
		t.Errorf("%s", v.Text())
	}
}
