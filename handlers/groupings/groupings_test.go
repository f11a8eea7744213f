package groupings_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/handlers/handlertest"
)

type groupingsPage struct {
	Groupings []handlertest.Grouping `json:"groupings"`
	Total     int                    `json:"total"`
	Next      string                 `json:"next"`
}

func listGroupings(s *handlertest.Server, query string) groupingsPage {
	s.T.Helper()
	a := s.Get(s.Prefix + "/api/v1/groupings?" + query)
	var got struct {
		Status string        `json:"status"`
		Data   groupingsPage `json:"data"`
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != 200 || got.Status != "success" {
		s.T.Fatalf("%v: %v", a, err)
	}
	return got.Data
}

func paths(p groupingsPage) string {
	var all []string
	for _, g := range p.Groupings {
		all = append(all, strings.TrimPrefix(g.Path, "/metrics/job/"))
	}
	return strings.Join(all, " ")
}

func TestTheListShowsTheStatesOfGroupings(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	var now atomic.Pointer[time.Time]
	now.Store(&start)
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.RoutePrefix = "/pg"
		c.Store.Now = func() time.Time { return *now.Load() }
	})
	if a := s.Get("/pg/api/v1/groupings"); a.Body != `{"status":"success","data":{"groupings":[],"next":"","total":0}}` {
		t.Errorf("without groupings: %v", a)
	}
	s.Put("/metrics/job/x/instance/i?ttl=1000d", "a 1\nb{c=\"d\"} 1\nb{c=\"e\"} 1\n")
	later := start.Add(time.Second)
	now.Store(&later)
	if a := s.Do("PUT", "/pg/metrics/job/x/instance/i", "?"); a.Status != 400 {
		t.Fatal(a)
	}
	a := s.Get("/pg/api/v1/groupings")
	var got struct {
		Data struct {
			Groupings []map[string]any `json:"groupings"`
		} `json:"data"`
	}
	handlertest.Must(t, json.Unmarshal([]byte(a.Body), &got))
	want := map[string]any{
		"labels": map[string]any{"instance": "i", "job": "x"}, "path": "/pg/metrics/job/x/instance/i",
		"last_push_time": "2026-01-02T03:04:05.000006Z", "last_push_successful": false, "last_push_by": "",
		"last_failure_time": "2026-01-02T03:04:06.000006Z", "state": "failed", "families": 2., "series": 3.,
		"expires_at": "2028-09-28T03:04:05.000006Z",
	}
	g := got.Data.Groupings[0]
	if reason, _ := g["last_failure"].(string); !strings.Contains(reason, "line 1") {
		t.Errorf("last_failure is %q", reason)
	}
	if size, _ := g["bytes"].(float64); size < 50 {
		t.Errorf("bytes is %v", g["bytes"])
	}
	for name, value := range want {
		// The store keeps its changes apart by a nanosecond.
		if got := strings.Replace(fmt.Sprint(g[name]), "001Z", "Z", 1); got != fmt.Sprint(value) {
			t.Errorf("%s is %v, want %v", name, g[name], value)
		}
	}
}

