package activity

import (
	"os"
	"strings"
	"testing"
	"time"

	"gatehouse/views/ui"
)

func TestEntriesArePutIntoWords(t *testing.T) {
	for _, test := range []struct {
		e                    Entry
		who, subject, amount string
	}{
		{Entry{Kind: "delete", Client: ui.Client{By: "ana", From: "10.0.0.1"}, What: `{job="x"}`, Count: 1}, "ana", `{job="x"}`, ""},
		{Entry{Kind: "delete", Client: ui.Client{From: "10.0.0.1"}, What: `{job="x"}`, Count: 1030}, "10.0.0.1", `{job="x"}`, "1,030 groupings"},
		{Entry{Kind: "wipe", Client: ui.Client{By: "ana"}, Count: 1}, "ana", "everything", "1 grouping"},
		{Entry{Kind: "expiry", What: `{job="x"}`, First: true, Count: 1}, "the server", `{job="x"}`, ""},
		{Entry{Kind: "expiry", What: `{job="x"}`, First: true, Count: 12}, "the server", `{job="x"}`, "and 11 more"},
		{Entry{Kind: "expiry", Count: 12}, "the server", "groupings that were not pushed in time", "12 groupings"},
		{Entry{Kind: "undo", Client: ui.Client{By: "ana"}, What: `{job="x"}`, Count: 1}, "ana", `{job="x"}`, "1 grouping restored"},
		{Entry{Kind: "undo", Client: ui.Client{By: "ana"}, Count: 2}, "ana", "a wipe or an expiry", "2 groupings restored"},
		{Entry{Kind: "refusal", Client: ui.Client{By: "ci"}, What: `{job="x"}`, Count: 1}, "ci", `{job="x"}`, ""},
		{Entry{Kind: "refusal", Count: 1200}, "several clients", "several groupings", "1,200 pushes within a minute"},
		{Entry{Kind: "denial", Client: ui.Client{From: "10.0.0.1"}, What: "GET /metrics", Count: 1}, "10.0.0.1", "GET /metrics", ""},
		{Entry{Kind: "denial", Client: ui.Client{By: "rita", From: "10.0.0.1"}, What: "PUT /x", Count: 7}, "rita", "PUT /x", "7 requests within a minute"},
		{Entry{Kind: "denial", Count: 9000}, "several clients", "various requests", "9,000 requests"},
		{Entry{Kind: "import", Client: ui.Client{By: "ana"}, Count: 1}, "ana", "a Pushgateway persistence file", "1 grouping"},
		{Entry{Kind: "sign_in", Client: ui.Client{By: "ana"}, Count: 1}, "ana", "", ""},
		{Entry{Kind: "sign_out", Client: ui.Client{By: "ana"}, What: "ben", Count: 1}, "ana", "ben", ""},
		{Entry{Kind: "sign_out", Count: 3}, "the server", "", "3 sessions"},
		{Entry{Kind: "token_revoke", Client: ui.Client{By: "ana"}, What: "ci …abcd", Count: 1}, "ana", "ci …abcd", ""},
	} {
		if w, s, a := test.e.who(), test.e.subject(), test.e.amount(); w != test.who || s != test.subject || a != test.amount {
			t.Errorf("%+v: %q %q %q", test.e, w, s, a)
		}
	}
	styles, err := os.ReadFile("../../static/src/app.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"delete", "wipe", "expiry", "undo", "import", "refusal", "denial", "sign_in", "sign_out", "token_create", "token_rotate", "token_revoke"} {
		if kindWord(kind) == "" {
			t.Errorf("no word for %s", kind)
		}
		if kind != "delete" && !strings.Contains(string(styles), ".event-"+kind+"::before {") { // which has the usual mark
			t.Errorf("no mark for %s", kind)
		}
	}
}

func TestTheTimeLeftIsRounded(t *testing.T) {
	now := time.Now()
	for d, want := range map[time.Duration]string{-time.Hour: "less than a minute left", time.Second: "less than a minute left", time.Minute: "1 m left", 24 * time.Hour: "1 d left"} {
		if got := left(now.Add(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
