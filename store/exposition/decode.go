package exposition

import (
	"mime"
	"strings"
)

const (
	protobufMediaType    = "application/vnd.google.protobuf"
	protobufMessage      = "io.prometheus.client.MetricFamily"
	openMetricsMediaType = "application/openmetrics-text"
)

// Decode decodes a pushed body in the format that its Content-Type names:
// delimited protobuf, OpenMetrics, or else, whatever the header says, the text
// format. An empty body has no families in any of them. The families it returns are sorted by name and don't alias body;
// errors are *Error.
func Decode(contentType string, body []byte, o Options) ([]Family, error) {
	if len(body) == 0 {
		return nil, nil
	}
	if strings.HasPrefix(contentType, "text/plain") {
		return DecodeText(body, o) // the usual case is spared the parsing
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return DecodeText(body, o)
	case mediaType == protobufMediaType && params["proto"] == protobufMessage && params["encoding"] == "delimited":
		return DecodeProtobuf(body, o)
	case mediaType == openMetricsMediaType:
		return DecodeOpenMetrics(body, o)
	default:
		return DecodeText(body, o)
	}
}
