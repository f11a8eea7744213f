package web

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzObjectsOfTextsAreReadInOneWay(f *testing.F) {
	for _, body := range []string{`{}`, `{"a":"x"}`, `{"a":"x","b":""}`, `{"a":"x","a":"y"}`, `{"a":1}`, `{"a":{"b":"c"}}`, `[]`, `{"a":"\ud800"}`, `{"a":"x"}{}`, `{"a"`, "\xef\xbb\xbf{}", `{"a":"x",}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		texts, err := parseTexts(body, "a", "b")
		var want map[string]any
		whole := json.Unmarshal(body, &want)
		if err != nil {
			if AnswerTo(err).Status != 400 || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%q", err)
			}
			return
		}
		if whole != nil || len(texts) != len(want) {
			t.Fatalf("takes %q for %q: %v", body, texts, whole)
		}
		for name, text := range texts {
			if want[name] != text || name != "a" && name != "b" {
				t.Errorf("%q: %q, want %q", name, text, want[name])
			}
		}
	})
}
