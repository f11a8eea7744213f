package app

import (
	"strings"

	"gatehouse/store"
)

// maxLogged bounds what is logged of a text that clients have chosen.
const maxLogged = 1 << 10

// recorded logs new entries of the activity log. Denied requests are in the log
// already, one by one.
func (a *App) recorded(x store.Entry) {
	if x.Kind == store.EntryDenial {
		return
	}
	fields := []any{
		"kind", string(x.Kind), "by", bounded(x.Origin.By), "id", bounded(x.Origin.ID), "via", x.Origin.Via, "from", x.Origin.From,
		"what", bounded(x.What), "count", x.Count, "operation", x.Operation,
	}
	for _, more := range [][2]string{{"undoes", x.Undoes}, {"reason", string(x.Reason)}, {"message", x.Message}} {
		if more[1] != "" {
			fields = append(fields, more[0], bounded(more[1]))
		}
	}
	a.log.Info("Activity", fields...)
}

func bounded(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxLogged)], "") }
