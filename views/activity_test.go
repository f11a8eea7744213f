package views

import (
	"testing"
	"time"
)

func TestEntriesArePutIntoWords(t *testing.T) {
	for _, test := range []struct {
		e                    Entry
		who, subject, amount string
	}{
		{Entry{Kind: "delete", By: "ana", From: "10.0.0.1", What: `{job="x"}`, Count: 1}, "ana", `{job="x"}`, ""},
		{Entry{Kind: "delete", From: "10.0.0.1", What: `{job="x"}`, Count: 1030}, "10.0.0.1", `{job="x"}`, "1,030 groupings"},
		{Entry{Kind: "wipe", By: "ana", Count: 1}, "ana", "everything", "1 grouping"},
		{Entry{Kind: "expiry", What: `{job="x"}`, First: true, Count: 1}, "the server", `{job="x"}`, ""},
		{Entry{Kind: "expiry", What: `{job="x"}`, First: true, Count: 12}, "the server", `{job="x"}`, "and 11 more"},
		{Entry{Kind: "expiry", Count: 12}, "the server", "what nobody had pushed in time", "12 groupings"},
		{Entry{Kind: "undo", By: "ana", What: `{job="x"}`, Count: 1}, "ana", `{job="x"}`, "1 grouping back"},
		{Entry{Kind: "undo", By: "ana", Count: 2}, "ana", "what was wiped or had expired", "2 groupings back"},
		{Entry{Kind: "refusal", By: "ci", What: `{job="x"}`, Count: 1}, "ci", `{job="x"}`, ""},
		{Entry{Kind: "refusal", By: "ci", Count: 1200}, "ci", "several groupings", "1,200 pushes within a minute"},
	} {
		if w, s, a := test.e.who(), test.e.subject(), test.e.amount(); w != test.who || s != test.subject || a != test.amount {
			t.Errorf("%+v: %q %q %q", test.e, w, s, a)
		}
	}
	for _, kind := range []string{"delete", "wipe", "expiry", "undo", "refusal"} {
		if kindWord(kind) == "" {
			t.Errorf("no word for %s", kind)
		}
	}
}

func TestTheTimeThatIsLeftIsToldRoughly(t *testing.T) {
	now := time.Now()
	for d, want := range map[time.Duration]string{-time.Hour: "moments left", time.Second: "moments left", time.Minute: "1 m left", 24 * time.Hour: "1 d left"} {
		if got := left(now.Add(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
