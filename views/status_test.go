package views

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

func TestARateIsDrawnAndSaid(t *testing.T) {
	r := Rate{Name: "Pushes", Counts: []int{0, 1000, 1, 500}}
	if got := r.label(); got != "Pushes by the minute, for an hour: 500 in this minute, 1 in the last, 1,000 at most, 1,501 in all" {
		t.Errorf("says %q", got)
	}
	want := []Bar{
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

func TestSizesAndSpansAreWrittenForPeople(t *testing.T) {
	for n, want := range map[int64]string{16 << 20: "16 MiB", 1 << 30: "1 GiB", 3 << 10: "3 KiB", 1500: "1.5 kB", 0: "0 B", 2_500_000_000: "2.5 GB"} {
		if got := Limit(n); got != want {
			t.Errorf("the limit %d is %q, want %q", n, got, want)
		}
	}
	if got := Size(16 << 20); got != "16.8 MB" {
		t.Errorf("got %q", got)
	}
	for d, want := range map[time.Duration]string{0: "0 s", 3 * time.Second: "3 s", 90 * time.Minute: "1 h 30 m", 24 * time.Hour: "1 d", 10 * time.Millisecond: "10 ms"} {
		if got := Span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestMomentsAreShownAsIsPreferred(t *testing.T) {
	now := time.Date(2026, 11, 22, 18, 43, 2, 5, time.UTC)
	at := now.Add(-3 * time.Minute).In(time.FixedZone("", 3600))
	for preferred, want := range map[string]string{
		"":      `<time datetime="2026-11-22T18:40:02.000000005Z" data-ago title="2026-11-22 18:40:02 UTC">3 m ago</time>`,
		"utc":   `<time datetime="2026-11-22T18:40:02.000000005Z" data-ago="title" title="3 m ago">2026-11-22 18:40:02</time>`,
		"local": `<time datetime="2026-11-22T18:40:02.000000005Z" data-local title="3 m ago">2026-11-22 18:40:02 UTC</time>`,
	} {
		var b strings.Builder
		if err := Time(at, now).Render(WithSettings(context.Background(), Settings{Time: preferred}), &b); err != nil || b.String() != want {
			t.Errorf("%q: %s, %v\nwant %s", preferred, b.String(), err, want)
		}
	}
	var b strings.Builder
	if err := Time(at, now).Render(context.Background(), &b); err != nil || !strings.Contains(b.String(), ">3 m ago<") {
		t.Errorf("without settings: %s, %v", b.String(), err)
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
