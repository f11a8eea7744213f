package jwt

import (
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add("eyJ0eXAiOiJKV1QifQ.e30.") // {"typ":"JWT"}
	f.Add("e30.eyJhIjoxLCJhIjoxfQ.") // {"a":1,"a":1}
	f.Add("eyJ0eXAiOm51bGx9.e30.")   // {"typ":null}
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		header, claims, err := Parse(raw)
		if (err == nil) != (claims != nil) || (err == nil) != (header != nil) || err == nil && strings.Count(raw, ".") != 2 {
			t.Errorf("got %v, %v, %v", header, claims, err)
		}
	})
}
