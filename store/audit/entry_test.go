package audit

import (
	"testing"
	"time"
)

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	want := Entry{
		Operation: "op", Kind: Refusal, At: time.Unix(1, 5), Origin: Origin{"me", "::1", "session", "user:me"}, What: "{}", Count: 3, Undoes: "other",
		Reason: "path", Message: "why",
	}
	if got, err := Decode("op", want.Encode()); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}
