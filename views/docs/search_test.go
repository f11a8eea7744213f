package docs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// places puts hits as page#heading.
func places(hits []Hit) []string {
	var all []string
	for _, h := range hits {
		place := h.Page.Slug
		if h.Heading.Level > 1 {
			place += "#" + h.Heading.ID
		}
		all = append(all, place)
	}
	return all
}

func joined(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

func TestSearchFindsTheBestPlaceFirst(t *testing.T) {
	for _, test := range []struct{ query, first string }{
		{"tls", "tls"},
		{"TLS", "tls"},
		{"storage", "storage"},
		{"localhost bypass", "authentication#the-localhost-bypass"},
		{"BYPASS LocalHost", "authentication#the-localhost-bypass"},
		{"pushing expiry", "pushing#expiry"},
		{"http_headers", "securing-metrics#http_headers"},
		{"certificate revocation", "tls#client-certificates"},
		{"--web.scrape-internal-only", "securing-metrics#an-address-of-its-own"},
		{"scripts work unchanged", "migrating"},
	} {
		got := places(Search(test.query))
		if len(got) == 0 || got[0] != test.first {
			t.Errorf("%q: %q, want %s first", test.query, got, test.first)
		}
	}
}

func TestEveryHitHasAllWords(t *testing.T) {
	for _, query := range []string{"token", "token role", "push label value", "prometheus scrape key"} {
		hits := Search(query)
		if len(hits) == 0 {
			t.Errorf("%q: nothing", query)
		}
		for _, h := range hits {
			var page strings.Builder
			for _, s := range h.Page.sections {
				page.WriteString(fold(s.heading.Text) + " " + fold(s.text) + " ")
			}
			if !all(strings.Fields(query), page.String()) {
				t.Errorf("%q found %s", query, h.Page.Slug)
			}
		}
	}
}

func TestAWordThatIsNowhereFindsNothing(t *testing.T) {
	for _, query := range []string{"", "  \t\n", "xyzzy", "tls xyzzy", "\xff", "<script>"} {
		if got := Search(query); len(got) != 0 {
			t.Errorf("%q: %q", query, places(got))
		}
	}
}

func TestAPageWhoseSectionsShareTheWordsIsFoundOnce(t *testing.T) {
	p := render([]byte("# Fruit\n\nnone\n\n## Red\n\nan apple\n\n## Yellow\n\na banana\n"))
	got := p.search([]string{"banana", "apple"})
	if len(got) != 1 || got[0].section.heading.ID != "red" || got[0].rank != scattered {
		t.Errorf("%+v", got)
	}
	if got := p.search([]string{"banana", "cherry"}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTitlesAndHeadingsComeBeforeText(t *testing.T) {
	p := render([]byte("# Fruit\n\n## Red apples\n\n## Others\n\nfruit, not an apple\n"))
	ranks := func(words ...string) string {
		var all []string
		for _, r := range p.search(words) {
			all = append(all, fmt.Sprint(r.section.heading.ID, " ", r.rank))
		}
		return strings.Join(all, ", ")
	}
	for _, test := range []struct{ query, want string }{
		{"fruit", "fruit 0, others 2"},
		{"apple", "red-apples 1, others 2"},
		{"fruit apple", "red-apples 1, others 2"},
	} {
		if got := ranks(strings.Fields(test.query)...); got != test.want {
			t.Errorf("%q: %s, want %s", test.query, got, test.want)
		}
	}
}

func TestHitsAreBounded(t *testing.T) {
	if got := len(Search("e")); got != maxHits {
		t.Errorf("%d hits", got)
	}
	if got := len(Search(strings.Repeat("e ", maxWords) + "xyzzy")); got != maxHits {
		t.Errorf("%d hits with a word too many", got)
	}
}

func TestAnExcerptShowsTheFirstWord(t *testing.T) {
	long := strings.Repeat("before ", 40) + "the Needle in it " + strings.Repeat("after ", 40)
	for _, test := range []struct{ text, word, want string }{
		{"a needle", "needle", "a [needle]"},
		{"Needles and NEEDLE", "needle", "[Needle]s and [NEEDLE]"},
		{"", "needle", ""},
		{"nothing here", "needle", "nothing here"},
		{long, "needle", "… " + strings.Repeat("before ", 7) + "the [Needle] in it " + strings.TrimSpace(strings.Repeat("after ", 22)) + " …"},
		{strings.Repeat("ä", 100) + "needle" + strings.Repeat("€", 200), "needle", "… " + strings.Repeat("ä", 30) + "[needle]" + strings.Repeat("€", 44) + " …"},
	} {
		var got strings.Builder
		for _, s := range (section{text: test.text, folded: fold(test.text)}).excerpt([]string{test.word}) {
			if s.Match {
				s.Text = "[" + s.Text + "]"
			}
			got.WriteString(s.Text)
		}
		if got.String() != test.want {
			t.Errorf("%.40q:\n%s\nwant\n%s", test.text, got.String(), test.want)
		}
	}
}

func TestTheLongestOfOverlappingWordsIsMarked(t *testing.T) {
	got := highlight("the pushes", []string{"push", "pushes"})
	if want := []Span{{"the ", false}, {"pushes", true}}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestFoldingMovesNoByte(t *testing.T) {
	// The lower case of these has another length.
	for in, want := range map[string]string{"İstanbul": "İstanbul", "4\u212a": "4\u212a", "ÄB": "äb", "Ⱥ": "Ⱥ"} {
		if got := fold(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for _, p := range Pages() {
		for _, s := range p.sections {
			if !utf8.ValidString(s.text) || len(s.folded) != len(s.text) {
				t.Errorf("%s#%s", p.Slug, s.heading.ID)
			}
		}
	}
}

func FuzzSearch(f *testing.F) {
	for _, query := range []string{"tls", "localhost bypass", "", "e", "İ", "\xff", "… …", "$2y$10$…", "a b c d e f g h i j k l m n o p q r"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		hits := Search(query)
		if len(hits) > maxHits {
			t.Fatalf("%q: %d hits", query, len(hits))
		}
		for _, h := range hits {
			shown := joined(h.Excerpt)
			if !utf8.ValidString(shown) || len(shown) > maxShown+len("…  …") {
				t.Errorf("%q: the excerpt %q", query, shown)
			}
			place := slices.IndexFunc(h.Page.sections, func(s section) bool { return s.heading == h.Heading })
			cut := strings.TrimSuffix(strings.TrimPrefix(shown, "… "), " …")
			if place < 0 || !strings.Contains(h.Page.sections[place].text, cut) {
				t.Errorf("%q: %q is not in %s#%s", query, cut, h.Page.Slug, h.Heading.ID)
			}
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	Pages()
	for b.Loop() {
		Search("push token role")
	}
}