func TestTheListFindsAndSorts(t *testing.T) {
	start := time.Now().Add(-48 * time.Hour)
	var now atomic.Pointer[time.Time]
	now.Store(&start)
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Store.Now = func() time.Time { return *now.Load() } })
	push := func(age time.Duration, target, body string) {
		at := time.Now().Add(-age)
		now.Store(&at)
		s.Put(target, body)
	}
	push(30*time.Hour, "/metrics/job/Backup/instance/db1", "duration_seconds 1\nsize_bytes{l=\"1\"} 1\nsize_bytes{l=\"2\"} 1\n")
	push(26*time.Hour, "/metrics/job/web/instance/www", "requests 1\nerrors 2\nother 3\n")
	push(2*time.Hour, "/metrics/job/Backup/instance/db2", "duration_seconds 1\n")
	push(time.Hour/2, "/metrics/job/web/instance/db1?ttl=1d", "")
	push(time.Minute, "/metrics/job/backup", "duration_seconds{l=\"1\"} 1\nduration_seconds{l=\"2\"} 1\n")
	at := time.Now()
	now.Store(&at)
	s.Do("PUT", "/metrics/job/web/instance/www", "?")
	const (
		b1, b2, b = "Backup/instance/db1", "Backup/instance/db2", "backup/instance@base64/="
		w1, w     = "web/instance/db1", "web/instance/www"
	)
	all := func(list ...string) string { return strings.Join(list, " ") }
	tests := []struct{ query, want string }{
		{"", all(b1, b2, b, w1, w)},
		{"sort=labels", all(b1, b2, b, w1, w)},
		{"sort=-labels", all(w, w1, b, b2, b1)},
		{"sort=last_push", all(b1, w, b2, w1, b)},
		{"sort=-last_push", all(b, w1, b2, w, b1)},
		{"sort=series", all(w1, b2, b, b1, w)},
		{"sort=-series", all(w, b1, b, b2, w1)},
		{"sort=families", all(w1, b2, b, b1, w)},
		{"sort=-families", all(w, b1, b, b2, w1)},
		{"sort=expires", all(w1, b1, b2, b, w)},
		{"state=fresh", all(b, w1)},
		{"state=stale", b2},
		{"state=old", b1},
		{"state=failed", w},
		{"state=", all(b1, b2, b, w1, w)},
		{"q=backup", all(b1, b2, b)},
		{"q=BACKUP%20db1", b1},
		{"q=db1", all(b1, w1)},
		{"q=instance=db1", all(b1, w1)},
		{"q=duration", all(b1, b2, b)},
		{"q=requests%20errors", w},
		{"q=backup%20requests", ""},
		{"q=%20", all(b1, b2, b, w1, w)},
		{"match[]=" + url.QueryEscape(`{job="web"}`), all(w1, w)},
		{"match[]=" + url.QueryEscape(`{job="web"}`) + "&match[]=" + url.QueryEscape(`{job=~".ackup",instance=""}`), all(b, w1, w)},
		{"match[]=" + url.QueryEscape(`{job="web"}`) + "&q=db1&state=fresh&sort=-labels", w1},
	}
	for _, test := range tests {
		got := listGroupings(s, test.query)
		if paths(got) != test.want || got.Total != len(got.Groupings) || got.Next != "" {
			t.Errorf("%s: got %s (%d, next %q), want %s", test.query, paths(got), got.Total, got.Next, test.want)
		}
	}
	for _, bad := range []string{
		"state=good", "sort=colour", "sort=--labels", "limit=0", "limit=-1", "limit=10001", "limit=many", "cursor=%25", "cursor=abc", "match[]={",
		"q=" + strings.Repeat("x", 1025),
	} {
		a := s.Get("/api/v1/groupings?" + bad)
		if a.Status != 400 || !strings.HasPrefix(a.Body, `{"status":"error","errorType":"bad_data","error":"`) || strings.Contains(a.Body, `\n`) {
			t.Errorf("%v", a)
		}
	}
}

