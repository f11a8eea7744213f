package web

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/views/ui"
)

// pagePolicy lets a page load files of this server, and nothing else: no inline
// script or style.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// Frame returns the frame around the content of a page.
func (s *Site) Frame(c *fiber.Ctx, title, section string) ui.Frame {
	p, version := guard.Principal(c), s.Version
	if p.WriteOnly {
		version = "" // is not for strangers
	}
	f := ui.Frame{
		Prefix: s.PublicPrefix, Title: title, Section: section, Now: s.Store.Now(), Version: version,
		User: ui.User{
			Name: p.Name, Role: p.Role.String(), SignedIn: p.Scheme == auth.SessionCookie,
			SignInURL: s.signInURL(c, p.Scheme),
			MayPush:   p.Role.May(auth.Push) || s.Guard.Access() == guard.KeyOnly,
			MayDelete: p.Role.May(auth.Amend), MayAdminister: p.Role.May(auth.Administer),
		},
		Open:        p.Scheme == auth.Anonymous && p.Role == auth.Admin,
		DataVersion: c.GetRespHeader(versionHeader),
		Settings:    ReadSettings(c),
	}
	if text := s.Guard.Exposure(guard.Everyone); text != "" && p.Role != auth.NoRole {
		f.Exposure = text + "."
	}
	for _, standing := range s.Guard.Standings() {
		if standing.Admin && p.MayRead() {
			f.AllAdmin = append(f.AllAdmin, standing.Sentence+".")
		}
	}
	return f
}

// Page answers with a page, or with the fragment of it that htmx asks for.
func (s *Site) Page(c *fiber.Ctx, status int, page templ.Component) error {
	return s.Fragment(c, status, page, FragmentOf(c))
}

// Toast answers htmx with a message in the corner, whatever it wanted to
// replace.
func (s *Site) Toast(c *fiber.Ctx, status int, t ui.Toast) error {
	c.Set("HX-Retarget", "#toasts")
	c.Set("HX-Reswap", "beforeend")
	return s.Fragment(c, status, ui.ToastPart(t), "")
}

// Fragment answers with a part of a page; "": all of it.
func (s *Site) Fragment(c *fiber.Ctx, status int, page templ.Component, name string) error {
	var b bytes.Buffer
	ctx, render := ui.WithSettings(context.Background(), ReadSettings(c)), page.Render
	if name != "" {
		render = func(ctx context.Context, w io.Writer) error { return templ.RenderFragments(ctx, w, page, name) }
	}
	if err := render(ctx, &b); err != nil {
		return err
	}
	c.Status(status)
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	c.Set(fiber.HeaderContentSecurityPolicy, pagePolicy)
	// With no-referrer browsers would send forms without their origin.
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	// Windows of other sites keep no hold of one with a page of ours.
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set(fiber.HeaderVary, "Accept, HX-Request, HX-Request-Type, HX-Target, Accept-Encoding")
	if c.GetRespHeader(fiber.HeaderCacheControl) == "" {
		c.Set(fiber.HeaderCacheControl, AskAgain)
	}
	coding := NegotiateCoding(c)
	if coding == "" {
		return c.Send(b.Bytes())
	}
	c.Set(fiber.HeaderContentEncoding, coding)
	w := Compress(c.Response().BodyWriter(), coding)
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	return w.Close()
}

// MaxAddress bounds addresses that are part of a header: proxies pass on answers
// with 4 KiB of headers, as a rule, and no longer ones.
const MaxAddress = 2 << 10

// PushURL has the browser show an address together with the part of a page that
// htmx asks for. It goes on showing the one before if that is too long.
func PushURL(c *fiber.Ctx, address string) {
	if FragmentOf(c) != "" && !isCurrent(c, address) && len(address) <= MaxAddress {
		c.Set("HX-Push-Url", address)
	}
}

// isCurrent reports whether the browser shows an address already.
func isCurrent(c *fiber.Ctx, address string) bool {
	u, err := url.Parse(c.Get("HX-Current-URL"))
	return err == nil && u.RequestURI() == address
}

// FragmentOf is the part of the page that htmx asks for, by the element that it
// is going to replace; "": the whole page.
func FragmentOf(c *fiber.Ctx) string {
	if !IsPartial(c) || c.Get("HX-History-Restore-Request") != "" {
		return ""
	}
	_, id, _ := strings.Cut(c.Get("HX-Target"), "#")
	return id
}

// IsPartial reports whether htmx asks, for a part of a page that is open.
func IsPartial(c *fiber.Ctx) bool { return c.Get("HX-Request-Type") == "partial" }

// AcceptsPage reports whether the client shows pages.
func AcceptsPage(c *fiber.Ctx) bool {
	return strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML)
}

// WantsPage reports whether a browser shows the answer to a person, wherever the
// request leads.
func (s *Site) WantsPage(c *fiber.Ctx) bool {
	k := s.Known.KindOf(c.Path())
	return (k == Page || k == Plain) && AcceptsPage(c)
}

// RemovalAnswer answers with a question before a delete, as a page or in the
// dialog of the page that is open.
func (s *Site) RemovalAnswer(c *fiber.Ctx, status int, page templ.Component) error {
	if IsPartial(c) {
		return s.Fragment(c, status, page, "dialog")
	}
	return s.Fragment(c, status, page, "")
}
