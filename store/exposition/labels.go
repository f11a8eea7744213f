package exposition

import (
	"bytes"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// instanceLabel is added empty to pushed series that have no instance, so that
// Prometheus does not put the server's own there.
const instanceLabel = "instance"

var unescaper = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")

// Unescape returns what a label value or name of a Line stands for.
func Unescape(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	return unescaper.Replace(string(raw))
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// AppendLabels appends the labels of a grouping, which must be sorted by name,
// in braces, as the series of the grouping have them: with an empty instance
// label where there is none.
func AppendLabels(dst []byte, labels []Label) []byte {
	instance := Label{Name: instanceLabel}
	at, found := slices.BinarySearchFunc(labels, instanceLabel, func(l Label, name string) int { return strings.Compare(l.Name, name) })
	dst = append(dst, '{')
	for i, l := range labels {
		if i == at && !found {
			dst = appendPair(dst, instance)
		}
		dst = appendPair(dst, l)
	}
	if at == len(labels) {
		dst = appendPair(dst, instance)
	}
	dst[len(dst)-1] = '}'
	return dst
}

func appendPair(dst []byte, l Label) []byte {
	if model.LegacyValidation.IsValidLabelName(l.Name) {
		dst = append(dst, l.Name...)
	} else {
		dst = append(append(append(dst, '"'), escaper.Replace(l.Name)...), '"')
	}
	dst = append(dst, '=', '"')
	return append(append(dst, escaper.Replace(l.Value)...), '"', ',')
}