func TestThePagesOfTheListHaveEveryGroupingOnce(t *testing.T) {
	s := handlertest.Start(t)
	for i := range 47 {
		s.Put(fmt.Sprintf("/metrics/job/j%d/instance/%d", i%5, i), handlertest.ManySeries(i%7))
	}
	for _, sort := range []string{"labels", "-labels", "last_push", "-last_push", "series", "-series", "families", "bytes", "-bytes", "expires", "-expires"} {
		for _, limit := range []int{1, 10, 46, 47, 100} {
			query := fmt.Sprintf("sort=%s&limit=%d", sort, limit)
			whole := paths(listGroupings(s, "sort="+sort))
			var got []string
			cursor := ""
			for range 50 {
				page := listGroupings(s, query+"&cursor="+url.QueryEscape(cursor))
				if page.Total != 47 || len(page.Groupings) > limit || len(page.Groupings) == 0 {
					t.Fatalf("%s: a page of %d, total %d", query, len(page.Groupings), page.Total)
				}
				got = append(got, paths(page))
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			if strings.Join(got, " ") != whole {
				t.Errorf("%s: the pages have\n%s\nthe whole\n%s", query, strings.Join(got, " "), whole)
			}
		}
	}
}

func TestAPageGoesOnThoughItsCursorWasDeleted(t *testing.T) {
	s := handlertest.Start(t)
	for _, job := range []string{"a", "b", "c", "d"} {
		s.Put("/metrics/job/"+job+"/l/v", "")
	}
	first := listGroupings(s, "limit=2")
	s.Do("DELETE", "/metrics/job/b/l/v", "")
	s.Put("/metrics/job/aa/l/v", "")
	if second := listGroupings(s, "limit=2&cursor="+first.Next); paths(second) != "c/l/v d/l/v" || second.Next != "" {
		t.Errorf("goes on with %s", paths(second))
	}
}

func TestTheListHasAHundredGroupingsByDefault(t *testing.T) {
	s := handlertest.Start(t)
	for i := range 101 {
		s.Put(fmt.Sprintf("/metrics/job/x/i/%d", i), "")
	}
	if got := listGroupings(s, ""); len(got.Groupings) != 100 || got.Total != 101 || got.Next == "" {
		t.Errorf("got %d of %d, next %q", len(got.Groupings), got.Total, got.Next)
	}
	if got := listGroupings(s, "limit=10000"); len(got.Groupings) != 101 {
		t.Errorf("got %d", len(got.Groupings))
	}
}

func TestDeletesRemoveWhatTheySay(t *testing.T) {
	const x, xi, xj, y = `{job="x"}`, `{instance="i",job="x"}`, `{instance="j",job="x"}`, `{instance="i",job="y"}`
	tests := []struct {
		name    string
		exact   bool
		target  string
		status  int
		deleted string // by the header or the body
		left    []string
	}{
		{"one grouping", false, "/metrics/job/x/instance/i", 202, "1", []string{x, xj, y}},
		{"a whole job", false, "/metrics/job/x", 202, "3", []string{y}},
		{"a whole job in base64", false, "/metrics/job@base64/eA", 202, "3", []string{y}},
		{"the grouping without labels", false, "/metrics/job/x/instance@base64/=", 202, "1", []string{xi, xj, y}},
		{"nothing", false, "/metrics/job/z", 202, "0", []string{x, xi, xj, y}},
		{"nothing exactly", false, "/metrics/job/y/instance/k", 202, "0", []string{x, xi, xj, y}},
		{"not by a part of the labels", false, "/metrics/job/y", 202, "1", []string{x, xi, xj}},
		{"one job exactly", true, "/metrics/job/x", 202, "1", []string{xi, xj, y}},
		{"no job exactly", true, "/metrics/job/y", 202, "0", []string{x, xi, xj, y}},
		{"a bad path", false, "/metrics/job/x/a", 400, "", []string{x, xi, xj, y}},
		{"by a selector", false, "/api/v1/groupings?match[]={instance=%22i%22}", 200, "2", []string{x, xj}},
		{"by two selectors", false, "/api/v1/groupings?match[]={instance=%22i%22}&match[]={job=%22x%22,instance=%22%22}", 200, "3", []string{xj}},
		{"by a selector of nothing", false, "/api/v1/groupings?match[]={job=%22z%22}", 200, "0", []string{x, xi, xj, y}},
		{"only to count", false, "/api/v1/groupings?match[]={instance=%22i%22}&dry_run=true", 200, "2", []string{x, xi, xj, y}},
		{"not only to count", false, "/api/v1/groupings?match[]={instance=%22i%22}&dry_run=false", 200, "2", []string{x, xj}},
		{"to count or not", false, "/api/v1/groupings?match[]={instance=%22i%22}&dry_run=maybe", 400, "", []string{x, xi, xj, y}},
		{"without a selector", false, "/api/v1/groupings", 400, "", []string{x, xi, xj, y}},
		{"with a selector of another name", false, "/api/v1/groupings?match={job=%22x%22}", 400, "", []string{x, xi, xj, y}},
		{"with an empty selector", false, "/api/v1/groupings?match[]=", 400, "", []string{x, xi, xj, y}},
		{"with a selector of everything", false, "/api/v1/groupings?match[]={}", 400, "", []string{x, xi, xj, y}},
		{"with a bad selector", false, "/api/v1/groupings?match[]={job=}", 400, "", []string{x, xi, xj, y}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, func(c handlertest.Setup) { c.ExactJobMatch = test.exact })
			for _, path := range []string{"/metrics/job/x", "/metrics/job/x/instance/i", "/metrics/job/x/instance/j", "/metrics/job/y/instance/i"} {
				s.Put(path, "m 1\n")
			}
			a := s.Do("DELETE", test.target, "a body is ignored")
			if a.Status != test.status {
				t.Fatalf("%v, want %d", a, test.status)
			}
			switch a.Status {
			case 202:
				if a.Body != "" || a.Header.Get("X-Groupings-Deleted") != test.deleted {
					t.Errorf("%v %v, want %s deleted", a, a.Header, test.deleted)
				}
			case 200:
				if !strings.Contains(a.Body, `"data":{"deleted":`+test.deleted+`}`) || !strings.Contains(a.Body, `"status":"success"`) {
					t.Errorf("%v, want %s deleted", a, test.deleted)
				}
			}
			s.WantGroupings(test.left...)
			if n := len(s.Samples()); n != len(test.left) {
				t.Errorf("%d series are left, want %d", n, len(test.left))
			}
			warned := strings.Contains(s.Log.String(), "level=WARN")
			if warned != (test.deleted == "3" && test.status == 202) {
				t.Errorf("warned %v:\n%s", warned, s.Log.String())
			}
			s.WantSoundScrapes()
		})
	}
}

