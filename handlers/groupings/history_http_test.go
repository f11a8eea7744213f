package groupings_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/handlers/handlertest"
)

// pushesOf lists the rows of a grouping's history as a person reads them.
func (o opened) pushesOf() (rows []string) {
	for _, body := range o.elements("tbody") {
		for tr := range body.ChildNodes() {
			var cells []string
			for td := range tr.ChildNodes() {
				if td.Type == html.ElementNode && handlertest.Attribute(td, "class") != "when" {
					cells = append(cells, handlertest.WordsOf(td))
				}
			}
			rows = append(rows, strings.Join(cells, " | "))
		}
	}
	return rows
}

func TestTheHistoryListsTheLastPushes(t *testing.T) {
	var k *handlertest.Clock
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"), func(c handlertest.Setup) { k = handlertest.StartClock(c) })
	ana := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	s.Put("/metrics/job/other/instance/i", "taken{job=\"x\",instance=\"\"} 1\n", ana...)
	s.Put("/metrics/job/x", "a 1\nb{l=\"1\"} 1\nb{l=\"2\"} 2\n", ana...)
	k.Advance(5 * time.Minute)
	if a := s.Do("POST", "/pg/metrics/job/x", "c 1\n", ana...); a.Status != 200 {
		t.Fatal(a)
	}
	k.Advance(5 * time.Minute)
	for _, body := range []string{"<script>{\n", "# TYPE taken counter\ntaken{l=\"1\"} 1\n"} {
		if a := s.Do("PUT", "/pg/metrics/job/x", body, ana...); a.Status != 400 {
			t.Fatal(a)
		}
		k.Advance(time.Minute)
	}
	s.Put("/metrics/job/x", "", ana...)

	o := openDetail(s, "/metrics/job/x", "?view=history", ana...)
	got := o.pushesOf()
	want := []string{
		"PUT replaced everything | 0 B | 0 | 0 | ✓ | admin password · 127.0.0.1",
		"", "",
		"POST replaced families | 4 B | 1 | 1 | ✓ | admin password · 127.0.0.1",
		"PUT replaced everything | 26 B | 2 | 3 | ✓ | admin password · 127.0.0.1",
	}
	if len(got) != len(want) {
		t.Fatalf("%d pushes:\n%s", len(got), strings.Join(got, "\n"))
	}
	for i, w := range want {
		if w = strings.Replace(w, "✓", "accepted", 1); w != "" && got[i] != w {
			t.Errorf("%d: %s, want %s", i, got[i], w)
		}
	}
	if !handlertest.Contains(got[1], "PUT changed nothing", "| refused", `metric "taken"`, `{instance="i",job="other"}`) || !handlertest.Contains(got[2], "changed nothing | 10 B | – | – | refused line 1") {
		t.Errorf("%s\n%s", got[1], got[2])
	}
	if n := len(o.elements("a", "href", "/pg/groupings/"+s.Grouping("/metrics/job/other/instance/i").Key.Digest())); n != 1 {
		t.Errorf("%d links to what it collides with", n)
	}
	strip := o.elements("svg", "role", "img")
	if len(strip) != 1 || !handlertest.Contains(handlertest.Attribute(strip[0], "aria-label"), "5 pushes since", "2 of them refused.") {
		t.Errorf("%d strips", len(strip))
	}
	if strings.Contains(o.Body, "<script>{") || !handlertest.Contains(o.text(), "push interval ~") {
		t.Error(o.text())
	}
	for query, want := range map[string]string{"": "Metrics 0", "?view=history": "History", "?view=raw": "Raw", "?view=x": "Metrics 0"} {
		o := openDetail(s, "/metrics/job/x", query, ana...)
		for _, a := range o.elements("a", "aria-current", "page") {
			if text := handlertest.WordsOf(a); text != want && text != "Groupings" {
				t.Errorf("%q: current is %q", query, text)
			}
		}
	}
}

func TestTheHistoryIsForReaders(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	s.Put("/metrics/job/x", "a 1\n", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
	if a := s.Get("/groupings/"+s.Grouping("/metrics/job/x").Key.Digest()+"?view=history", handlertest.BrowserHeaders...); a.Status != 401 {
		t.Errorf("%v", a)
	}
}

func TestThePageShowsTheBeginningOfTheText(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/l/%3Cb%3E", "a 1\n")
	o := openDetail(s, "/metrics/job/x/l/%3Cb%3E", "?view=raw")
	if raw := o.byID(t, "bdi", "raw"); !strings.Contains(raw, `a{instance="",job="x",l="<b>"} 1`) || strings.Contains(o.text(), "Truncated.") {
		t.Errorf("%s", o.text())
	}
	if n := len(o.elements("a", "href", "/groupings/"+s.Grouping("/metrics/job/x/l/%3Cb%3E").Key.Digest()+"/raw")); n != 1 {
		t.Errorf("%d links to all of it", n)
	}
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "family_%d 1\n", i)
	}
	s.Put("/metrics/job/long", b.String())
	o = openDetail(s, "/metrics/job/long", "?view=raw")
	raw := attributeless(o, "raw")
	if len(raw) > maxRaw || len(raw) < maxRaw/2 || !strings.HasSuffix(raw, "\n") || !handlertest.Contains(o.text(), "Truncated.") {
		t.Errorf("%d bytes that end with %q", len(raw), raw[max(0, len(raw)-50):])
	}
}

// attributeless is the text of the element of an id, as it is.
func attributeless(o opened, id string) string {
	var b strings.Builder
	for n := range o.elements("bdi", "id", id)[0].Descendants() {
		b.WriteString(n.Data)
	}
	return b.String()
}

const (
	maxRaw = 64 << 10
)
