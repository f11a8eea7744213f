package exposition

import (
	"strings"
	"testing"
)

const (
	negotiateText  = "text/plain; version=0.0.4; charset=utf-8; escaping="
	negotiateText1 = "text/plain; version=1.0.0; charset=utf-8; escaping="
	negotiateOM0   = "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping="
	negotiateOM    = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="
	negotiateProto = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping="

	negotiateAskProto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
	negotiateAskOM    = "application/openmetrics-text;version=1.0.0"
)

func TestTheFormatOfTheBestQualityIsChosen(t *testing.T) {
	tests := []struct{ name, accept, want string }{
		{"no header", "", negotiateText + "underscores"},
		{"anything", "*/*", negotiateText + "underscores"},
		{"a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", negotiateText + "underscores"},
		{"an old Java client", "text/html, image/gif, *; q=.2, */*; q=.2", negotiateText + "underscores"},
		{"JSON", "application/json", negotiateText + "underscores"},
		{"text of no version", "text/plain", negotiateText + "underscores"},
		{"text 0.0.4", "text/plain;version=0.0.4", negotiateText + "underscores"},
		{"text 1.0.0", "text/plain;version=1.0.0;escaping=allow-utf-8", negotiateText1 + "allow-utf-8"},
		{"text of an unknown version", "text/plain;version=7", negotiateText + "underscores"},
		{"OpenMetrics", negotiateAskOM, negotiateOM + "underscores"},
		{"OpenMetrics 0.0.1", "application/openmetrics-text;version=0.0.1", negotiateOM0 + "underscores"},
		{"OpenMetrics of no version is the first", "application/openmetrics-text", negotiateOM0 + "underscores"},
		{"OpenMetrics 2 is not served", "application/openmetrics-text;version=2.0.0", negotiateText + "underscores"},
		{"protobuf", negotiateAskProto, negotiateProto + "underscores"},
		{"protobuf of another encoding", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", negotiateText + "underscores"},
		{"protobuf of another message", "application/vnd.google.protobuf;proto=other;encoding=delimited", negotiateText + "underscores"},
		{
			"Prometheus 2",
			"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
			negotiateOM + "underscores",
		},
		{
			"Prometheus 3",
			"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
			negotiateOM + "allow-utf-8",
		},
		{
			"Prometheus 3 with native histograms",
			negotiateAskProto + ";q=0.6," + negotiateAskOM + ";escaping=allow-utf-8;q=0.5,*/*;q=0.2",
			negotiateProto + "allow-utf-8",
		},
		{"escaping comes from another entry", "text/plain;version=1.0.0;q=0.2;escaping=dots," + negotiateAskOM, negotiateOM + "dots"},
		{"an entry's own escaping counts first", "text/plain;version=1.0.0;q=0.2;escaping=dots," + negotiateAskOM + ";escaping=values", negotiateOM + "values"},
		{"escaping of a refused entry does not count", negotiateAskProto + ";q=0;escaping=dots," + negotiateAskOM, negotiateOM + "underscores"},
		{"quality beats order", "text/plain;q=0.2," + negotiateAskOM + ";q=0.3", negotiateOM + "underscores"},
		{"equal quality: order", "text/plain;version=0.0.4," + negotiateAskOM, negotiateText + "underscores"},
		{"escaping is that of the chosen entry", negotiateAskOM + ";escaping=values;q=0.2,text/plain;escaping=dots;q=0.3", negotiateText + "dots"},
		{"escaping by dots", negotiateAskOM + ";escaping=dots", negotiateOM + "dots"},
		{"escaping by values", negotiateAskProto + ";escaping=values", negotiateProto + "values"},
		{"bogus escaping", negotiateAskOM + ";escaping=bogus", negotiateOM + "underscores"},
		{"a refused format", negotiateAskOM + ";q=0", negotiateText + "underscores"},
		{"a refused format beside anything", negotiateAskOM + ";q=0,*/*", negotiateText + "underscores"},
		{"zero in other words", negotiateAskOM + ";q=0.000,*/*", negotiateText + "underscores"},
		{"one version refused", negotiateAskOM + ";q=0,application/openmetrics-text;version=0.0.1", negotiateOM0 + "underscores"},
		{"text refused", "text/plain;q=0,*/*", negotiateOM + "underscores"},
		{"text refused, protobuf welcome", "text/plain;q=0," + negotiateAskProto + ";q=0.1", negotiateProto + "underscores"},
		{"all refused", "text/plain;q=0,application/openmetrics-text;q=0,application/vnd.google.protobuf;q=0", negotiateText + "underscores"},
		{"no number for a quality", negotiateAskOM + ";q=high," + negotiateAskProto + ";q=0.1", negotiateProto + "underscores"},
		{"no quality at all", negotiateAskOM + ";q=NaN", negotiateText + "underscores"},
		{"tabs, quotes and capitals", "Application/OpenMetrics-Text;\tVersion=\"1.0.0\" ; Q=0.5", negotiateOM + "underscores"},
		{"a broken entry", ";;;=,/,\"," + negotiateAskOM, negotiateOM + "underscores"},
		{"a header without end", strings.Repeat("a/b,", 8<<10) + negotiateAskOM, negotiateText + "underscores"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Negotiate(tt.accept).ContentType(); got != tt.want {
				t.Errorf("Negotiate(%.200q)\n got %q\nwant %q", tt.accept, got, tt.want)
			}
		})
	}
}

func TestOnlyStrictReadersGetOpenMetricsByTheLetter(t *testing.T) {
	for accept, strict := range map[string]bool{
		negotiateAskOM:          true,
		negotiateAskOM + ",*/*": true,
		negotiateAskOM + ",application/openmetrics-text;version=0.0.1;q=0.5":                  true,
		negotiateAskOM + ",text/plain;q=0":                                                    true,
		negotiateAskOM + ",text/html;q=0.5":                                                   true,
		negotiateAskOM + ",text/plain;q=0.5":                                                  false,
		negotiateAskOM + ",text/*;q=0.5":                                                      false,
		negotiateAskOM + "," + negotiateAskProto + ";q=0.5":                                   false,
		"application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1": false,
		"text/plain": false,
		"":           false,
	} {
		f := Negotiate(accept)
		if f.strict != strict || strings.Contains(f.Variant(), "strict") != strict || strings.Contains(f.ContentType(), "strict") {
			t.Errorf("Negotiate(%q) = %+v", accept, f)
		}
	}
}

func TestTheZeroFormatIsTheDefault(t *testing.T) {
	if got, want := (Format{}).ContentType(), Negotiate("").ContentType(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if Negotiate("*/*") != (Format{}) {
		t.Errorf("Negotiate(*/*) = %v, want the zero format", Negotiate("*/*"))
	}
}

func FuzzNegotiate(f *testing.F) {
	f.Add("")
	f.Add("*/*;q=0.1")
	f.Add(negotiateAskProto + ";q=0.6," + negotiateAskOM + ";escaping=allow-utf-8;q=0.5,*/*;q=0.2")
	f.Fuzz(func(t *testing.T, accept string) {
		format := Negotiate(accept)
		format.strict = format.openMetrics() // of one that asks for nothing else
		if again := Negotiate(format.ContentType()); again != format {
			t.Errorf("Negotiate(%q) = %q, whose own content type asks for %q", accept, format.ContentType(), again.ContentType())
		}
	})
}

func BenchmarkNegotiate(b *testing.B) {
	accept := "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	b.ReportAllocs()
	for b.Loop() {
		Negotiate(accept)
	}
}
