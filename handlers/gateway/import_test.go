package gateway_test

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
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// importing lets files be imported, which hold one grouping whatever they are.
func importing(s **handlertest.Server) func(handlertest.Setup) {
	return func(c handlertest.Setup) {
		c.EnableAdminAPI = true
		c.Import = func(ctx context.Context, content []byte, dryRun bool, o store.Origin) ([]gateway.Arrival, error) {
			if string(content) != "a file" {
				return nil, web.ErrNoImport
			}
			path, err := store.ParsePath("/job/old", true)
			if err != nil || dryRun {
				return []gateway.Arrival{{Grouping: path.Key.String(), Refused: []gateway.RefusedFamily{{Family: "m", Reason: "bad"}}}}, err
			}
			left, err := (*s).Store.Import(ctx, slices.Values([]store.Arrival{{Key: path.Key, Pushed: time.Unix(1, 0)}}), "", o)
			if err != nil {
				return nil, err
			}
			return []gateway.Arrival{{Grouping: path.Key.String(), LeftOut: left[0]}}, nil
		}
	}
}

func TestAFileIsImportedByRequest(t *testing.T) {
	var s *handlertest.Server
	s = handlertest.Start(t, importing(&s))
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
		if a := s.Do("POST", path+test.query, test.body, "Content-Type", "application/octet-stream"); a.Status != test.status || !strings.Contains(a.Body, test.want) {
			t.Errorf("%s %q: %v, want %d %s", test.query, test.body, a, test.status, test.want)
		}
		s.WantGroupings(test.held...)
	}
	if a := s.Do("POST", path, "a file", "Content-Type", "application/octet-stream", "Content-Encoding", "br"); a.Status != 415 {
		t.Errorf("%v", a)
	}
	if log := s.Log.String(); strings.Count(log, "A persistence file was imported by request") != 2 {
		t.Errorf("logged\n%s", log)
	}
	entries, _, err := s.Store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryImport}})
	if err != nil || len(entries) != 1 || entries[0].Count != 1 || entries[0].Origin.From == "" {
		t.Errorf("on record is %+v, %v", entries, err)
	}
	if v := s.Open("/activity"); !handlertest.Contains(v.Text(), "imported", "a Pushgateway persistence file") {
		t.Errorf("%s", v.Text())
	}
}

func TestOneFileIsImportedAtATime(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.EnableAdminAPI = true
		c.Import = func(context.Context, []byte, bool, store.Origin) ([]gateway.Arrival, error) {
			close(begun)
			<-end
			return nil, store.ErrUnavailable
		}
	})
	first := make(chan handlertest.Answer)
	go func() { first <- s.Do("POST", "/api/v1/admin/import", "x", "Content-Type", "application/octet-stream") }()
	<-begun
	if a := s.Do("POST", "/api/v1/admin/import", "x", "Content-Type", "application/octet-stream"); a.Status != 503 || !strings.Contains(a.Body, "another import") {
		t.Errorf("%v", a)
	}
	close(end)
	if a := <-first; a.Status != 503 || !strings.Contains(a.Body, "cannot commit changes at present") {
		t.Errorf("%v", a)
	}
}

func TestOnlyAdminsImportAndOnlyWhereItIsEnabled(t *testing.T) {
	called := func(c handlertest.Setup) {
		c.Import = func(context.Context, []byte, bool, store.Origin) ([]gateway.Arrival, error) {
			return nil, errors.New("called")
		}
	}
	const path = "/api/v1/admin/import"
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)), called)
	for _, role := range []auth.Role{auth.NoRole, auth.Reader, auth.Pusher, auth.Admin} {
		// Not even admins change anything of the API by their cookie.
		if a := s.Do("POST", path, "x", s.StartSession(role.String(), role)...); a.Status != 401 {
			t.Errorf("%s: %v", role, a)
		}
	}
	if a := s.Do("POST", path, "x"); a.Status != 401 {
		t.Errorf("%v", a)
	}
	if a := s.Do("POST", path, "x", "X-API-Key", handlertest.RightToken); a.Status != 500 {
		t.Errorf("%v", a)
	}
	s = handlertest.Start(t, called)
	if a := s.Do("POST", path, "x"); a.Status != 404 {
		t.Errorf("%v", a)
	}
	s = handlertest.Start(t, called, func(c handlertest.Setup) { c.EnableAdminAPI = true })
	if a := s.Do("POST", path, "x", "Sec-Fetch-Site", "cross-site"); a.Status != 403 {
		t.Errorf("a page of another site: %v", a)
	}
}
