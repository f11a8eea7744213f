package exposition

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Format is an exposition format together with the escaping of names in it. The
// zero value is the text format 0.0.4 with underscores, the default for clients
// that ask for nothing. Formats are comparable.
type Format struct {
	kind   formatKind
	scheme escapeScheme
	strict bool // OpenMetrics by the letter
}

type formatKind uint8

const (
	formatText formatKind = iota
	formatText1
	formatOpenMetrics001
	formatOpenMetrics
	formatProtobuf
)

// formatTypes holds the content types by kind, without their escaping.
var formatTypes = [...]expfmt.Format{
	formatText:           expfmt.FmtText,
	formatText1:          "text/plain; version=1.0.0; charset=utf-8",
	formatOpenMetrics001: expfmt.FmtOpenMetrics_0_0_1,
	formatOpenMetrics:    expfmt.FmtOpenMetrics_1_0_0,
	formatProtobuf:       expfmt.FmtProtoDelim,
}

// formatPreference is the order in which formats are offered: it decides only
// where a client takes several with one clause of its header.
var formatPreference = []formatKind{formatOpenMetrics, formatOpenMetrics001, formatText, formatText1, formatProtobuf}

// ContentType returns the value of the Content-Type header of the format.
func (f Format) ContentType() string {
	return string(formatTypes[f.kind]) + "; escaping=" + f.scheme.String()
}

// Variant names the format and all that an exposition in it depends on: bodies of
// equal variants are equal.
func (f Format) Variant() string {
	if f.strict {
		return f.ContentType() + "; strict"
	}
	return f.ContentType()
}

// openMetrics says whether the format is a version of OpenMetrics.
func (f Format) openMetrics() bool {
	return f.kind == formatOpenMetrics || f.kind == formatOpenMetrics001
}

// negotiateMaxClauses bounds the work that one Accept header can cause. Longer
// headers are read up to there; no scraper comes near.
const negotiateMaxClauses = 32

// Negotiate returns the format that an Accept header asks for most: the known
// format of the best quality, the text format 0.0.4 if there is none. A format
// with quality 0 is not returned unless the client refuses them all. An entry that
// names no escaping takes it from the others: Prometheus names none with protobuf.
//
// A client that asks for OpenMetrics and takes the text format or protobuf as well
// is Prometheus, or reads as it does; others get strict OpenMetrics.
func Negotiate(accept string) Format {
	if accept == "" {
		return Format{}
	}
	wanted, refused := negotiateClauses(accept)
	offer := make([]expfmt.Format, 0, len(formatPreference))
	for _, kind := range formatPreference {
		mediaType, _, _ := strings.Cut(string(formatTypes[kind]), ";")
		if !slices.Contains(refused, mediaType) {
			offer = append(offer, formatTypes[kind])
		}
	}
	header := http.Header{"Accept": {strings.Join(wanted, ",")}}
	f := negotiateFormat(expfmt.NegotiateAccept(header, offer...))
	f.strict = f.openMetrics() && !slices.ContainsFunc(wanted, isLenient)
	return f
}

// isLenient reports whether a clause names a format that is not OpenMetrics.
func isLenient(clause string) bool {
	mediaType, _, _ := strings.Cut(clause, ";")
	return mediaType == "text/plain" || mediaType == "text/*" || mediaType == protobufMediaType
}

// negotiateClauses splits an Accept header into the clauses that name
// something welcome and the media types that are refused altogether. Clauses
// that can't be parsed are left out.
func negotiateClauses(accept string) (wanted, refused []string) {
	types := make([]string, 0, 8)
	params := make([]map[string]string, 0, 8)
	escaping, count := "", 0
	for clause := range strings.SplitSeq(accept, ",") {
		if count++; count > negotiateMaxClauses {
			break
		}
		mediaType, p, quality, ok := negotiateClause(clause)
		switch {
		case !ok:
		case quality == 0:
			refused = append(refused, mediaType)
		default:
			types, params = append(types, mediaType), append(params, p)
			if escaping == "" {
				escaping = p[model.EscapingKey]
			}
		}
	}
	for i, mediaType := range types {
		if params[i][model.EscapingKey] == "" && escaping != "" {
			params[i][model.EscapingKey] = escaping
		}
		// Spelled anew, since the library compares without regard to quotes,
		// tabs and case.
		wanted = append(wanted, mime.FormatMediaType(mediaType, params[i]))
	}
	return wanted, slices.DeleteFunc(refused, func(t string) bool { return slices.Contains(types, t) })
}

func negotiateClause(clause string) (mediaType string, params map[string]string, quality float64, ok bool) {
	mediaType, params, err := mime.ParseMediaType(clause)
	if err != nil {
		return "", nil, 0, false
	}
	quality = 1
	if q, given := params["q"]; given {
		quality, err = strconv.ParseFloat(q, 64)
	}
	return mediaType, params, quality, err == nil && quality >= 0
}

// negotiateFormat recognizes what the library made of one of formatTypes.
func negotiateFormat(negotiated expfmt.Format) Format {
	for kind, contentType := range formatTypes {
		if rest, ok := strings.CutPrefix(string(negotiated), string(contentType)); ok {
			return Format{kind: formatKind(kind), scheme: escapeSchemeNamed(strings.TrimPrefix(rest, "; escaping="))}
		}
	}
	return Format{}
}
