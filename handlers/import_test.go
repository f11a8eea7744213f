package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// importing lets files be imported, which hold one grouping whatever they are.
func importing(s **served) func(setup) {
	return func(c setup) {
		c.EnableAdminAPI = true
		c.Import = func(ctx context.Context, content []byte, dryRun bool, o store.Origin) ([]gateway.Arrival, error) {
			if string(content) != "a file" {
				return nil, web.ErrNoImport
			}
			path, err := store.ParsePath("/job/old", true)
			if err != nil || dryRun {
				return []gateway.Arrival{{Grouping: path.Key.String(), Refused: []gateway.RefusedFamily{{Family: "m", Reason: "bad"}}}}, err
			}
			left, err := (*s).store.Import(ctx, slices.Values([]store.Arrival{{Key: path.Key, Pushed: time.Unix(1, 0)}}), "", o)
			if err != nil {
				return nil, err
			}
			return []gateway.Arrival{{Grouping: path.Key.String(), LeftOut: left[0]}}, nil
		}
	}
}

func TestAFileIsImportedByRequest(t *testing.T) {
	var s *served
	s = serve(t, importing(&s))
	const path = "/api/v1/admin/import"
	for _, test := range []struct {
		query, body string
		status      int
		want        string
		held        []string
	}{
		{"?dry_run=true", "a file", 200, `{"dry_run":true,"groupings":[{"grouping":"{job=\"old\"}","families":0,"imported":true,"reason":"","families_refused":[{"family":"m","reason":"bad"}]}],"imported":1,"left_out":0}`, nil},
		{"?dry_run=yes", "a file", 400, "dry_run must be true or false", nil},
		{"?dryrun=true", "a file", 400, "did you mean dry_run?", nil},
		{"", "another file", 400, "no persistence file of a Pushgateway", nil},
		{"", "", 400, "no persistence file of a Pushgateway", nil},
		{"", "a file", 200, `"imported":1,"left_out":0`, []string{`{job="old"}`}},
		{"", "a file", 200, `"imported":false,"reason":"a grouping of that key is held, and stays as it is","families_refused":[]`, []string{`{job="old"}`}},
	} {
		if a := s.do("POST", path+test.query, test.body, "Content-Type", "application/octet-stream"); a.status != test.status || !strings.Contains(a.body, test.want) {
			t.Errorf("%s %q: %v, want %d %s", test.query, test.body, a, test.status, test.want)
		}
		s.wantGroupings(test.held...)
	}
	if a := s.do("POST", path, "a file", "Content-Type", "application/octet-stream", "Content-Encoding", "br"); a.status != 415 {
		t.Errorf("%v", a)
	}
	if log := s.log.String(); strings.Count(log, "A persistence file was imported by request") != 2 {
		t.Errorf("logged\n%s", log)
	}
	entries, _, err := s.store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryImport}})
	if err != nil || len(entries) != 1 || entries[0].Count != 1 || entries[0].Origin.From == "" {
		t.Errorf("on record is %+v, %v", entries, err)
	}
	if v := s.view("/activity"); !contains(v.text(), "imported", "a Pushgateway persistence file") {
		t.Errorf("%s", v.text())
	}
}

func TestOneFileIsImportedAtATime(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	s := serve(t, func(c setup) {
		c.EnableAdminAPI = true
		c.Import = func(context.Context, []byte, bool, store.Origin) ([]gateway.Arrival, error) {
			close(begun)
			<-end
			return nil, store.ErrUnavailable
		}
	})
	first := make(chan answered)
	go func() { first <- s.do("POST", "/api/v1/admin/import", "x", "Content-Type", "application/octet-stream") }()
	<-begun
	if a := s.do("POST", "/api/v1/admin/import", "x", "Content-Type", "application/octet-stream"); a.status != 503 || !strings.Contains(a.body, "another import") {
		t.Errorf("%v", a)
	}
	close(end)
	if a := <-first; a.status != 503 || !strings.Contains(a.body, "cannot commit changes at present") {
		t.Errorf("%v", a)
	}
}

func TestOnlyAdminsImportAndOnlyWhereItIsEnabled(t *testing.T) {
	called := func(c setup) {
		c.Import = func(context.Context, []byte, bool, store.Origin) ([]gateway.Arrival, error) {
			return nil, errors.New("called")
		}
	}
	const path = "/api/v1/admin/import"
	s := serve(t, everything(issuertest.New(t)), called)
	for _, role := range []auth.Role{auth.NoRole, auth.Reader, auth.Pusher, auth.Admin} {
		// Not even admins change anything of the API by their cookie.
		if a := s.do("POST", path, "x", s.begun(role.String(), role)...); a.status != 401 {
			t.Errorf("%s: %v", role, a)
		}
	}
	if a := s.do("POST", path, "x"); a.status != 401 {
		t.Errorf("%v", a)
	}
	if a := s.do("POST", path, "x", "X-API-Key", rightToken); a.status != 500 {
		t.Errorf("%v", a)
	}
	s = serve(t, called)
	if a := s.do("POST", path, "x"); a.status != 404 {
		t.Errorf("%v", a)
	}
	s = serve(t, called, func(c setup) { c.EnableAdminAPI = true })
	if a := s.do("POST", path, "x", "Sec-Fetch-Site", "cross-site"); a.status != 403 {
		t.Errorf("a page of another site: %v", a)
	}
}
