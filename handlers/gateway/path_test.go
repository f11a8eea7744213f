package gateway_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/handlers/handlertest"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

func TestPathsNameGroupings(t *testing.T) {
	long, longer := strings.Repeat("v", 1024), strings.Repeat("v", 1025)
	labels := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "/l%02d/v", i)
		}
		return b.String()
	}
	many := func(n int) string {
		var b strings.Builder
		b.WriteString(`{job="x"`)
		for i := range n {
			fmt.Fprintf(&b, `,l%02d="v"`, i)
		}
		return b.String() + "}"
	}
	tests := []struct {
		name   string
		path   string // behind /metrics
		status int
		key    string // of the only grouping afterwards; for refusals what the answer says
	}{
		{"a job", "/job/x", 200, `{job="x"}`},
		{"a job and a label", "/job/x/instance/i", 200, `{instance="i",job="x"}`},
		{"an encoded slash is data", "/job/a%2Fb/path/%2Fvar%2Ftmp", 200, `{job="a/b",path="/var/tmp"}`},
		{"dots are data", "/job/x/a/..", 200, `{a="..",job="x"}`},
		{"one dot is data", "/job/./a/.", 200, `{a=".",job="."}`},
		{"encoded dots are data", "/job/x/a/%2e%2e", 200, `{a="..",job="x"}`},
		{"a plus is a plus", "/job/a+b/l/c%2Bd+e", 200, `{job="a+b",l="c+d+e"}`},
		{"percent-encoded blanks", "/job/a%20b", 200, `{job="a b"}`},
		{"a semicolon is data", "/job/x;a=b", 200, `{job="x;a=b"}`},
		{"a query is no part of it", "/job/x?key=y/z", 200, `{job="x"}`},
		{"a question mark can be encoded", "/job/x%3Fy", 200, `{job="x?y"}`},
		{"an empty value in between", "/job/x/a//b/c", 200, `{b="c",job="x"}`},
		{"an empty value counts as absent", "/job/x/a//", 200, `{job="x"}`},
		{"a slash at the end is ignored behind a value", "/job/x/a/b/", 200, `{a="b",job="x"}`},
		{"a slash at the end is ignored behind a job", "/job/x/", 200, `{job="x"}`},
		{"a slash at the end is an empty value behind a label", "/job/x/a/", 200, `{job="x"}`},
		{"percent-encoded UTF-8", "/job/%C3%A9/l/%E2%82%AC", 200, `{job="é",l="€"}`},
		{"raw UTF-8", "/job/é", 200, `{job="é"}`},
		{"a newline in a value", "/job/x/l/a%0Ab", 200, `{job="x",l="a\nb"}`},
		{"a null byte in a value", "/job/x/l/a%00b", 200, `{job="x",l="a\x00b"}`},
		{"a job in base64", "/job@base64/eA", 200, `{job="x"}`},
		{"a job in base64, padded", "/job@base64/eA==", 200, `{job="x"}`},
		{"encoded padding", "/job@base64/eA%3D%3D", 200, `{job="x"}`},
		{"an encoded suffix", "/job%40base64/eA", 200, `{job="x"}`},
		{"the URL-safe alphabet", "/job/x/l@base64/" + base64.URLEncoding.EncodeToString([]byte("\u07ff\u07ff?>")), 200, "{job=\"x\",l=\"\u07ff\u07ff?>\"}"},
		{"an empty value in base64", "/job/x/instance@base64/=", 200, `{job="x"}`},
		{"an empty value in base64 without its sign", "/job/x/instance@base64/", 200, `{job="x"}`},
		{"the order of labels does not matter", "/job/x/b/2/a/1", 200, `{a="1",b="2",job="x"}`},
		{"a value of 1 KiB", "/job/x/l/" + long, 200, `{job="x",l="` + long + `"}`},
		{"32 labels with the job", "/job/x" + labels(31), 200, ""},
		{"an underscore as a name", "/job/x/_/1", 200, `{_="1",job="x"}`},
		{"words of the API are data", "/job/x/api/v1/metrics/self", 200, `{api="v1",job="x",metrics="self"}`},

		{"no job", "/job", 400, "job name is required"},
		{"no job but a slash", "/job/", 400, "job name is required"},
		{"an empty job", "/job//l/v", 400, "job name is required"},
		{"an empty job in base64", "/job@base64/=", 400, "job name is required"},
		{"a label without a value", "/job/x/l", 400, `label "l" has no value`},
		{"an odd path that ends in a slash", "/job/x/a/b/c/d//", 400, `label name "" is not valid`},
		{"a label twice", "/job/x/l/1/l/1", 400, `label "l" is given twice`},
		{"a label twice, once in base64", "/job/x/l/1/l@base64/Mg", 400, `label "l" is given twice`},
		{"a label twice, once empty", "/job/x/l/1/l//", 400, `label "l" is given twice`},
		{"a second job", "/job/x/job/x", 400, `label "job" is given twice`},
		{"a second job in base64", "/job/x/job@base64/eA", 400, `label "job" is given twice`},
		{"le", "/job/x/le/1", 400, `label name "le" is reserved`},
		{"quantile", "/job/x/quantile/1", 400, `label name "quantile" is reserved`},
		{"a reserved name", "/job/x/__name__/1", 400, `label name "__name__" is reserved`},
		{"two underscores", "/job/x/__/1", 400, `label name "__" is reserved`},
		{"an empty name", "/job/x//1", 400, `label name "" is not valid`},
		{"bad base64", "/job/x/l@base64/!!!", 400, `value of label "l" is not URL-safe base64: "!!!"`},
		{"base64 of the other alphabet", "/job/x/l@base64/a+b=", 400, "is not URL-safe base64"},
		{"invalid UTF-8", "/job/x/l/%ff", 400, `value of label "l" is not valid UTF-8: "\xff"`},
		{"invalid UTF-8 in the job", "/job/%ff", 400, `value of label "job" is not valid UTF-8`},
		{"invalid UTF-8 in base64", "/job/x/l@base64/_w", 400, `value of label "l" is not valid UTF-8`},
		{"a value of more than 1 KiB", "/job/x/l/" + longer, 400, `value of label "l" is longer than 1024 bytes`},
		{"33 labels with the job", "/job/x" + labels(32), 400, "a grouping has at most 32 labels"},
		{"hundreds of labels", "/job/x" + labels(500), 400, "a grouping has at most 32 labels"},
		{"a bad escape", "/job/x/l/%zz", 400, "bad percent-encoding"},
		{"half an escape", "/job/x/l/%a", 400, "bad percent-encoding"},
		{"a name in capitals", "/Job/x", 404, "not found"},
		{"another name", "/jobs/x", 404, "not found"},
		{"no name", "/", 404, "not found"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := test.key
			if want == "" {
				want = many(31)
			}
			wantPath(handlertest.Start(t), test.path, test.status, want)
		})
	}
}

