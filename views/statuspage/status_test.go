package statuspage

import (
	"context"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehouse/views/ui"
)

func TestARateIsDrawnAndSaid(t *testing.T) {
	r := Rate{Name: "Pushes", Counts: []int{0, 1000, 1, 500}}
	if got := r.label(); got != "Pushes by the minute, for an hour: 500 in this minute, 1 in the last, 1,000 at most, 1,501 in all" {
		t.Errorf("says %q", got)
	}
	want := []ui.Bar{
		{X: "10", Width: "8", Y: "0", Height: "32", Title: "2 m ago: 1,000"},
		{X: "20", Width: "8", Y: "30", Height: "2", Title: "1 m ago: 1"},
		{X: "30", Width: "8", Y: "16", Height: "16", Title: "this minute: 500"},
	}
	got := r.strip()
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("bar %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if r := (Rate{Name: "x"}); r.strip() != nil || !strings.HasSuffix(r.label(), " 0 in all") {
		t.Errorf("of nothing: %v %q", r.strip(), r.label())
	}
}

func TestTheStatusShowsTextAsText(t *testing.T) {
	const hostile = `"><script>alert(1)</script>` + "\u202e"
	s := Status{
		Problem: hostile, Wipe: true, Bypass: hostile, Warnings: []string{hostile}, Methods: []Method{{hostile, hostile, hostile}},
		Groups: []FactGroup{{hostile, []Fact{{Name: hostile, Text: hostile, Bad: true}}}}, Rates: []Rate{{Name: hostile, Counts: []int{1}}},
		Flags: FlagTable{Search: hostile, Total: 1, Flags: []Flag{{Name: hostile, Value: hostile, Default: hostile, From: hostile, Help: hostile, Changed: true}}},
	}
	var b strings.Builder
	if err := StatusPage(s).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "script" && n.FirstChild != nil {
			t.Errorf("a script in the page: %s", n.FirstChild.Data)
		}
	}
}
