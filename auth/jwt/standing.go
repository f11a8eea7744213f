package jwt

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse/auth"
)

// Standing says in one sentence what roles the tokens of an issuer grant. An
// operator that trusts the issuer has to know it.
type Standing struct {
	Sentence string // without a full stop
	// Admin says that everyone is admin whose token is accepted.
	Admin bool
	// Strangers reports whether anybody in the world has a role, perhaps below
	// admin.
	Strangers bool
}

// Entrance is by what people and programs come in from an issuer.
type Entrance uint8

// All entrances.
const (
	ByToken Entrance = iota + 1 // JWTs
	BySignIn
	ByBoth
)

// Standing returns the sentence about the admins by the issuer of the rules.
// For ByBoth the rules are those of ByToken.
func (r ClaimRules) Standing(by Entrance) Standing {
	strangers := r.strangers()
	s := Standing{Admin: max(r.DefaultRole, strangers) == auth.Admin, Strangers: strangers != auth.NoRole}
	who := r.phrase(by, "with a token", "who signs in")
	switch {
	case s.Strangers:
		s.Sentence = fmt.Sprintf("Anyone in the world can %s and becomes %s", r.phrase(by, "get a token", "sign in"), strangers) + r.unless()
	case s.Admin:
		s.Sentence = "Everyone " + who + " is admin" + listed(" if ", r.conditions()) + r.unless()
	case slices.Contains(slices.Collect(maps.Values(r.RoleMap)), auth.Admin):
		s.Sentence = "Everyone " + who + " is admin" + listed(" if ", append(r.conditions(), r.mapped()))
	default:
		s.Sentence = "Nobody " + who + " is admin"
	}
	return s
}

// strangers returns the highest role that anybody in the world can have.
func (r ClaimRules) strangers() auth.Role {
	if !PublicIssuer(r.Issuer) {
		return auth.NoRole
	}
	for claim, value := range r.Required {
		if Restricts(claim, value) {
			return auth.NoRole
		}
	}
	role := r.DefaultRole
	for value, mapped := range r.RoleMap {
		if !Restricts(r.RoleClaim, value) {
			role = max(role, mapped)
		}
	}
	return role
}

// phrase speaks of coming in, by what there is of the two ways.
func (r ClaimRules) phrase(by Entrance, token, signIn string) string {
	token = fmt.Sprintf("%s of %s for the audience %s", token, r.Issuer, oneOf(r.Audiences))
	switch by {
	case BySignIn:
		return signIn + " at " + r.Issuer
	case ByBoth:
		return token + ", or " + signIn + " there,"
	}
	return token
}

// conditions describes the required claims.
func (r ClaimRules) conditions() []string {
	var all []string
	for _, claim := range slices.Sorted(maps.Keys(r.Required)) {
		all = append(all, fmt.Sprintf("the claim %s is %s", claim, r.Required[claim]))
	}
	return all
}

// mapped describes what the role map requires of an admin.
func (r ClaimRules) mapped() string {
	var values []string
	for _, value := range slices.Sorted(maps.Keys(r.RoleMap)) {
		if r.RoleMap[value] == auth.Admin {
			values = append(values, value)
		}
	}
	return fmt.Sprintf("the claim %s has %s", r.roleClaim(), oneOf(values))
}

// unless describes what the role map may change.
func (r ClaimRules) unless() string {
	if len(r.RoleMap) == 0 {
		return ""
	}
	return fmt.Sprintf(", unless the claim %s gives another role", r.roleClaim())
}

func (r ClaimRules) roleClaim() string {
	if r.RoleClaim == "" {
		return "roles or groups"
	}
	return r.RoleClaim
}

// maxListed is the number of items that a sentence lists at most.
const maxListed = 5

func oneOf(values []string) string {
	if more := len(values) - maxListed; more > 0 {
		return fmt.Sprintf("%s or one of %d more", strings.Join(values[:maxListed], ", "), more)
	}
	return strings.Join(values, " or ")
}

// listed are conditions behind a word; "" without any.
func listed(word string, conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	if more := len(conditions) - maxListed; more > 0 {
		conditions = append(conditions[:maxListed:maxListed], fmt.Sprintf("%d more claims are as required", more))
	}
	return word + strings.Join(conditions, " and ")
}
