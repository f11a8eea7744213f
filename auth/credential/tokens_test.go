package credential

import (
	"fmt"
	"testing"
)

func TestTokensAreFoundByTheirPlace(t *testing.T) {
	tokens := NewTokens([]string{"first", "second", "", "first", "fifth:ü"})
	for _, test := range []struct {
		token, name string
		ok          bool
	}{
		{"first", "API_TOKENS[1]", true},
		{"second", "API_TOKENS[2]", true},
		{"fifth:ü", "API_TOKENS[5]", true},
		{"", "", false},
		{"First", "", false},
		{"firs", "", false},
		{"first ", "", false},
		{"API_TOKENS[1]", "", false},
	} {
		if name, ok := tokens.Find(test.token); name != test.name || ok != test.ok {
			t.Errorf("%q: %q, %v, want %q, %v", test.token, name, ok, test.name, test.ok)
		}
	}
	if tokens.Len() != 3 {
		t.Errorf("%d tokens, want 3", tokens.Len())
	}
}

func TestNoTokensIsASetToo(t *testing.T) {
	for name, tokens := range map[string]*Tokens{"nil": nil, "zero": {}, "none": NewTokens(nil), "only empty ones": NewTokens([]string{""})} {
		for _, token := range []string{"", "x"} {
			if n, ok := tokens.Find(token); n != "" || ok {
				t.Errorf("%s: found %q as %q", name, token, n)
			}
		}
		if tokens.Len() != 0 {
			t.Errorf("%s: %d tokens", name, tokens.Len())
		}
	}
}

func TestTokensDoNotKeepTheirPlaintexts(t *testing.T) {
	tokens := NewTokens([]string{"correct-horse-battery", "staple-staple"})
	tokens.Find("wrong-horse-battery")
	wantForgotten(t, []string{"correct-horse", "staple-staple", "wrong-horse"}, tokens, *tokens)
}

func BenchmarkTokensFind(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		values := make([]string, n)
		for i := range values {
			values[i] = fmt.Sprintf("token-of-some-length-%032d", i)
		}
		tokens := NewTokens(values)
		b.Run(fmt.Sprintf("of %d", n), func(b *testing.B) {
			for b.Loop() {
				tokens.Find(values[n-1])
			}
		})
	}
}
