package exposition

import (
	"bytes"
	"slices"
	"strings"
)

// instanceLabel is added empty to pushed series that have no instance, so that
// Prometheus does not put the server's own there.
const instanceLabel = "instance"

// Unescape returns the string that a label value or name of a Line encodes.
func Unescape(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	return string(escapeAppendUnquoted(nil, raw))
}

// AppendLabels appends the labels of a grouping, which must be sorted by name,
// in braces, as the series of the grouping have them: with an empty instance
// label where there is none.
func AppendLabels(dst []byte, labels []Label) []byte {
	at, found := slices.BinarySearchFunc(labels, instanceLabel, func(l Label, name string) int { return strings.Compare(l.Name, name) })
	if !found {
		labels = slices.Insert(slices.Clone(labels), at, Label{Name: instanceLabel})
	}
	dst = append(dst, '{')
	for _, l := range labels {
		dst = append(appendLabel(dst, []byte(l.Name), l.Value), ',')
	}
	return appendClosing(dst)
}
