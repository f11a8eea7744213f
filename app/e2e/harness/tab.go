package harness

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Tab is a tab of a browser of its own. What the functions here lack is done
// with chromedp and its context.
type Tab struct {
	T   *testing.T
	Ctx context.Context

	mu       sync.Mutex
	requests map[network.RequestID]string // METHOD URL
	statuses map[network.RequestID]int
}

// StartBrowser runs Chromium's headless shell, with more flags given as name=value. It
// takes half of the time that the whole Chromium takes.
func StartBrowser(t *testing.T, flags ...string) *Tab {
	t.Helper()
	return StartBrowserFor(t, 3*Patience, flags...)
}

// StartBrowserFor is StartBrowser for a test that takes longer.
func StartBrowserFor(t *testing.T, bound time.Duration, flags ...string) *Tab {
	t.Helper()
	return startBrowser(t, "chromium-headless-shell", bound, flags...)
}

// StartWholeBrowser runs the whole Chromium without a window. Other than the headless
// shell it hides tabs behind others, and restores pages from memory on the way back.
func StartWholeBrowser(t *testing.T, flags ...string) *Tab {
	t.Helper()
	return startBrowser(t, "chromium", 3*Patience, flags...)
}

func startBrowser(t *testing.T, program string, bound time.Duration, flags ...string) *Tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(Tool(t, program)))
	for _, flag := range flags {
		name, value, _ := strings.Cut(flag, "=")
		options = append(options, chromedp.Flag(name, value))
	}
	// The test's own context ends before its cleanup, which needs the browser.
	bounded, release := context.WithTimeout(context.Background(), bound)
	allocator, _ := chromedp.NewExecAllocator(bounded, options...)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		defer release()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("ending the browser: %v", err)
		}
	})
	b := &Tab{T: t, Ctx: ctx, requests: map[network.RequestID]string{}, statuses: map[network.RequestID]int{}}
	Must(t, chromedp.Listen(ctx, b.heard))
	return b
}

// heard keeps what the network did. The status comes as the server sent it, also
// where the page must not know it.
func (b *Tab) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests[e.RequestID] = e.Request.Method + " " + e.Request.URL
	case *network.EventResponseReceivedExtraInfo:
		b.statuses[e.RequestID] = int(e.StatusCode)
	}
}

// Answered waits for the status of the answer to a request of the browser.
func (b *Tab) Answered(method, url string) (status int) {
	b.T.Helper()
	Until(b.T, "an answer to "+method+" "+url, func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		for id, request := range b.requests {
			if found, done := b.statuses[id]; done && request == method+" "+url {
				status = found
				return ""
			}
		}
		return fmt.Sprintf("answers so far: %v of %v", b.statuses, b.requests)
	})
	return status
}

// Sent returns the requests that the browser has made so far, each as METHOD URL.
func (b *Tab) Sent() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.requests))
}

// Open goes to a page.
func (b *Tab) Open(url string) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		b.T.Fatalf("%s: %v", url, err)
	}
}

// Arrives waits until a page is there to which a script has led.
func (b *Tab) Arrives(url string) {
	b.T.Helper()
	Until(b.T, "the browser to arrive at "+url, func() string {
		at, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string](`document.readyState + " " + location.href`))
		if err != nil { // between two pages
			return err.Error()
		}
		if at != "complete "+url {
			return at
		}
		return ""
	})
}

// Run runs a script in the page and returns the text that it ends with or
// promises.
func (b *Tab) Run(script string) string {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, Patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.T.Fatalf("%s: %v", script, err)
	}
	return text
}

// Click presses the mouse in the middle of an element, whatever lies on top of
// it there.
func (b *Tab) Click(selector string, options ...chromedp.MouseOption) {
	b.T.Helper()
	at := b.Run(fmt.Sprintf(`{
		const e = document.querySelector(%q);
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect();
		[r.x + r.width / 2, r.y + r.height / 2].join(" ")
	}`, selector))
	first, second, _ := strings.Cut(at, " ")
	x, err := strconv.ParseFloat(first, 64)
	Must(b.T, err)
	y, err := strconv.ParseFloat(second, 64)
	Must(b.T, err)
	ctx, cancel := context.WithTimeout(b.Ctx, Patience)
	defer cancel()
	Must(b.T, chromedp.Do(ctx, chromedp.MouseClickXY(x, y, options...)))
}

