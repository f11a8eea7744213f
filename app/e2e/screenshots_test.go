package e2e

import (
	"bytes"
	pixels "image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// screenshots is where the README's pictures are. `go tool task screenshots`
// has them taken anew.
const screenshots = ".github/screenshots"

// picture takes a picture of what the tab shows.
func (b *tab) picture() []byte {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	must(b.t, err)
	return r.Data
}

func TestTheReadmeShowsThePagesAsTheyAre(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	must(t, err)
	s := startScene(t)
	grouping := func(b *tab) string {
		b.open(s.url + "/?q=backup+db-2+prod")
		return b.run(`document.querySelector("a.open").getAttribute("href")`)
	}
	for name, shot := range map[string]struct {
		scheme string
		where  func(*tab) string
	}{
		"groupings": {"light", func(*tab) string { return "/?sort=-last_push&rows=50" }},
		"grouping":  {"dark", grouping},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := browser(t)
			b.looks(1280, shot.scheme)
			b.open(s.url + shot.where(b))
			b.run(`document.fonts.ready.then(() => "ready")`)
			taken := b.picture()
			if os.Getenv("TAKE_SCREENSHOTS") != "" {
				must(t, os.MkdirAll(filepath.Join(root, screenshots), 0o755))
				must(t, os.WriteFile(filepath.Join(root, screenshots, name+".png"), taken, 0o644))
			}
			kept, err := os.ReadFile(filepath.Join(root, screenshots, name+".png"))
			must(t, err)
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
	must(t, err)
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
