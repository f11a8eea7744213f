package exposition

import (
	"mime"
	"strings"
)

const (
	protobufMediaType    = "application/vnd.google.protobuf"
	protobufMessage      = "io.prometheus.client.MetricFamily"
	openMetricsMediaType = "application/openmetrics-text"
	formMediaType        = "application/x-www-form-urlencoded"
)

// Decode decodes a pushed body in the format that its Content-Type names:
// delimited protobuf, OpenMetrics, or else, whatever the header says, the text
// format. Without a content type, and with that of a form, which curl sends by
// itself, a body that ends in # EOF is OpenMetrics if it can be read as such. An
// empty body has no families in any format. The families it returns are sorted by
// name and don't alias body; errors are *Error.
func Decode(contentType string, body []byte, o Options) ([]Family, error) {
	if len(body) == 0 {
		return nil, nil
	}
	if strings.HasPrefix(contentType, "text/plain") {
		return DecodeText(body, o) // the usual case is spared the parsing
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	switch {
	case (contentType == "" || mediaType == formMediaType) && endsInEOF(body):
		families, err := DecodeOpenMetrics(body, o)
		if err == nil {
			return families, nil
		}
		return DecodeText(body, o)
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
