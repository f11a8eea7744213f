package key_test

import (
	"errors"
	"strings"
	"testing"

	"gatehouse/store/key"
)

func TestPathsNameGroupings(t *testing.T) {
	long := strings.Repeat("x", key.MaxLabelBytes)
	many := func(n int) string {
		var b strings.Builder
		b.WriteString("/job/x")
		for i := range n - 1 {
			b.WriteString("/l" + strings.Repeat("a", i+1) + "/v")
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, path string
		utf8       bool
		want       string // the key as a selector, or the beginning of "error: …"
	}{
		{"a job alone", "/job/x", false, `{job="x"}`},
		{"a trailing slash behind a value is ignored", "/job/x/", false, `{job="x"}`},
		{"labels in any order", "/job/x/b/2/a/1", false, `{a="1",b="2",job="x"}`},
		{"a trailing slash behind a label is an empty value", "/job/x/y/", false, `{job="x"}`},
		{"two slashes are an empty value", "/job/x/y//z/1", false, `{job="x",z="1"}`},
		{"an empty last value and a trailing slash", "/job/x/y//", false, `{job="x"}`},
		{"an encoded slash is part of the value", "/job/a%2Fb/dir/%2Fvar%2Ftmp", false, `{dir="/var/tmp",job="a/b"}`},
		{"dots are part of the path", "/job/x/a/..", false, `{a="..",job="x"}`},
		{"a plus is a plus", "/job/a+b/l/c%2Bd", false, `{job="a+b",l="c+d"}`},
		{"spaces and UTF-8", "/job/a%20b/l/%C3%B6", false, `{job="a b",l="ö"}`},
		{"raw UTF-8", "/job/ö", false, `{job="ö"}`},
		{"a NUL and a newline are data", "/job/x/l/%00%0A", false, `{job="x",l="\x00\n"}`},
		{"base64 without padding", "/job@base64/eA/l@base64/L3Zhci90bXA", false, `{job="x",l="/var/tmp"}`},
		{"base64 with padding", "/job@base64/eA==", false, `{job="x"}`},
		{"base64 with encoded padding", "/job@base64/eA%3D%3D", false, `{job="x"}`},
		{"an encoded at sign", "/job%40base64/eA", false, `{job="x"}`},
		{"base64 of nothing", "/job/x/l@base64/=", false, `{job="x"}`},
		{"base64 of nothing with a trailing slash only", "/job/x/l@base64/", false, `{job="x"}`},
		{"a name that only looks escaped", "/job/x/U__a/1", false, `{U__a="1",job="x"}`},
		{"the longest value", "/job/" + long, false, `{job="` + long + `"}`},

		{"a label without a value", "/job/x/y", false, "error: label \"y\" has no value"},
		{"no job", "/job", false, "error: job name is required"},
		{"no job and a slash", "/job/", false, "error: job name is required"},
		{"an empty job", "/job//instance/i", false, "error: job name is required"},
		{"an empty job in base64", "/job@base64/=", false, "error: job name is required"},
		{"a second job", "/job/x/job/y", false, "error: label \"job\" is given twice"},
		{"a label twice", "/job/x/a/1/a/1", false, "error: label \"a\" is given twice"},
		{"a label twice, once empty", "/job/x/a//a/1", false, "error: label \"a\" is given twice"},
		{"a bad escape", "/job/%zz", false, "error: bad percent-encoding"},
		{"bad base64", "/job@base64/!!", false, "error: value of label \"job\" is not URL-safe base64"},
		{"standard base64", "/job@base64/++", false, "error: value of label \"job\" is not URL-safe base64"},
		{"invalid UTF-8", "/job/x/l/%ff", false, "error: value of label \"l\" is not valid UTF-8"},
		{"invalid UTF-8 in base64", "/job@base64/_w", false, "error: value of label \"job\" is not valid UTF-8"},
		{"a name with a dash", "/job/x/a-b/1", false, "error: label name \"a-b\" is not valid"},
		{"a name with a dot", "/job/x/a.b/1", false, "error: label name \"a.b\" is not valid"},
		{"a name with a colon", "/job/x/a:b/1", false, "error: label name \"a:b\" is not valid"},
		{"an empty name", "/job/x//v", false, "error: label name \"\" is not valid"},
		{"a reserved name", "/job/x/__name__/v", false, "error: label name \"__name__\" is reserved"},
		{"le", "/job/x/le/1", false, "error: label name \"le\" is reserved"},
		{"quantile", "/job/x/quantile/1", false, "error: label name \"quantile\" is reserved"},
		{"a value that is too long", "/job/" + long + "x", false, "error: value of label \"job\" is longer"},
		{"32 labels", many(32), false, ""},
		{"33 labels", many(33), false, "error: a grouping has at most 32 labels"},
		{"hundreds of labels", many(400), false, "error: a grouping has at most 32 labels"},

		{"an escaped name", "/job/x/U__foo_2e_bar/1", true, `{"foo.bar"="1",job="x"}`},
		{"a raw name", "/job/x/foo.bar/1", true, `{"foo.bar"="1",job="x"}`},
		{"an escaped name in base64", "/job/x/U__foo_2e_bar@base64/eA", true, `{"foo.bar"="x",job="x"}`},
		{"a name that cannot be unescaped stays", "/job/x/U__in_xxx_valid/1", true, `{U__in_xxx_valid="1",job="x"}`},
		{"an escaped job is a second job", "/job/x/U__job/y", true, "error: label \"job\" is given twice"},
		{"an escaped reserved name", "/job/x/U______name____/1", true, "error: label name \"__name__\" is reserved"},
		{"an escaped prefix", "/job/x/U______/1", true, "error: label name \"__\" is reserved"},
		{"a name that becomes reserved when escaped", "/job/x/..a/1", true, "error: label name \"..a\" is reserved"},
		{"an escaped le", "/job/x/U__le/1", true, "error: label name \"le\" is reserved"},
		{"names that collide once escaped", "/job/x/a.b/1/a_b/2", true, "error: labels \"a.b\" and \"a_b\" are the same"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := key.ParsePath(tt.path, tt.utf8)
			got := p.Key.String()
			if err != nil {
				got = "error: " + err.Error()
				var r *key.Refusal
				if !errors.As(err, &r) || r.Reason != key.ReasonPath || strings.Contains(err.Error(), "\n") {
					t.Errorf("%q: not a one-line refusal of a path: %#v", tt.path, err)
				}
			}
			if !strings.HasPrefix(got, tt.want) || err == nil && tt.want != "" && got != tt.want {
				t.Errorf("%q: got %s, want %s", tt.path, got, tt.want)
			}
		})
	}
}

