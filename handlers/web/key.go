package web

import (
	"strconv"
	"strings"

	"gatehouse/store"
	"gatehouse/store/exposition"
)

// ReadKey reads a grouping key as GroupingKey.String spells it from the start
// of a text, and how many bytes it takes.
func ReadKey(text string) (key store.GroupingKey, n int, ok bool) {
	rest, found := strings.CutPrefix(text, "{")
	if !found {
		return key, 0, false
	}
	var labels []exposition.Label
	for {
		var l exposition.Label
		if l, rest, ok = readLabel(rest); !ok || len(rest) == 0 {
			return key, 0, false
		}
		labels = append(labels, l)
		separator := rest[0]
		rest = rest[1:]
		if separator == '}' {
			break
		}
		if separator != ',' {
			return key, 0, false
		}
	}
	key, err := store.NewGroupingKey(labels)
	return key, len(text) - len(rest), err == nil
}

func readLabel(text string) (l exposition.Label, rest string, ok bool) {
	if quoted, err := strconv.QuotedPrefix(text); err == nil {
		if l.Name, err = strconv.Unquote(quoted); err != nil {
			return l, "", false
		}
		rest, ok = strings.CutPrefix(text[len(quoted):], "=")
	} else {
		l.Name, rest, ok = strings.Cut(text, "=")
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil || !ok {
		return l, "", false
	}
	if l.Value, err = strconv.Unquote(quoted); err != nil {
		return l, "", false
	}
	return l, rest[len(quoted):], true
}
