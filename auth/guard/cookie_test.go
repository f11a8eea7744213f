package guard

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/auth"
)

func TestStoresAreDistinguishedByEightDigits(t *testing.T) {
	digits := regexp.MustCompile(`^[0-9a-f]{8}$`)
	a, b := CookieSuffix("WZJ5W4LUGQ7J5DUCRVEJQIVXQA"), CookieSuffix("WZJ5W4LUGQ7J5DUCRVEJQIVXQB")
	if !digits.MatchString(a) || !digits.MatchString(b) || a == b || CookieSuffix("WZJ5W4LUGQ7J5DUCRVEJQIVXQA") != a {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestEveryCookieIsNamedAfterItsStore(t *testing.T) {
	for what, want := range map[string][2]string{
		cookieSession: {"gatehouse_session_0123abcd", "__Host-gatehouse-0123abcd"},
		cookieLogin:   {"gatehouse_login_0123abcd", "__Host-gatehouse-login-0123abcd"},
		cookieNobody:  {"gatehouse_nobody_0123abcd", "__Host-gatehouse-nobody-0123abcd"},
	} {
		if got := (Cookie{Suffix: "0123abcd"}).name(what); got != want[0] {
			t.Errorf("%s is %s", what, got)
		}
		if got := (Cookie{Suffix: "0123abcd", Secure: true}).name(what); got != want[1] {
			t.Errorf("%s is %s with https", what, got)
		}
	}
}

// cleared are the names of the cookies that an answer has the browser forget.
func cleared(lines [][]byte) (names []string) {
	for _, line := range lines {
		if name, value, _ := strings.Cut(string(line), "="); strings.HasPrefix(value, ";") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Two servers of before had the same name for their cookies; each must leave
// alone what is the other's.
func TestTheOldNameIsReadUntilItsSessionEnds(t *testing.T) {
	const plain, named = "gatehouse_session=", "gatehouse_session_0123abcd="
	ann := auth.Session{Scheme: "oidc", Credential: rules, ID: "sub:ann", Name: "ann", Role: auth.Reader}
	bob := auth.Session{Scheme: "oidc", Credential: rules, ID: "sub:bob", Name: "bob", Role: auth.Reader}
	for _, test := range []struct {
		name, cookie, is string
		left             int      // sessions, after signing out
		forgets          []string // beside the cookie that was set
	}{
		{"the old name", plain + "ann", "ann", 2, []string{"gatehouse_session"}},
		{"the old name, of another server", plain + "theirs", "", 3, nil},
		{"the old name of both servers", plain + "theirs; " + plain + "ann", "ann", 2, []string{"gatehouse_session"}},
		{"the new name, beside the old one of another server", plain + "theirs; " + named + "ann", "ann", 2, nil},
		{"both names, of one person", plain + "ann2; " + named + "ann", "ann", 1, []string{"gatehouse_session"}},
		{"both names, of two people", plain + "bob; " + named + "ann", "", 1, []string{"gatehouse_session"}},
		{"the name of another store", "gatehouse_session_ffffffff=ann", "", 3, nil},
		{"none", "x=y", "", 3, nil},
	} {
		for _, leaves := range []bool{true, false} {
			sessions := remembered{"ann": ann, "ann2": ann, "bob": bob}
			config := withUser(sessions)
			config.Cookie.Suffix = "0123abcd"
			g := newGuard(t, config)
			c := request(t, "Cookie", test.cookie, "Sec-Fetch-Site", "same-origin")
			if s, _ := g.Session(c); s.Name != test.is {
				t.Errorf("%s: is %q, want %q", test.name, s.Name, test.is)
			}
			left, forgets := test.left, append([]string{}, test.forgets...)
			if leaves {
				forgets = append(forgets, "gatehouse_session_0123abcd")
				if err := g.SignOut(c); err != nil {
					t.Fatal(err)
				}
			} else {
				left++
				if err := g.SignIn(c, "alice", "right"); err != nil {
					t.Fatal(err)
				}
			}
			var lines [][]byte
			for _, line := range c.Response().Header.Cookies() {
				lines = append(lines, line)
			}
			if got := cleared(lines); len(sessions) != left || !slices.Equal(got, forgets) {
				t.Errorf("%s, leaves=%t: %d sessions left, want %d; forgets %q, want %q", test.name, leaves, len(sessions), left, got, forgets)
			}
		}
	}
}
