package groupings_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

const hostileName = `<script>alert("x")</script>` + "\u202e"

// pushedByAll is a server to which everybody has pushed who can: a grouping each.
func pushedByAll(t *testing.T) (s *handlertest.Server, admin []string) {
	t.Helper()
	s = handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) })
	admin = []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	_, secret, err := s.Store.CreateToken(t.Context(), store.NewToken{Name: "ci-backup", Role: auth.Pusher}, store.Origin{Via: "basic"})
	handlertest.Must(t, err)
	handlertest.Must(t, s.Store.CreateSession(t.Context(), "evil", auth.Session{
		Scheme: "oidc", ID: "sub:evil", Name: hostileName + strings.Repeat("long ", 100), Role: auth.Pusher, Credential: handlertest.LoginRules,
		Created: time.Now(), Expires: time.Now().Add(time.Hour),
	}))
	s.Put("/metrics/job/user", "a 1\n", admin...)
	s.Put("/metrics/job/token", "a 1\n", "X-API-Key", secret)
	s.Put("/metrics/job/configured", "a 1\n", "X-API-Key", handlertest.RightToken)
	if a := s.Post("/ui/push", written("browser", "a 1\n"), "Cookie", "gatehouse_session=evil"); a.Status != 303 {
		t.Fatal(a)
	}
	return s, admin
}

func TestTheClientOfAPushIsShownWithItsMethod(t *testing.T) {
	s, admin := pushedByAll(t)
	for job, want := range map[string]struct{ by, via, word string }{
		"user":       {"admin", "basic", "password"},
		"token":      {"ci-backup", "api_token", "API token"},
		"configured": {"API_TOKENS[1]", "api_token", "API token"},
		"browser":    {hostileName, "session", "session"},
	} {
		path := "/groupings/" + s.Grouping("/metrics/job/"+job).Key.Digest()
		name := strings.ReplaceAll(want.by, "\u202e", "\uFFFD")
		for page, says := range map[string]string{
			path:                               "by " + name + "|(" + want.word + ") from 127.0.0.1",
			path + "?view=history":             name + "|" + want.word + " · 127.0.0.1",
			"/targets?q=" + job:                "127.0.0.1 (" + name + "|, " + want.word + ")",
			"/?q=job%3D" + job:                 name + "|",
			"/?q=job%3D" + job + "&sort=bytes": name,
		} {
			a := s.Get(page, append(admin, handlertest.BrowserHeaders...)...)
			root, err := html.Parse(strings.NewReader(a.Body))
			handlertest.Must(t, err)
			text := handlertest.TextOf(root)
			rest := text
			for _, part := range strings.Split(says, "|") {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Errorf("%s: %q is not in %.600s", page, part, text)
				}
				rest = after
			}
			if strings.Contains(a.Body, "<script>alert") || strings.Contains(a.Body, "\u202e") || strings.Contains(a.Body, strings.Repeat("long ", 20)) {
				t.Errorf("%s: the name is part of the page", page)
			}
		}
		var list struct {
			Data struct {
				Groupings []handlertest.Grouping
			}
		}
		handlertest.Must(t, json.Unmarshal([]byte(s.Get("/api/v1/groupings?match[]={job=%22"+job+"%22}", admin...).Body), &list))
		if g := list.Data.Groupings; len(g) != 1 || !strings.HasPrefix(g[0].LastPushBy, want.by) || g[0].LastPushVia != want.via || g[0].LastPushFrom != "127.0.0.1" {
			t.Errorf("%s: %+v", job, g)
		}
	}
	lines, err := csv.NewReader(strings.NewReader(s.Get("/export?format=csv&m=job%3D%22token%22", admin...).Body)).ReadAll()
	if err != nil || len(lines) != 2 || strings.Join(lines[0][3:6], " ") != "last_push_by last_push_via last_push_from" || strings.Join(lines[1][3:6], " ") != "ci-backup api_token 127.0.0.1" {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestWhatUpstreamServesDoesNotNameTheClient(t *testing.T) {
	s, admin := pushedByAll(t)
	for _, target := range []string{"/metrics", "/metrics/job/token", "/api/v1/metrics", "/api/v1/status", "/api/v1/targets"} {
		a := s.Get(target, admin...)
		if a.Status != 200 || strings.Contains(a.Body, "ci-backup") || strings.Contains(a.Body, "127.0.0.1\"") && target == "/api/v1/metrics" {
			t.Errorf("%v", a)
		}
	}
}
