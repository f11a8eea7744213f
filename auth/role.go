// Package auth holds the rules about who may do what. It knows nothing of
// HTTP; auth/guard applies it to requests.
package auth

import (
	"fmt"
	"slices"
)

// Role is a set of actions. Each role may do all that the ones before it may.
type Role uint8

const (
	// NoRole may do nothing. It is the role of principals that are known but
	// were granted nothing.
	NoRole Role = iota
	// Scraper may only read what Prometheus reads. The scrape key grants it;
	// people never have it.
	Scraper
	// Reader may see everything that is not secret.
	Reader
	// Pusher may also push, and delete by path.
	Pusher
	// Admin may do everything.
	Admin
)

var roleNames = []string{"none", "scraper", "reader", "pusher", "admin"}

// String is the name of the role as the configuration spells it.
func (r Role) String() string { return roleNames[r] }

// ParseRole takes the names of the roles that can be granted: none, reader,
// pusher and admin.
func ParseRole(name string) (Role, error) {
	if i := slices.Index(roleNames, name); i >= 0 && Role(i) != Scraper {
		return Role(i), nil
	}
	return NoRole, fmt.Errorf("expected one of none, reader, pusher, admin, not %q", name)
}

// Action is an operation that a request asks for. The zero Action is allowed to
// nobody.
type Action uint8

const (
	// Scrape is to read what Prometheus reads: metrics and its targets.
	Scrape Action = iota + 1
	// Read is to see groupings, the status, pages.
	Read
	// Explore is to learn which paths and methods there are.
	Explore
	// Push is to write a grouping.
	Push
	// Delete is to delete what a path names.
	Delete
	// Amend is what pushers do on pages beside pushing: delete a grouping, undo
	// their own deletes, run the documentation's examples.
	Amend
	// Administer is everything that concerns more than a path: bulk deletes,
	// wipes, the end of the process, profiles.
	Administer
	// Public is allowed to everyone.
	Public
)

// leastRole is the least role that may do an action.
var leastRole = map[Action]Role{
	Scrape: Scraper, Read: Reader, Explore: Reader, Push: Pusher, Delete: Pusher, Amend: Pusher, Administer: Admin, Public: NoRole,
}

// May reports whether the role includes the action.
func (r Role) May(a Action) bool {
	least, known := leastRole[a]
	return known && r >= least
}

// RoleFor is the least role that may do a.
func RoleFor(a Action) Role { return leastRole[a] }
