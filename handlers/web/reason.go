package web

import (
	"gatehouse/store"
	"gatehouse/views/ui"
)

// ReasonOfRefusal is why a push to a grouping was refused, with a link to the
// grouping that it collides with.
func ReasonOfRefusal(f ui.Frame, p *store.Snapshot, grouping, message string) ui.Reason {
	for i := range len(message) {
		if message[i] != '{' {
			continue
		}
		key, n, ok := ReadKey(message[i:])
		if !ok || key.String() == grouping {
			continue
		}
		if _, held := p.Grouping(key); held {
			return ui.Reason{Before: message[:i], Other: message[i : i+n], After: message[i+n:], URL: f.Path("/groupings/" + key.Digest())}
		}
	}
	return ui.Reason{Before: message}
}

// Brief is a reason where many are below each other.
func Brief(r ui.Reason) ui.Reason {
	r.Before, r.Other, r.After = Shorten(r.Before, MaxReason), Shorten(r.Other, MaxSubject), Shorten(r.After, MaxReason)
	return r
}
