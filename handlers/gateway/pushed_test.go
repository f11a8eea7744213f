package gateway

import (
	"math"
	"testing"
)

func TestBoundsOfNativeBucketsArePowersOfTwoWhereTheyShouldBe(t *testing.T) {
	for schema := int32(-4); schema <= 8; schema++ {
		for exponent := -20; exponent <= 20; exponent++ {
			index := exponent
			if schema >= 0 {
				index <<= schema
			} else if exponent%(1<<-schema) != 0 {
				continue
			} else {
				index >>= -schema
			}
			if got, want := nativeBound(schema, index), math.Ldexp(1, exponent); got != want {
				t.Errorf("schema %d, index %d: got %v, want %v", schema, index, got, want)
			}
		}
	}
	if got := nativeBound(3, 1); math.Abs(got-1.0905077326652577) > 1e-15 {
		t.Errorf("got %v", got)
	}
}
