package web

import (
	"errors"
	"iter"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/store"
)

// unlimited calls do only for callers that may act on every grouping.
func unlimited(do fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if p := guard.Principal(c); p.Scope != "" {
			return forbidden(p)
		}
		return do(c)
	}
}

func forbidden(p auth.Principal) error {
	return &auth.DeniedError{Reason: auth.ErrForbidden, Scheme: p.Scheme}
}

// Scope returns the scope of the caller: groupings must satisfy it. A token
// that was revoked since it was let in may do nothing.
func (s *Site) Scope(c *fiber.Ctx) (store.Selectors, error) {
	p := guard.Principal(c)
	if p.Scope == "" {
		return store.Selectors{}, nil
	}
	id, _ := strings.CutPrefix(p.ID, auth.TokenID(""))
	t, ok := s.Store.Snapshot().Token(id)
	if !ok || t.Scope.All() {
		return store.Selectors{}, forbidden(p)
	}
	return t.Scope, nil
}

// Allow refuses a grouping outside of the caller's scope.
func (s *Site) Allow(c *fiber.Ctx, k store.GroupingKey) error {
	limit, err := s.Scope(c)
	if err == nil && !limit.Match(k.Labels()) {
		err = &auth.DeniedError{Reason: auth.ErrOutside, Scheme: guard.Principal(c).Scheme}
	}
	return err
}

// Discreet returns an error as the caller may read it: it names no grouping
// that they may not see.
func (s *Site) Discreet(c *fiber.Ctx, err error) error {
	r, ok := errors.AsType[*store.Refusal](err)
	if !ok || r.Discreet == "" || guard.Principal(c).MayRead() && s.Allow(c, r.Other) == nil {
		return err
	}
	return &store.Refusal{Reason: r.Reason, Message: r.Discreet}
}

// FailureWithin is why the last push to a grouping was refused, without the name
// of another grouping that is beyond the limit.
func FailureWithin(limit store.Selectors, g *store.Grouping) string {
	text := g.Failure
	for i := 0; !limit.All() && i < len(text); i++ {
		key, n, ok := ReadKey(text[i:])
		if ok && !limit.Match(key.Labels()) {
			text = strings.TrimSuffix(text[:i], "grouping ") + "another grouping" + text[i+n:]
		}
	}
	return text
}

// OutsideScope makes a refusal of an error about groupings beyond the caller's
// scope.
func OutsideScope(c *fiber.Ctx, err error) error {
	if errors.Is(err, store.ErrOutside) {
		return &auth.DeniedError{Reason: store.ErrOutside, Scheme: guard.Principal(c).Scheme}
	}
	return err
}

// GroupingsWithin yields the groupings that are selected and within a limit, in the
// order of the snapshot.
func GroupingsWithin(p *store.Snapshot, selected, limit store.Selectors) iter.Seq[*store.Grouping] {
	switch {
	case limit.All():
		return p.Matching(selected)
	case selected.All():
		return p.Matching(limit)
	}
	return func(yield func(*store.Grouping) bool) {
		for g := range p.Matching(selected) {
			if limit.Match(g.Key.Labels()) && !yield(g) {
				return
			}
		}
	}
}