// wantPath pushes to a path in both ways, reads it and deletes it. The key is of
// the only grouping afterwards; for refusals it is what the answer says.
func wantPath(s *handlertest.Server, path string, status int, key string) {
	s.T.Helper()
	for _, method := range []string{"PUT", "POST"} {
		a := s.Do(method, "/metrics"+path, "a 1\n")
		if a.Status != status {
			s.T.Fatalf("%v, want %d", a, status)
		}
		if a.Status == 200 {
			s.WantGroupings(key)
			continue
		}
		if !handlertest.OneLine(a.Body) || !strings.Contains(a.Body, key) || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			s.T.Errorf("%v, want one line with %q", a, key)
		}
		s.WantGroupings()
	}
	if status == 200 {
		if a := s.Get("/metrics" + path); a.Status != 200 || !strings.Contains(a.Body, "a{") {
			s.T.Errorf("reading it: %v", a)
		}
		if a := s.Do("DELETE", "/metrics"+path, ""); a.Status != 202 || a.Header.Get("X-Groupings-Deleted") != "1" {
			s.T.Errorf("deleting it: %v %v", a, a.Header)
		}
		s.WantGroupings()
		return
	}
	for _, method := range []string{"GET", "DELETE"} {
		if a := s.Do(method, "/metrics"+path, ""); a.Status != status || !strings.Contains(a.Body, key) {
			s.T.Errorf("%v, want %d %q", a, status, key)
		}
	}
}

