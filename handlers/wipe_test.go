package handlers

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/issuer/issuertest"
)

func mayWipe(c setup) { c.EnableAdminAPI = true }

func typed(word, expect string) string {
	return url.Values{"confirm": {word}, "expect": {expect}}.Encode()
}

func TestEverythingIsWipedByAFormAndBroughtBack(t *testing.T) {
	s := serve(t, below("/pg"), mayWipe, func(c setup) { c.UndoWindow = 24 * time.Hour })
	s.put("/metrics/job/x", "a 1\nb 2\n")
	s.put("/metrics/job/y", "a 1\n")
	v := s.view("/wipe")
	if !contains(v.text(), "Delete all 2 groupings?", "This deletes 2 metric families and 3 series", "undone for 24 hours", "Type wipe") {
		t.Errorf("%s", v.text())
	}
	form := formOf(t, v.body, "/pg/wipe")
	form.Set("confirm", " Wipe ")
	a := s.post("/wipe", form.Encode())
	if a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/pg/deleted/") {
		t.Fatalf("%v %v", a, a.header)
	}
	s.wantGroupings()
	if log := s.log.String(); !contains(log, "All groupings were wiped", "groupings=2") {
		t.Errorf("logged\n%s", log)
	}
	told := s.get(a.header.Get("Location"), aBrowser...)
	if told.status != 200 || !contains(told.body, "2 groupings, deleted", "Undo") {
		t.Errorf("%v", told)
	}
	if a := s.post("/undo/"+strings.TrimPrefix(a.header.Get("Location"), "/pg/deleted/"), ""); a.status != 200 {
		t.Errorf("%v", a)
	}
	s.wantGroupings(`{job="x"}`, `{job="y"}`)
}

func TestAWipeThatIsNotMeantDeletesNothing(t *testing.T) {
	s := serve(t, mayWipe)
	s.put("/metrics/job/x", "a 1\n")
	for form, want := range map[string]int{
		typed("", "1"): 422, typed("wip", "1"): 422, typed("<script>", "1"): 422, typed(strings.Repeat("wipe", 1000), "1"): 422, "expect=1": 422,
		typed("wipe", "0"): 409, typed("wipe", "2"): 409, typed("wipe", "-1"): 400, typed("wipe", ""): 400, typed("wipe", "x"): 400, "": 400,
		typed("wipe", "1") + "&confirm=wipe": 400,
	} {
		a := s.post("/wipe", form)
		if a.status != want || strings.Contains(a.body, "<script>") {
			t.Errorf("%.40s: %v, want %d", form, a, want)
		}
		if want >= 409 && (!contains(a.body, "Nothing was deleted", "Delete the only grouping?") || formOf(t, a.body, "/wipe").Get("expect") != "1") {
			t.Errorf("%.40s: does not ask again: %v", form, a)
		}
	}
	s.wantGroupings(`{job="x"}`)
	if a := s.do("POST", "/wipe", typed("wipe", "1"), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"); a.status != 403 {
		t.Errorf("a page of another site: %v", a)
	}
	s.wantGroupings(`{job="x"}`)
	if a := s.post("/wipe", typed("wipe", "1")); a.status != 303 {
		t.Errorf("%v", a)
	}
	if v := s.view("/wipe"); !contains(v.text(), "Nothing to delete") {
		t.Errorf("%s", v.text())
	}
	if a := s.post("/wipe", typed("wipe", "0")); a.status != 303 || a.header.Get("Location") != "/" {
		t.Errorf("%v %v", a, a.header)
	}
}

func TestTheQuestionBeforeAWipeFitsIntoTheDialog(t *testing.T) {
	s := serve(t, mayWipe)
	s.put("/metrics/job/x", "a 1\n")
	a := s.get("/wipe", append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "dialog#dialog"}, aBrowser...)...)
	if a.status != 200 || strings.Contains(a.body, "<html") || formOf(t, a.body, "/wipe").Get("expect") != "1" {
		t.Errorf("%v", a)
	}
}

func TestOnlyAdminsWipeAndOnlyWhereItIsEnabled(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)))
	s.put("/metrics/job/x", "a 1\n", "X-API-Key", rightToken)
	for _, role := range []auth.Role{auth.NoRole, auth.Reader, auth.Pusher} {
		session := s.begun(role.String(), role)
		if a := s.get("/wipe", append(session, aBrowser...)...); a.status != 403 {
			t.Errorf("%s: %v", role, a)
		}
		if a := s.post("/wipe", typed("wipe", "1"), session...); a.status != 403 {
			t.Errorf("%s: %v", role, a)
		}
	}
	s.wantGroupings(`{job="x"}`)
	if a := s.post("/wipe", typed("wipe", "1"), s.signedIn()...); a.status != 303 {
		t.Errorf("%v", a)
	}
	s = serve(t)
	for _, method := range []string{"GET", "POST"} {
		if a := s.do(method, "/wipe", typed("wipe", "0"), aForm...); a.status != 404 {
			t.Errorf("%v", a)
		}
	}
	if v := s.view("/status"); !contains(v.text(), "--web.enable-admin-api") || strings.Contains(v.body, `href="/wipe"`) {
		t.Errorf("%s", v.text())
	}
}
