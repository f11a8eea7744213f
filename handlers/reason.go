package handlers

import (
	"gatehouse/store"
	"gatehouse/views/ui"
)

// reasonOfRefusal is why a push to a grouping was refused, with a link to the
// grouping that it collides with.
func reasonOfRefusal(f ui.Frame, p *store.Picture, grouping, message string) ui.Reason {
	for i := range len(message) {
		if message[i] != '{' {
			continue
		}
		key, n, ok := readKey(message[i:])
		if !ok || key.String() == grouping {
			continue
		}
		if _, held := p.Group(key); held {
			return ui.Reason{Before: message[:i], Other: message[i : i+n], After: message[i+n:], URL: f.Path("/groupings/" + key.Digest())}
		}
	}
	return ui.Reason{Before: message}
}

// brief is a reason where many stand below each other.
func brief(r ui.Reason) ui.Reason {
	r.Before, r.Other, r.After = shorten(r.Before, maxReason), shorten(r.Other, maxSubject), shorten(r.After, maxReason)
	return r
}
