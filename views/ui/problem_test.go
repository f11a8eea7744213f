package ui

import "testing"

func TestAPageOfAProblemSaysWhenToTryAgain(t *testing.T) {
	for _, test := range []struct {
		p    Problem
		want string
	}{
		{Problem{}, ""},
		{Problem{Retry: 1}, "It may work in 1 second."},
		{Problem{Retry: 60}, "It may work in 60 seconds."},
		{Problem{Retry: 5, Frame: Frame{Reload: 5}}, "This page asks again in 5 seconds."},
	} {
		if got := test.p.retry(); got != test.want {
			t.Errorf("%+v: %q", test.p, got)
		}
	}
}