// Press presses keys, one after the other. What a key writes comes with it, as
// it does from a keyboard, so that a page can prevent it.
func (b *Tab) Press(keys ...string) {
	b.T.Helper()
	for _, key := range strings.Join(keys, "") {
		events := kb.Encode(key)
		down, up := *events[0], *events[len(events)-1]
		if len(events) == 3 {
			down.Text = events[1].Text
		}
		for _, event := range []input.DispatchKeyEventParams{down, up} {
			_, err := chromedp.Call(b.Ctx, input.DispatchKeyEvent, event)
			Must(b.T, err)
		}
	}
}

// Relaxed has pages run every script: as if an attacker had sent them.
func (b *Tab) Relaxed() *Tab {
	b.T.Helper()
	_, err := chromedp.Call(b.Ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
	Must(b.T, err)
	return b
}

// Sends has every request carry a header, like a password that the browser
// remembers.
func (b *Tab) Sends(name, value string) {
	b.T.Helper()
	_, err := chromedp.Call(b.Ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{name: value}})
	Must(b.T, err)
}

// Calm has pages change at once: while one fades into the next, clicks are lost.
func (b *Tab) Calm() *Tab {
	b.T.Helper()
	_, err := chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
	Must(b.T, err)
	return b
}

// Beside opens another tab in the window of b, which is hidden then.
func (b *Tab) Beside() *Tab {
	b.T.Helper()
	ctx, cancel := chromedp.NewContext(b.Ctx, chromedp.WithNewWindow(false))
	b.T.Cleanup(cancel)
	next := &Tab{T: b.T, Ctx: ctx, requests: map[network.RequestID]string{}, statuses: map[network.RequestID]int{}}
	Must(b.T, chromedp.Listen(ctx, next.heard))
	return next
}

// Front brings the tab to the front of its window.
func (b *Tab) Front() {
	b.T.Helper()
	_, err := chromedp.Call(b.Ctx, page.BringToFront, cdp.Empty{})
	Must(b.T, err)
}

// Keys that have no letter.
const (
	EnterKey  = "\r"
	EscapeKey = "\u001b"
)

// Strictly notes down what the pages' policy forbids and every error of a
// script, from the first moment of each page on.
func (b *Tab) Strictly() *Tab {
	b.T.Helper()
	_, err := chromedp.Call(b.Ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.complaints = [];
		addEventListener("securitypolicyviolation", e => complaints.push(e.violatedDirective + " " + e.blockedURI));
		addEventListener("error", e => complaints.push(e.message ?? "a file is missing"), true);
		addEventListener("unhandledrejection", e => complaints.push(String(e.reason)));
	`})
	Must(b.T, err)
	return b
}

// Looks sets the size of the window and the colours that the user likes.
func (b *Tab) Looks(width int64, scheme string) {
	b.T.Helper()
	_, err := chromedp.Call(b.Ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
	Must(b.T, err)
	_, err = chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"}, // while one page fades into the next, clicks are lost
	}})
	Must(b.T, err)
}

// Another is the same browser in the hands of somebody else, who shares no
// cookie with the first, for a part of the test.
func (b *Tab) Another(t *testing.T) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.Ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	next := &Tab{T: t, Ctx: ctx, requests: map[network.RequestID]string{}, statuses: map[network.RequestID]int{}}
	Must(t, chromedp.Listen(ctx, func(event any) {
		next.heard(event)
		if dialog, opened := event.(*page.EventJavascriptDialogOpening); opened {
			t.Errorf("%s opens a dialog: %s", dialog.URL, dialog.Message)
		}
	}))
	return next.Strictly().Calm()
}

// Cookies returns those that the page would send. None may ever be logged.
func (b *Tab) Cookies() map[string]*network.Cookie {
	b.T.Helper()
	found, err := chromedp.Call(b.Ctx, network.GetCookies, network.GetCookiesParams{})
	Must(b.T, err)
	named := map[string]*network.Cookie{}
	for _, c := range found.Cookies {
		named[c.Name] = c
		if len(c.Value) >= 16 {
			KeepSecret("a cookie "+c.Name, c.Value)
		}
	}
	return named
}

// Picture takes a picture of what the tab shows.
func (b *Tab) Picture() []byte {
	b.T.Helper()
	r, err := chromedp.Call(b.Ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	Must(b.T, err)
	return r.Data
}
