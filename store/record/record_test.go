package record

import (
	"bytes"
	"testing"
)

func TestAPushIsAppendedAsAHistoryHasIt(t *testing.T) {
	for _, push := range [][]byte{{}, []byte("x"), bytes.Repeat([]byte("y"), 200)} {
		want := Append([]byte("before"), &History{Push: [][]byte{push}})
		if got := AppendPush([]byte("before"), push); !bytes.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", push, got, want)
		}
	}
}
