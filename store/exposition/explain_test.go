package exposition

import (
	"strings"
	"testing"
)

func TestMessagesNameTheMistake(t *testing.T) {
	const json = `line 1: the body is JSON; push metrics in the text format, one a line: name{label="value"} 1`
	const mark = "line 1: the body begins with a byte order mark; send UTF-8 without one"
	const utf16 = "line 1: the body is UTF-16; send UTF-8"
	for _, c := range []struct{ body, want, legacy string }{
		{"disk-1 5", `line 1: metric name "disk-1" is not valid without quotes: '-' at column 5; write {"disk-1"} 5 or disk_1`, `line 1: metric name "disk-1" is not valid: '-' at column 5; write disk_1`},
		{"a 1\ntemp.5 21\n", `line 2: metric name "temp.5" is not valid without quotes: '.' at column 5; write {"temp.5"} 21 or temp_5`, `line 2: metric name "temp.5" is not valid: '.' at column 5; write temp_5`},
		{"http.requests{code=\"200\"} 5", `line 1: metric name "http.requests" is not valid without quotes: '.' at column 5; write {"http.requests",…} or http_requests`, `line 1: metric name "http.requests" is not valid: '.' at column 5; write http_requests`},
		{"3d_prints 5", `line 1: metric name "3d_prints" is not valid without quotes: '3' at column 1; write {"3d_prints"} 5 or _3d_prints`, `line 1: metric name "3d_prints" is not valid: '3' at column 1; write _3d_prints`},
		{"größe 5", `line 1: metric name "größe" is not valid without quotes: 'ö' at column 3; write {"größe"} 5 or gr__e`, ""},
		{"# TYPE disk-1 gauge\ndisk-1 5\n", `line 1: metric name "disk-1" is not valid without quotes: '-'; write "disk-1" or disk_1`, `line 1: metric name "disk-1" is not valid: '-'; write disk_1`},
		{"# HELP 3d.prints Prints.", `line 1: metric name "3d.prints" is not valid without quotes: '3'; write "3d.prints" or _3d_prints`, `line 1: metric name "3d.prints" is not valid: '3'; write _3d_prints`},
		{`m{a-b="c"} 5`, `line 1: metric "m": label name "a-b" is not valid without quotes: '-' at column 4; write "a-b"="…" or a_b`, `line 1: metric "m": label name "a-b" is not valid: '-' at column 4; write a_b`},
		{`m{x="1",k8s.pod="c"} 5`, `line 1: metric "m": label name "k8s.pod" is not valid without quotes: '.' at column 12; write "k8s.pod"="…" or k8s_pod`, ""},
		{`m{a b="c"} 5`, `line 1: metric "m": expected ="…" behind label name "a"`, ""},
		{`m{a-"c"} 5`, `line 1: metric "m": expected ="…" behind label name "a"`, ""},
		{`# TYPE {a} gauge`, `line 1: invalid metric name "{a} gauge" in a comment`, ""},
		{"\ufeffa 1\n", mark, mark},
		{"\ufeff# TYPE a gauge\na 1\n", mark, mark},
		{"\xff\xfea\x00 \x001\x00\n\x00", utf16, utf16},
		{"\xfe\xff\x00a\x00 \x001\x00\n", utf16, utf16},
		{"a\xff 1", `line 1: metric name "a\xff" is not valid UTF-8`, ""},
		{"a/b 5", `line 1: metric name "a/b" is not valid without quotes: '/' at column 2; write {"a/b"} 5 or a_b`, ""},
		{`m{é="1",a.b="c"} 1`, `line 1: metric "m": label name "é" is not valid without quotes: 'é' at column 3; write "é"="…" or _`, `line 1: metric "m": label name "é" is not valid: 'é' at column 3; write _`},
		{`m{l="é",a.b="c"} 1`, `line 1: metric "m": label name "a.b" is not valid without quotes: '.' at column 10; write "a.b"="…" or a_b`, `line 1: metric "m": label name "a.b" is not valid: '.' at column 10; write a_b`},
		{`m{a:b = "c"} 1`, `line 1: metric "m": label name "a:b" is not valid without quotes: ':' at column 4; write "a:b"="…" or a_b`, ""},
		{`m{2xx="c"} 1`, `line 1: metric "m": label name "2xx" is not valid without quotes: '2' at column 3; write "2xx"="…" or _2xx`, ""},
		{`{k8s.pod="c"} 1`, `line 1: label name "k8s.pod" is not valid without quotes: '.' at column 5; write "k8s.pod"="…" or k8s_pod`, ""},
		{`m{a b="c"} 1`, `line 1: metric "m": expected ="…" behind label name "a"`, ""},
		{"# TYPE a.b gauge\n", `line 1: metric name "a.b" is not valid without quotes: '.'; write "a.b" or a_b`, `line 1: metric name "a.b" is not valid: '.'; write a_b`},
		{"m 1\n# HELP a-b text\n", `line 2: metric name "a-b" is not valid without quotes: '-'; write "a-b" or a_b`, ""},
		{"# HELP é text\n", `line 1: metric name "é" is not valid without quotes: 'é'; write "é" or _`, ""},
		{"a 1\rb 2\r", `line 1: metric "a": expected a number as value, got "1\rb"; was the body sent without its line ends? (curl: use --data-binary, not -d)`, ""},
		{`a 1\nb 2\n`, `line 1: metric "a": expected a number as value, got "1\\nb"; was the body sent without its line ends? (curl: use --data-binary, not -d)`, ""},
		{"a 1 b 2", `line 1: metric "a": unexpected "b 2" behind the value; was the body sent without its line ends? (curl: use --data-binary, not -d)`, ""},
		{"a 1 s", `line 1: metric "a": unexpected "s" behind the value`, ""},
		{`{"status": "success", "data": 5}`, json, json},
		{`[{"name": "a", "value": 5}]`, json, json},
		{"\n {\n  \"a\": 5\n}\n{\"b\": 6}\n", json, json},
		{"<html>", `line 1: no valid metric name at "<html>"`, ""},
		{"a 1 1767225600000", `line 1: metric "a": pushed samples can't carry a timestamp, got "1767225600000"`, ""},
		{"a five", `line 1: metric "a": expected a number as value, got "five"`, ""},
		{"# TYPE a gauge a 1", `line 1: metric "a": unknown type "gauge a 1"; was the body sent without its line ends? (curl: use --data-binary, not -d)`, ""},
		{"a{count:1}", `line 1: metric "a": composite values such as those of OpenMetrics 2.0 can't be pushed; push OpenMetrics 1.0 or protobuf`, ""},
	} {
		for _, utf8Names := range []bool{true, false} {
			want := c.want
			if !utf8Names {
				want = c.legacy
			}
			if _, err := DecodeText([]byte(c.body), Options{UTF8Names: utf8Names}); want != "" && (err == nil || err.Error() != want) {
				t.Errorf("%q: got  %v\nwant %s", c.body, err, want)
			}
		}
	}
	long := make([]byte, maxDecodeName+1)
	for i := range long {
		long[i] = 'a'
	}
	for _, body := range []string{string(long) + " 1", string(long) + `{a="1"} 1`, "# TYPE " + string(long) + " gauge\na 1", `{"` + string(long) + `"} 1`} {
		if _, err := DecodeText([]byte(body), Options{UTF8Names: true}); err == nil || !strings.Contains(err.Error(), "longer than 1024 bytes") {
			t.Errorf("a name that is too long: %v", err)
		}
	}
}