func TestAWipeDeletesEverythingWhereItIsAllowed(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableAdminAPI = true })
	s.Put("/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/y/instance/i", "a 1\n")
	for _, method := range []string{"POST", "GET", "DELETE"} {
		if a := s.Do(method, "/api/v1/admin/wipe", ""); a.Status != 405 || a.Header.Get("Allow") != "OPTIONS, PUT" {
			t.Errorf("%v %v", a, a.Header)
		}
	}
	if a := s.Do("PUT", "/api/v1/admin/wipe", ""); a.Status != 202 || a.Body != "" || a.Header.Get("X-Groupings-Deleted") != "2" {
		t.Errorf("%v %v", a, a.Header)
	}
	s.WantGroupings()
	s.WantSamples()
	s.WantSoundScrapes()

	s = handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	if a := s.Do("PUT", "/api/v1/admin/wipe", ""); a.Status != 404 || a.Body != `{"status":"error","errorType":"not_found","error":"not found"}` {
		t.Errorf("%v", a)
	}
	s.WantGroupings(`{job="x"}`)
}

func TestTheSequenceOfPushesAndDeletesCounts(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	s.Do("DELETE", "/metrics/job/x", "")
	s.Do("POST", "/metrics/job/x", "b 2\n")
	s.WantSamples(`b{instance="",job="x"} 2`)
	if g := s.Grouping("/metrics/job/x"); !g.Failed.IsZero() {
		t.Errorf("failed %v", g.Failed)
	}
	if !slices.Equal(s.Groupings(), []string{`{job="x"}`}) {
		t.Errorf("holds %q", s.Groupings())
	}
}
