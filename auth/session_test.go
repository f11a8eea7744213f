package auth

import (
	"net/url"
	"strings"
	"testing"
)

func TestPeopleReturnOnlyToPathsOfThisServer(t *testing.T) {
	kept := []string{
		"/", "/?a=b", "/groupings", "/groupings?q=%7Bjob%3D%22x%22%7D&page=2", "/metrics/job/a%2Fb/path/%2Fdata",
		"/-/healthy", "/docs/quick-start", "/metrics?next=//evil.example", "/metrics?u=http://evil.example/", "/x?a=..%2F..",
		"/logins", "/authors/x", "/x/login", "/metrics/job/%C3%B6", "/metrics@x", "/a:b", "/x?", "/_", "/x..y/.z", "/%",
	}
	for _, next := range kept[:len(kept)-1] {
		if got := LocalPath(next); got != next {
			t.Errorf("%q: got %q", next, got)
		}
	}
	for _, next := range append(hostileTargets, kept[len(kept)-1]) {
		if got := LocalPath(next); got != "/" {
			t.Errorf("%q: got %q", next, got)
		}
	}
}

// hostileTargets lead elsewhere in one reading or another, or in a circle.
var hostileTargets = []string{
	"", "x", "login", "evil.example", "?a", "#", ".", "..", "../x", "./x",
	"http://evil.example", "https://evil.example/", "HTTP://evil.example", "http:evil.example", "http:/evil.example", "http:///evil.example",
	"https:\\\\evil.example", "ftp://evil.example", "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "data:text/html,x", "vbscript:x",
	"//evil.example", "///evil.example", "////evil.example", "//evil.example/%2e%2e", "//evil.example@x", "//x@evil.example", "//[::1]", "//0x7f000001",
	"//127.0.0.1:80", "//\tevil.example", "//;@evil.example", "//%65vil.example", "//evil%00.example", "//evil。example",
	`/\evil.example`, `/\/evil.example`, `\/evil.example`, `\\evil.example`, `\evil.example`, `//\evil.example`, `/\\evil.example`, `/x\evil`, `/x/..\evil`, `/x?\`,
	"/\tevil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", "\n//evil.example", "\x00//evil.example", "/\x00/evil.example",
	"/\x0b/evil.example", "/\x0c/evil.example", "/\x7f/evil.example", "/\u00a0/evil.example", "/\u2028/evil.example", "/／evil.example", "/\ufeff/evil.example", "/ö",
	" /x", "/ /evil.example", "/x y", "/x\r\nSet-Cookie: a=b", "/x?a\r\nb", "/x\n", "/\xff", "/x\xc0\xaf",
	"/%2fevil.example", "/%2Fevil.example", "/%2f/evil.example", "/%2f%2fevil.example", "/%5cevil.example", "/%5C/evil.example", "/%09/evil.example", "/%0a/evil.example",
	"/%0d%0aevil", "/%00/evil.example", "/%20/evil.example", "/%252fevil.example", "/%255cevil.example", "/%c0%af/evil.example", "/%e3%80%82evil.example",
	"%2f%2fevil.example", "%5c%5cevil.example", "%2fx", "%00/x",
	"/./evil", "/../evil", "/.//evil.example", "/..//evil.example", "/x/../..//evil.example", "/x/..", "/x/.", "/x/./y", "/%2e/x", "/%2e%2e/x", "/.%2e/x", "/x/%2E%2e/y",
	"/x/%2e%2e%2fy", "/x/..%5cy", "/x/%2e%2e?a", "/.evil.example", "/.@evil.example", "/;@evil.example", "/@evil.example", "/:80", "/~x", "/,x", "/!x",
	"/x//evil.example", "/x//", "/%zz", "/x/%", "/x%2", "/x%g0?a=b", "/#x", "/x#//evil.example", "/x#",
	"/login", "/login?next=/login", "/login/", "/login/x", "/auth", "/auth/", "/auth/logout", "/auth/login?next=//evil.example", "/auth/callback?code=1&state=2",
	"/%6cogin", "/l%6fgin", "/a%75th/logout", "/auth%2flogout", "/login%2f",
	"/" + strings.Repeat("x", 2<<10),
}

func FuzzLocalPath(f *testing.F) {
	for _, next := range hostileTargets {
		f.Add(next)
	}
	f.Add("/groupings?q=x")
	base, err := url.Parse("https://our.example/a/b")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := LocalPath(next)
		if got != "/" && got != next {
			t.Fatalf("%q became %q", next, got)
		}
		// As browsers read it: blanks around it and tabs and line ends within
		// are nothing, and both slashes are one.
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimSpace(got))
		u, err := base.Parse(read)
		if err != nil || u.Scheme != "https" || u.Host != "our.example" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
			t.Fatalf("%q leads to %v, %v", got, u, err)
		}
	})
}

func TestASessionIDIsRandomAndFitsACookie(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewSessionID()
		if len(id) != 43 || seen[id] || url.QueryEscape(id) != id {
			t.Fatalf("got %q", id)
		}
		seen[id] = true
	}
}
