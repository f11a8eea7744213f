package login_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

func many(n int, last string) []string {
	groups := make([]string, n)
	for i := range groups {
		groups[i] = fmt.Sprintf("/a/group/with/a/long/name/and/a/number/%d", i)
	}
	groups[n-1] = last
	return groups
}

func TestClaimsDecideAboutTheRole(t *testing.T) {
	overage := map[string]any{
		"_claim_names":   map[string]any{"groups": "src1"},
		"_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://graph.example/x"}},
	}
	with := func(more map[string]any, name string, value any) map[string]any {
		both := map[string]any{name: value}
		for k, v := range more {
			both[k] = v
		}
		return both
	}
	for _, c := range []struct {
		sentence string
		claim    string // --auth.role-claim
		person   map[string]any
		withheld []string
		userinfo map[string]any
		role     auth.Role
		unlisted bool
	}{
		{"the highest of several groups", "", map[string]any{"groups": []string{"all", "ops", "ci"}}, nil, nil, auth.Admin, false},
		{"roles before groups", "", map[string]any{"roles": []string{"all"}, "groups": []string{"ops"}}, nil, nil, auth.Reader, false},
		{"a string", "", map[string]any{"groups": "ci"}, nil, nil, auth.Pusher, false},
		{"the last of 300 groups", "", map[string]any{"groups": many(300, "ops")}, nil, nil, auth.Admin, false},
		{"a claim in a claim", "realm_access.roles", map[string]any{"realm_access": map[string]any{"roles": []string{"ci"}}}, nil, nil, auth.Pusher, false},
		{"a claim whose name is a URL", "https://x.example/roles", map[string]any{"https://x.example/roles": []string{"ci"}}, nil, nil, auth.Pusher, false},
		{"no group of the map", "", map[string]any{"groups": []string{"others"}}, nil, nil, auth.NoRole, false},
		{"no groups", "", map[string]any{}, nil, nil, auth.NoRole, false},
		{"numbers", "", map[string]any{"groups": []any{1, true, nil, map[string]any{"ops": "ops"}}}, nil, nil, auth.NoRole, false},

		{"groups only in userinfo", "", map[string]any{"groups": []string{"ci"}}, []string{"groups"}, nil, auth.Pusher, false},
		{"300 groups only in userinfo", "", map[string]any{"groups": many(300, "ops")}, []string{"groups"}, nil, auth.Admin, false},
		{"a claim in a claim only in userinfo", "a.b", map[string]any{"a": map[string]any{"b": "ci"}}, []string{"a"}, nil, auth.Pusher, false},
		{"empty groups in the ID token: userinfo adds nothing", "", map[string]any{"groups": []string{}}, nil, map[string]any{"groups": []string{"ops"}}, auth.NoRole, false},
		{"groups in the ID token: userinfo adds nothing", "", map[string]any{"groups": []string{"all"}}, nil, map[string]any{"groups": []string{"ops"}}, auth.Reader, false},
		{"userinfo of another", "", map[string]any{"groups": []string{"ops"}}, []string{"groups"}, map[string]any{"sub": "mallory"}, auth.NoRole, false},
		{"userinfo of nobody", "", map[string]any{"groups": []string{"ops"}}, []string{"groups"}, map[string]any{"sub": issuertest.Drop}, auth.NoRole, false},
		{"userinfo of a number", "", map[string]any{"groups": []string{"ops"}}, []string{"groups"}, map[string]any{"sub": 1}, auth.NoRole, false},

		{"groups that the provider only refers to", "", overage, nil, map[string]any{"groups": []string{"ops"}}, auth.NoRole, true},
		{"but roles", "", with(overage, "roles", []string{"ci"}), nil, nil, auth.Pusher, false},
		{"or another claim", "team", with(overage, "team", "ci"), nil, nil, auth.Pusher, false},
		{"no other claim either", "team", overage, nil, nil, auth.NoRole, false},
		{"userinfo that only refers to the groups", "", overage, []string{"_claim_names", "_claim_sources"}, nil, auth.NoRole, true},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p := logintest.New(t)
			p.Person = with(c.person, "sub", "u1")
			p.Withheld, p.UserinfoClaims = c.withheld, c.userinfo
			x := newTrial(t, p, func(o *login.Options, _ *issuer.Options) { o.Rules.RoleClaim = c.claim })
			got := x.mustSignIn()
			if got.Role != c.role || got.Unlisted != c.unlisted || got.ID != "sub:"+p.Issuer()+" u1" {
				t.Errorf("got %+v", got)
			}
			if other := c.userinfo["sub"] != nil; other != strings.Contains(x.log.String(), "somebody else") {
				t.Errorf("logged %s", x.log)
			}
		})
	}
}

