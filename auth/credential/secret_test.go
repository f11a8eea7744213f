package credential

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestASecretEqualsOnlyItself(t *testing.T) {
	for _, test := range []struct {
		name, secret, given string
		want                bool
	}{
		{"the same", "s3cret", "s3cret", true},
		{"with colons and UTF-8", "s3cret:ü:", "s3cret:ü:", true},
		{"another", "s3cret", "s3creT", false},
		{"a part", "s3cret", "s3cre", false},
		{"more", "s3cret", "s3cret ", false},
		{"nothing given", "s3cret", "", false},
		{"not set", "", "s3cret", false},
		{"not set and nothing given", "", "", false},
	} {
		if got := NewSecret(test.secret).Equals(test.given); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if (Secret{}).Equals(strings.Repeat("\x00", 32)) || (Secret{}).Equals("") {
		t.Error("something equals the zero secret")
	}
}

func TestASecretKnowsWhetherItIsSet(t *testing.T) {
	if NewSecret("").IsSet() || (Secret{}).IsSet() || !NewSecret("x").IsSet() {
		t.Error("want only x set")
	}
	x, again := NewSecret("x"), NewSecret("x")
	if NewSecret("") != (Secret{}) || x != again || x == NewSecret("y") {
		t.Error("secrets cannot be compared")
	}
}

// wantForgotten looks for plaintexts in all that can be reached from values.
func wantForgotten(t *testing.T, plaintexts []string, values ...any) {
	t.Helper()
	var all bytes.Buffer
	for _, v := range values {
		fmt.Fprintf(&all, "%#v\n%+v\n", v, v)
		gather(&all, reflect.ValueOf(v), map[uintptr]bool{})
	}
	for _, p := range plaintexts {
		if strings.Contains(all.String(), p) {
			t.Errorf("%q is kept", p)
		}
	}
}

// gather writes all strings and bytes below v.
func gather(w *bytes.Buffer, v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.String:
		w.WriteString(v.String() + "\n")
	case reflect.Uint8:
		w.WriteByte(byte(v.Uint()))
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Pointer()] {
			seen[v.Pointer()] = true
			gather(w, v.Elem(), seen)
		}
	case reflect.Interface:
		gather(w, v.Elem(), seen)
	case reflect.Struct:
		for i := range v.NumField() {
			gather(w, v.Field(i), seen)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			gather(w, v.Index(i), seen)
		}
		w.WriteByte('\n')
	case reflect.Map:
		for _, key := range v.MapKeys() {
			gather(w, key, seen)
			gather(w, v.MapIndex(key), seen)
		}
	}
}

func TestASecretDoesNotKeepItsPlaintext(t *testing.T) {
	s := NewSecret("correct horse battery")
	s.Equals("wrong horse battery")
	wantForgotten(t, []string{"correct horse", "wrong horse"}, s, &s)
}
