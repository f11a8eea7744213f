package exposition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestEveryWrongLineIsReported(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string // reason:line
	}{
		{"nothing is wrong", "# TYPE a gauge\na 1\n", nil},
		{"an empty body", "", nil},
		{"one line", "a 1\nb\nc 2\n", []string{"syntax:2"}},
		{"the last line, without a line end", "a 1\nb", []string{"syntax:2"}},
		{"line ends of browsers", "a\r\nb 1\r\nc\r\n", []string{"syntax:1", "syntax:3"}},
		{"the same mistake in several lines", "a\na\na\n", []string{"syntax:1", "syntax:2", "syntax:3"}},
		{"mistakes of all kinds", "a{ 1\n1b 2\n# TYPE c nothing\nc 1 1234\nd 1\nd 2\ne{l=\"\xff\"} 1\n", []string{"name:1", "name:2", "syntax:3", "timestamp:4", "duplicate:6", "value:7"}},
		{"a HELP with a mistake does not spoil its samples", "# HELP a \xff\na 1\n", []string{"value:1"}},
		{"JSON", "{\"a\": 1}\n", []string{"syntax:1"}},
		{"a body of comments", "# a 1\n", []string{"syntax:1"}},
		{
			"mistakes of several lines are not reported beside a line that cannot be read",
			"# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"1.0\"} 1\nx\n",
			[]string{"syntax:4"},
		},
		{
			"what concerns several lines, several times",
			"# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"1.0\"} 3\nh_bucket{l=\"1\",le=\"1\"} 2\nh_bucket{l=\"1\",le=\"1.0\"} 3\n",
			[]string{"duplicate:3", "duplicate:5"},
		},
		{"names that are equal once escaped", "a_b 1\na_b{l=\"2\"} 1\n{\"a.b\"} 1\n", []string{"type:3"}},
		{"the same clash in every line is reported once", "a_b 1\n{\"a.b\"} 1\n{\"a.b\",l=\"2\"} 1\n", []string{"type:2"}},
		{"too many", strings.Repeat("a\n", 9), []string{"syntax:1", "syntax:2", "syntax:3", "syntax:4", "syntax:5", "syntax:6"}},
		{"a limit is reported once", "a 1\nb 1\nc 1\nd 1\ne 1\nf 1\ng 1\nh 1\ni 1\n", []string{"limit:7"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, e := range Mistakes([]byte(test.body), Options{MaxSeries: 6, UTF8Names: true}, 6) {
				got = append(got, fmt.Sprintf("%s:%d", e.Reason, e.Line))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func FuzzMistakes(f *testing.F) {
	for _, body := range []string{
		"", "a 1\n", "a\nb\n", "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_count 3\n", "h_count 1\n# TYPE h summary\nh_sum 1\n",
		"# HELP a \\x\r\na{b=\"\xff\"} 1 2\n", "\n\n{", "a 1\na 1\na 1\n",
	} {
		f.Add([]byte(body), false)
		f.Add([]byte(body), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, utf8Names bool) {
		const most = 4
		o := Options{Grouping: []Label{{Name: "job", Value: "j"}}, UTF8Names: utf8Names, MaxSeries: 50}
		given := string(body)
		_, err := DecodeText(body, o)
		found := Mistakes(body, o, most)
		if string(body) != given {
			t.Fatal("the body was changed")
		}
		if (err == nil) != (len(found) == 0) || len(found) > most {
			t.Fatalf("%v, but %v", err, found)
		}
		var first *Error
		if errors.As(err, &first) && *first != *found[0] {
			t.Fatalf("%v, but the first is %v", err, found[0])
		}
		lines := strings.Count(given, "\n") + 1
		for _, e := range found {
			if e.Line > lines {
				t.Fatalf("%v is behind the end", e)
			}
		}
	})
}
