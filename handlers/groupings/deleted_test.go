package groupings

import (
	"testing"

	"gatehouse/auth"
	"gatehouse/store"
)

func TestRolesThatMayUndo(t *testing.T) {
	by := func(id string) store.Entry { return store.Entry{Origin: store.Origin{By: "a", ID: id}} }
	for _, test := range []struct {
		who  auth.Principal
		e    store.Entry
		want bool
	}{
		{auth.Principal{ID: "a", Role: auth.Admin}, by("b"), true},
		{auth.Principal{Role: auth.Admin}, by(""), true},
		{auth.Principal{ID: "a", Role: auth.Pusher}, by("a"), true},
		{auth.Principal{ID: "b", Name: "a", Role: auth.Pusher}, by("a"), false},
		{auth.Principal{Role: auth.Pusher}, by(""), false},
		{auth.Principal{ID: "a", Role: auth.Reader}, by("a"), false},
	} {
		if got := mayTakeBack(test.who, test.e); got != test.want {
			t.Errorf("%+v of %q: %v", test.who, test.e.Origin.ID, got)
		}
	}
}