func TestAPersonHasAName(t *testing.T) {
	for _, c := range []struct {
		sentence string
		person   map[string]any
		withheld []string
		want     string
	}{
		{"what they chose", map[string]any{"preferred_username": "alice", "email": "a@b.example", "email_verified": true}, nil, "alice"},
		{"their address", map[string]any{"email": "a@b.example", "email_verified": true}, nil, "a@b.example"},
		{"their address, verified in a string", map[string]any{"email": "a@b.example", "email_verified": "true"}, nil, "a@b.example"},
		{"not an address that may be another's", map[string]any{"email": "ceo@b.example"}, nil, "u1"},
		{"what only userinfo tells", map[string]any{"preferred_username": "alice"}, []string{"preferred_username"}, "alice"},
		{"no markup is lost, no line is won", map[string]any{"preferred_username": "<script>\nalert(1)\u202e</script>\x1b[31m"}, nil, "<script>alert(1)</script>[31m"},
		{"not without end", map[string]any{"preferred_username": strings.Repeat("é", 300)}, nil, strings.Repeat("é", 128)},
		{"not one of nothing", map[string]any{"preferred_username": "\u200b\u202e"}, nil, "u1"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p := logintest.New(t)
			c.person["sub"], c.person["groups"] = "u1", "ci"
			p.Person, p.Withheld = c.person, c.withheld
			if got := newTrial(t, p).mustSignIn(); got.Name != c.want || got.Role != auth.Pusher {
				t.Errorf("got %+v, want %q", got, c.want)
			}
		})
	}
}

func TestUserinfoIsAskedOnlyForWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		sentence string
		person   map[string]any
		change   func(*login.Options, *issuer.Options)
		asked    bool
	}{
		{"name and groups are there", map[string]any{"preferred_username": "alice", "groups": "ci"}, func(*login.Options, *issuer.Options) {}, false},
		{"no name", map[string]any{"groups": "ci"}, func(*login.Options, *issuer.Options) {}, true},
		{"no groups", map[string]any{"preferred_username": "alice"}, func(*login.Options, *issuer.Options) {}, true},
		{"no groups, and none are needed", map[string]any{"preferred_username": "alice"}, func(o *login.Options, _ *issuer.Options) { o.Rules.RoleMap = nil }, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p := logintest.New(t)
			c.person["sub"] = "u1"
			p.Person = c.person
			newTrial(t, p, c.change).mustSignIn()
			if asked := strings.Contains(strings.Join(p.Requests(), " "), "/userinfo"); asked != c.asked {
				t.Errorf("got %v", asked)
			}
		})
	}
}

func TestWithoutUserinfoSomeCanSignInAndOthersCannot(t *testing.T) {
	for _, c := range []struct {
		sentence string
		mode     logintest.Mode
		withheld []string
		role     auth.Role
		cause    string // of ErrExchange; empty: they can
	}{
		{"only the name is missing: broken", logintest.ServerError, []string{"preferred_username"}, auth.Pusher, ""},
		{"only the name is missing: huge", logintest.Huge, []string{"preferred_username"}, auth.Pusher, ""},
		{"groups are missing: refused, so there are none", logintest.Refuse, []string{"groups"}, auth.NoRole, ""},
		{"groups are missing: broken, so try again", logintest.ServerError, []string{"groups"}, 0, "status 500"},
		{"groups are missing: huge", logintest.Huge, []string{"groups"}, 0, "larger than 1 MiB"},
		{"groups are missing: a page", logintest.HTML, []string{"groups"}, 0, "not a JSON object"},
		{"groups are missing: a redirect", logintest.Redirect, []string{"groups"}, 0, "status 307"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p := logintest.New(t)
			p.Person = map[string]any{"sub": "u1", "preferred_username": "alice", "groups": "ci"}
			p.Withheld, p.Userinfo = c.withheld, c.mode
			x := newTrial(t, p)
			person, err := x.signIn()
			if c.cause != "" {
				want(t, err, login.ErrExchange, c.cause)
				return
			}
			if err != nil || person.Role != c.role || !strings.Contains(x.log.String(), "doesn't count") {
				t.Errorf("got %+v, %v (%v), logged %s", person, err, cause(err), x.log)
			}
		})
	}
}

func TestAProviderNeedNotHaveUserinfo(t *testing.T) {
	p := logintest.New(t)
	p.Describe("userinfo_endpoint", issuertest.Drop)
	if got := newTrial(t, p).mustSignIn(); got.Role != auth.NoRole || got.Name != issuertest.Subject {
		t.Errorf("got %+v", got)
	}
}
