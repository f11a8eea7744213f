package web

import (
	"testing"

	"gatehouse/store"
)

func TestTheMethodIsSaidInAWord(t *testing.T) {
	for _, test := range []struct {
		o    store.Origin
		want string
	}{
		{store.Origin{By: "ana", Via: "session"}, "session"},
		{store.Origin{By: "ana", Via: "jwt"}, "JWT"},
		{store.Origin{By: "ana", Via: "oidc"}, "OpenID provider"},
		{store.Origin{By: "localhost", Via: "localhost"}, ""},
		{store.Origin{By: "scrape key", Via: "scrape_key"}, ""},
		{store.Origin{Via: "none"}, ""},
		{store.Origin{Via: "<b>"}, ""},
		{store.Origin{}, ""},
	} {
		if got := Client(test.o).Via; got != test.want {
			t.Errorf("%+v: %q, want %q", test.o, got, test.want)
		}
	}
}
