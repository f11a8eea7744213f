package exposition

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// Format is an exposition format together with the escaping of names in it.
// The zero value is the text format 0.0.4 with underscores, which is what a
// client gets that asks for nothing. Formats are comparable.
type Format struct {
	kind   formatKind
	scheme escapeScheme
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

// openMetrics says whether the format is a version of OpenMetrics.
func (f Format) openMetrics() bool {
	return f.kind == formatOpenMetrics || f.kind == formatOpenMetrics001
}

// negotiateMaxClauses bounds the work that one Accept header can cause. Longer
// headers are read up to there; no scraper comes near.
const negotiateMaxClauses = 32

// Negotiate returns the format that an Accept header asks for most: the known
// format of the best quality, the text format 0.0.4 if there is none. A format
// with quality 0 is not returned unless the client refuses them all.
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
	return negotiateFormat(expfmt.NegotiateAccept(header, offer...))
}

// negotiateClauses splits an Accept header into the clauses that name
// something welcome and the media types that are refused altogether. Clauses
// that can't be parsed are left out.
func negotiateClauses(accept string) (wanted, refused []string) {
	welcome := make([]string, 0, 8)
	count := 0
	for clause := range strings.SplitSeq(accept, ",") {
		if count++; count > negotiateMaxClauses {
			break
		}
		mediaType, params, err := mime.ParseMediaType(clause)
		if err != nil {
			continue
		}
		quality := 1.0
		if q, ok := params["q"]; ok {
			quality, err = strconv.ParseFloat(q, 64)
		}
		if err != nil || !(quality >= 0) {
			continue
		}
		if quality == 0 {
			refused = append(refused, mediaType)
			continue
		}
		welcome = append(welcome, mediaType)
		// Spelled anew, since the library compares without regard to quotes,
		// tabs and case.
		wanted = append(wanted, mime.FormatMediaType(mediaType, params))
	}
	return wanted, slices.DeleteFunc(refused, func(t string) bool { return slices.Contains(welcome, t) })
}

// negotiateFormat recognizes what the library made of one of formatTypes.
func negotiateFormat(negotiated expfmt.Format) Format {
	for kind, contentType := range formatTypes {
		if rest, ok := strings.CutPrefix(string(negotiated), string(contentType)); ok {
			return Format{formatKind(kind), escapeSchemeNamed(strings.TrimPrefix(rest, "; escaping="))}
		}
	}
	return Format{}
}
