package credential

import (
	"testing"

	"gatehouse/auth"
)

// The hashes of "x", of "y", and of "x" again, at the least cost.
const (
	hashOfX      = "$2a$04$1R1kCT5dP8UsZm2AOUO49.FTBS1jv3dzkAHUbq9YWyXrjxCvcqmQ6"
	otherHashOfX = "$2a$04$GGE9dY9BfbQYh8CzXQHsPOYQz6XUPYtWLo.Q6xR0jxJ2uPmKNGnI2"
)

func TestASessionHoldsWhileItsUsersPasswordStays(t *testing.T) {
	const id = "the-id"
	begin := func(p *Passwords, name string) auth.Session {
		return auth.Session{Scheme: auth.Basic, Name: name, Credential: p.Fingerprint(name, id)}
	}
	plain := PasswordOptions{User: "first", Password: "x", Users: map[string]string{"second": hashOfX}}
	with := func(user, password string, users map[string]string) *Passwords {
		return NewPasswords(PasswordOptions{User: user, Password: password, Users: users})
	}
	before := NewPasswords(plain)
	first, second := begin(before, "first"), begin(before, "second")
	tests := []struct {
		name                    string
		now                     *Passwords
		firstHolds, secondHolds bool
	}{
		{"nothing happened", before, true, true},
		{"the server was started again", NewPasswords(plain), true, true},
		{"the first password was changed", with("first", "y", plain.Users), false, true},
		{"the first user was renamed", with("First", "x", plain.Users), false, true},
		{"the first password became a hash of the same", with("first", hashOfX, plain.Users), false, true},
		{"the first user is one of the others", with("", "", map[string]string{"first": hashOfX, "second": hashOfX}), false, true},
		{"the second password was changed", with("first", "x", map[string]string{"second": otherHashOfX}), true, false},
		{"the second user was removed", with("first", "x", nil), true, false},
		{"the hash was damaged", with("first", "x", map[string]string{"second": hashOfX[:40]}), true, false},
		{"the first user took the name of the second", with("second", "x", plain.Users), false, false},
		{"nobody is left", with("", "", nil), false, false},
	}
	for _, test := range tests {
		if got := test.now.Holds(first, id); got != test.firstHolds {
			t.Errorf("%s: the first user's session holds: %v", test.name, got)
		}
		if got := test.now.Holds(second, id); got != test.secondHolds {
			t.Errorf("%s: the second user's session holds: %v", test.name, got)
		}
	}
	before.SetUsers(map[string]string{"second": otherHashOfX})
	if before.Holds(second, id) {
		t.Error("it holds after the users were exchanged")
	}
	before.SetUsers(plain.Users)
	for _, s := range []auth.Session{{}, {Name: "first"}, {Name: "nobody"}, {Name: "first", Credential: []byte{}}, {Name: "first", Credential: second.Credential}} {
		if before.Holds(s, id) {
			t.Errorf("%+v holds", s)
		}
	}
	if before.Holds(first, "another-id") {
		t.Error("the fingerprint is the same for another session")
	}
	if before.Fingerprint("nobody", id) != nil || before.Fingerprint("", id) != nil {
		t.Error("nobody has a fingerprint")
	}
}
