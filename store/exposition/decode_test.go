package exposition

import "testing"

func TestTheContentTypeChoosesTheFormat(t *testing.T) {
	text := []byte("m 1\n")
	protobuf := protobufBody(t, family(t, `name:"m" type:UNTYPED metric:{untyped:{value:1}}`))
	openMetrics := []byte("m 1\n# EOF\n")
	for _, c := range []struct {
		contentType string
		body        []byte
		ok          bool
	}{
		{"", text, true},
		{"text/plain", text, true},
		{"text/plain; version=0.0.4; charset=utf-8", text, true},
		{"TEXT/PLAIN", text, true},
		{"application/x-www-form-urlencoded", text, true},
		{"application/json", text, true},
		{"multipart/form-data; boundary=x", text, true},
		{";;;garbage", text, true},
		{"application/vnd.google.protobuf", text, true},
		{"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text", text, true},
		{"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=DELIMITED", text, true},
		{"application/vnd.google.protobuf; proto=other; encoding=delimited", text, true},
		{"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", protobuf, true},
		{`Application/Vnd.Google.Protobuf; PROTO="io.prometheus.client.MetricFamily"; Encoding="delimited"; escaping=allow-utf-8; q=0.5`, protobuf, true},
		{"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", text, false},
		{"text/plain", protobuf, false},
		{"application/openmetrics-text; version=1.0.0; charset=utf-8", openMetrics, true},
		{"Application/OpenMetrics-Text", openMetrics, true},
		{"application/openmetrics-text", text, false}, // lacks # EOF
	} {
		got, err := Decode(c.contentType, c.body, Options{})
		if (err == nil) != c.ok || c.ok && decodedText(got) != "m 1\n" {
			t.Errorf("%s: got %q, %v", c.contentType, decodedText(got), err)
		}
	}
}