func TestWithLegacyNamesPathsHaveOnlyThose(t *testing.T) {
	for _, test := range []struct {
		name   string
		path   string
		status int
		key    string
	}{
		{"letters, digits and underscores", "/job/x/_a0/1", 200, `{_a0="1",job="x"}`},
		{"U__ is nothing special", "/job/x/U__a_2e_b/1", 200, `{U__a_2e_b="1",job="x"}`},
		{"a dash in a name", "/job/x/a-b/1", 400, `label name "a-b" is not valid`},
		{"a dot in a name", "/job/x/a.b/1", 400, `label name "a.b" is not valid`},
		{"a colon in a name", "/job/x/a:b/1", 400, `label name "a:b" is not valid`},
		{"a digit at the start of a name", "/job/x/0a/1", 400, `label name "0a" is not valid`},
		{"a suffix twice", "/job/x/l@base64@base64/YQ", 400, `label name "l@base64" is not valid`},
		{"a suffix in capitals", "/job/x/l@BASE64/YQ", 400, `label name "l@BASE64" is not valid`},
		{"a letter that is not ASCII", "/job/x/%C3%A9/1", 400, `label name "é" is not valid`},
		{"a blank", "/job/x/a%20b/1", 400, `label name "a b" is not valid`},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantPath(handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = false }), test.path, test.status, test.key)
		})
	}
}

func TestPathsHaveAnyName(t *testing.T) {
	tests := []struct {
		name   string
		path   string
		status int
		key    string
	}{
		{"a dot", "/job/x/a.b/1", 200, `{"a.b"="1",job="x"}`},
		{"a dash", "/job/x/a-b/1", 200, `{"a-b"="1",job="x"}`},
		{"a colon", "/job/x/a:b/1", 200, `{"a:b"="1",job="x"}`},
		{"a digit at the start", "/job/x/0a/1", 200, `{"0a"="1",job="x"}`},
		{"a suffix twice", "/job/x/l@base64@base64/YQ", 200, `{job="x","l@base64"="a"}`},
		{"a suffix in capitals", "/job/x/l@BASE64/YQ", 200, `{job="x","l@BASE64"="YQ"}`},
		{"an encoded blank", "/job/x/a%20b/1", 200, `{"a b"="1",job="x"}`},
		{"a letter that is not ASCII", "/job/x/%C3%A9/1", 200, `{job="x","é"="1"}`},
		{"a slash", "/job/x/a%2Fb/1", 200, `{"a/b"="1",job="x"}`},
		{"an escaped dot", "/job/x/U__foo_2e_bar/1", 200, `{"foo.bar"="1",job="x"}`},
		{"an escaped name in base64", "/job/x/U__foo_2e_bar@base64/MQ", 200, `{"foo.bar"="1",job="x"}`},
		{"an escaped underscore", "/job/x/U____/1", 200, `{_="1",job="x"}`},
		{"an escaped emoji", "/job/x/U__a_1F60A_b/1", 200, `{"a😊b"="1",job="x"}`},
		{"what is no escape stays", "/job/x/U__a_D800_b/1", 200, `{U__a_D800_b="1",job="x"}`},
		{"the value is not unescaped", "/job/U__x/l/U__a_2e_b", 200, `{job="U__x",l="U__a_2e_b"}`},
		{"an escaped reserved name", "/job/x/U______name____/1", 400, "is reserved"},
		{"escaped underscores", "/job/x/U______/1", 400, "is reserved"},
		{"a reserved name", "/job/x/__a/1", 400, "is reserved"},
		{"an escaped job", "/job/x/U__job/1", 400, `label "job" is given twice`},
		{"an escaped le", "/job/x/U__le/1", 400, "is reserved"},
		{"nothing escaped", "/job/x/U__/1", 400, "is not valid"},
		{"an empty name", "/job/x//1", 400, "is not valid"},
		{"a name that is not UTF-8", "/job/x/%ff/1", 400, "is not valid"},
		{"names that are one once escaped by underscores", "/job/x/a.b/1/a_b/1", 400, "are the same to scrapers"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t)
			a := s.Do("PUT", "/metrics"+test.path, "a 1\n")
			if a.Status != test.status {
				t.Fatalf("%v, want %d", a, test.status)
			}
			if a.Status == 200 {
				s.WantGroupings(test.key)
			} else {
				s.WantGroupings()
				if !handlertest.OneLine(a.Body) || !strings.Contains(a.Body, test.key) {
					t.Errorf("%v, want one line with %q", a, test.key)
				}
			}
			s.WantSoundScrapes()
		})
	}
}

