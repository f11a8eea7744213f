package ui

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
)

// shell is an empty page.
func shell(t *testing.T, f Frame) string {
	t.Helper()
	var b strings.Builder
	if err := Shell(f).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOnlyPagesThatFollowHaveASwitchForIt(t *testing.T) {
	parts := []string{`id="live"`, `data-live-switch`, `id="news"`, `hx-sse:connect`}
	still := shell(t, Frame{Prefix: "/pg"})
	live := shell(t, Frame{Prefix: "/pg", Live: "results", DataVersion: "e.7"})
	for _, part := range parts {
		if strings.Contains(still, part) || !strings.Contains(live, part) {
			t.Errorf("%s is in\n%s\nand not in\n%s", part, still, live)
		}
	}
	for _, want := range []string{`data-live="results"`, `data-seen="e.7"`, `hx-sse:connect="/pg/events?seen=e.7"`, `aria-pressed="true"`, `<kbd>r</kbd>`, `>live</button>`} {
		if !strings.Contains(live, want) {
			t.Errorf("%s is not in\n%s", want, live)
		}
	}
	paused := shell(t, Frame{Live: "results", Settings: Settings{Still: true, Keyless: true}})
	for _, want := range []string{`aria-pressed="false"`, `>paused</button>`, "Shortcuts are turned off"} {
		if !strings.Contains(paused, want) {
			t.Errorf("%s is not in\n%s", want, paused)
		}
	}
	if strings.Contains(paused, ` · show <kbd>`) {
		t.Error("a key is offered that does nothing")
	}
}

func TestTheHelpListsTheKeysThatTheScriptKnows(t *testing.T) {
	script, err := os.ReadFile("../../static/src/keys.js")
	if err != nil {
		t.Fatal(err)
	}
	text := string(script)
	_, actions, _ := strings.Cut(text, "const actions = {")
	actions, places, _ := strings.Cut(actions, "const places = {")
	places, _, _ = strings.Cut(places, "}")
	help := shell(t, Frame{})
	listed := 0
	for _, s := range shortcuts {
		keys := s.pressed()
		key := strings.Replace(keys[len(keys)-1], "Esc", "Escape", 1)
		known := actions
		if len(keys) > 1 {
			known = places
		}
		switch {
		case key == "Enter": // the browser's own
			continue
		case !strings.Contains(known, key+": ") && !strings.Contains(known, "'"+key+"': "):
			t.Errorf("the script does not know %s", s.keys)
		}
		listed++
		if !strings.Contains(help, "<kbd>"+keys[0]+"</kbd>") || !strings.Contains(help, s.does) {
			t.Errorf("%s is not listed", s.keys)
		}
	}
	// All but g, which begins others.
	known := len(regexp.MustCompile(`(?m)^\t\t\S+: `).FindAllString(actions, -1)) - 1 + strings.Count(places, ":")
	if listed != known {
		t.Errorf("%d keys are listed, the script knows %d", listed, known)
	}
}
