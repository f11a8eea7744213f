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
		{"application/openmetrics-text", text, true}, // a request has a length
		{"application/openmetrics-text; version=2.0.0", openMetrics, true},
	} {
		got, err := Decode(c.contentType, c.body, Options{})
		if (err == nil) != c.ok || c.ok && decodedText(got) != "m 1\n" {
			t.Errorf("%s: got %q, %v", c.contentType, decodedText(got), err)
		}
	}
}

func TestABodyThatEndsInEOFIsOpenMetrics(t *testing.T) {
	counter := "# HELP c text\n# TYPE c counter\nc_total 1\n"
	asOM, asText := "# c_total counter \"text\"\nc_total 1\n", "c_total 1\n"
	for _, c := range []struct{ sentence, contentType, body, want string }{
		{"without a content type", "", counter + "# EOF\n", asOM},
		{"as curl sends it", "application/x-www-form-urlencoded", counter + "# EOF", asOM},
		{"with blanks and CRLF behind it", "", counter + "# EOF \r\n\r\n", asOM},
		{"nothing but the end", "", "# EOF\n", ""},
		{"another content type is believed", "text/plain", counter + "# EOF\n", asText},
		{"a text", "", counter, asText},
		{"one that is no OpenMetrics", "", "# EOF\n" + counter + "# EOF\n", asText},
		{"not at the end of a line", "", counter + "# hello # EOF", asText},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got, err := Decode(c.contentType, []byte(c.body), Options{})
			if err != nil || decodedText(got) != c.want {
				t.Errorf("got %q, %v, want %q", decodedText(got), err, c.want)
			}
		})
	}
}