func TestALabelWithoutAValueNamesOneGroupingExactly(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/x/instance/i", "a 2\n")
	for _, exact := range []string{"/metrics/job/x/instance/", "/metrics/job/x/instance//", "/metrics/job/x/instance@base64/=", "/metrics/job/x/other//"} {
		if a := s.Get(exact); !strings.Contains(a.Body, `a{instance="",job="x"} 1`) || strings.Contains(a.Body, `instance="i"`) {
			t.Errorf("%v", a)
		}
	}
	if a := s.Do("DELETE", "/metrics/job/x/instance@base64/=", ""); a.Header.Get("X-Groupings-Deleted") != "1" {
		t.Errorf("%v %v", a, a.Header)
	}
	s.WantGroupings(`{instance="i",job="x"}`)
}

func TestWithLegacyNamesWhatIsHeldUnderOthersIsReadAndDeletedAllTheSame(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = false })
	hold := func(labels ...exposition.Label) {
		k, err := store.NewGroupingKey(labels)
		handlertest.Must(t, err)
		families, err := exposition.DecodeText([]byte("a 1\n"), exposition.Options{Grouping: k.Labels(), UTF8Names: true})
		handlertest.Must(t, err)
		_, err = s.Store.Import(t.Context(), slices.Values([]store.Arrival{{Key: k, Families: families, Pushed: time.Now()}}), "", store.Origin{})
		handlertest.Must(t, err)
	}
	job := exposition.Label{Name: "job", Value: "x"}
	hold(job, exposition.Label{Name: "my.zone", Value: "z"})
	hold(job, exposition.Label{Name: "U__a_2e_b", Value: "v"}) // and its name is just that
	hold(job, exposition.Label{Name: "U__c_2e_d", Value: "v"})
	hold(job, exposition.Label{Name: "c.d", Value: "v"})
	for _, target := range targetsOf(s, "") {
		path := target.Labels["__metrics_path__"]
		if a := s.Get(path); a.Status != 200 || strings.Count(a.Body, "\na{") != 1 {
			t.Errorf("%v", a)
		}
	}
	for path, want := range map[string]string{"/U__my_2e_zone/z": "my_zone", "/my.zone/z": "my_zone", "/U__a_2e_b/v": "U__a_2e_b", "/U__c_2e_d/v": "U__c_2e_d"} {
		if a := s.Get("/metrics/job/x" + path); a.Status != 200 || !strings.Contains(a.Body, want+`="`) {
			t.Errorf("%v, want %s", a, want)
		}
	}
	for _, path := range []string{"/a.b/v", "/my.zone/other", "/a-b/v"} {
		if a := s.Get("/metrics/job/x" + path); a.Status != 400 || !strings.Contains(a.Body, "is not valid") {
			t.Errorf("%v", a)
		}
	}
	if a := s.Do("PUT", "/metrics/job/x/my.zone/z", "a 2\n"); a.Status != 400 {
		t.Errorf("a push: %v", a)
	}
	if a := s.Do("DELETE", "/metrics/job/x/my.zone/z", ""); a.Status != 202 || a.Header.Get("X-Groupings-Deleted") != "1" {
		t.Errorf("%v %v", a, a.Header)
	}
	s.WantGroupings(`{U__a_2e_b="v",job="x"}`, `{U__c_2e_d="v",job="x"}`, `{"c.d"="v",job="x"}`)
}