func TestOnlyAPathWithNothingButAJobMeansTheWholeJob(t *testing.T) {
	for path, want := range map[string]bool{
		"/job/x": true, "/job/x/": true, "/job@base64/eA": true,
		"/job/x/a/": false, "/job/x/a/1": false, "/job/x/instance@base64/=": false, "/job/x/a//": false,
	} {
		if p, err := key.ParsePath(path, false); err != nil || p.JobOnly != want {
			t.Errorf("%q: job only %v, %v, want %v", path, p.JobOnly, err, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"/job/x", "/job/x/y/", "/job@base64/eA==/a//", "/job/%ff", "/job/x/U__a_2e_b/1", "//", "/job/x/a/..", "/job/a%2Fb"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, raw string, utf8Names bool) {
		p, err := key.ParsePath(raw, utf8Names)
		if err != nil {
			var r *key.Refusal
			if !errors.As(err, &r) || strings.ContainsAny(r.Message, "\n\r") || len(r.Message) > 2000 {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		path := p.Key.Path()
		again, err := key.ParsePath(strings.TrimPrefix(path, "/metrics"), utf8Names)
		if err != nil || again.Key.ID() != p.Key.ID() || again.JobOnly {
			t.Fatalf("%q: its path %q names %s exactly: %v, %v", raw, path, p.Key, again.Key, err)
		}
		for _, c := range []byte(path) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`%?#"<>\^{}|`+"`", c) >= 0 {
				t.Fatalf("%q: its path %q needs encoding", raw, path)
			}
		}
		if _, err := key.ParseSelectors([]string{p.Key.String()}); err != nil && !strings.ContainsRune(p.Key.String(), '\\') {
			t.Fatalf("%q: its selector %s is invalid: %v", raw, p.Key, err)
		}
	})
}
