package pages

import (
	"bytes"
	pixels "image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// screenshots is where the README's pictures are. `go tool task screenshots`
// has them taken anew.
const screenshots = ".github/screenshots"

func TestTheReadmeShowsThePagesAsTheyAre(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(harness.Root, "README.md"))
	harness.Must(t, err)
	s := harness.StartScene(t)
	grouping := func(b *harness.Tab) string {
		b.Open(s.URL + "/?q=backup+db-2+prod")
		return b.Run(`document.querySelector("a.open").getAttribute("href")`)
	}
	for name, shot := range map[string]struct {
		scheme string
		where  func(*harness.Tab) string
	}{
		"groupings": {"light", func(*harness.Tab) string { return "/?sort=-last_push&rows=50" }},
		"grouping":  {"dark", grouping},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := harness.StartWholeBrowser(t)
			b.Looks(1280, shot.scheme)
			b.Open(s.URL + shot.where(b))
			b.Run(`document.fonts.ready.then(() => "ready")`)
			taken := b.Picture()
			if os.Getenv("TAKE_SCREENSHOTS") != "" {
				harness.Must(t, os.MkdirAll(filepath.Join(harness.Root, screenshots), 0o755))
				harness.Must(t, os.WriteFile(filepath.Join(harness.Root, screenshots, name+".png"), taken, 0o644))
			}
			kept, err := os.ReadFile(filepath.Join(harness.Root, screenshots, name+".png"))
			harness.Must(t, err)
			if !strings.Contains(string(readme), screenshots+"/"+name+".png") {
				t.Error("the README does not show it")
			}
			now, then := decoded(t, taken), decoded(t, kept)
			if now.Bounds() != then.Bounds() {
				t.Errorf("it is %v, the README's %v", now.Bounds(), then.Bounds())
			}
			if n := colours(now); n < 50 {
				t.Errorf("it has only %d colours", n)
			}
			if share := sameness(now, then); share < 0.7 {
				t.Errorf("only %.0f %% of it are as in the README: take it anew", share*100)
			}
		})
	}
}

func decoded(t *testing.T, picture []byte) pixels.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(picture))
	harness.Must(t, err)
	return m
}

func colours(m pixels.Image) int {
	seen := map[color.Color]bool{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			seen[m.At(x, y)] = true
		}
	}
	return len(seen)
}

// sameness is the share of pixels that two pictures of one size have in common.
func sameness(a, b pixels.Image) float64 {
	if a.Bounds() != b.Bounds() {
		return 0
	}
	same, all := 0, 0
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if all++; a.At(x, y) == b.At(x, y) {
				same++
			}
		}
	}
	return float64(same) / float64(all)
}
