package guard

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
)

// Host is the host that a request asks by its header; "" if it names none.
// Nothing that the target says counts.
func Host(c *fiber.Ctx) string {
	if host := string(c.Request().Header.Host()); host != NoHost {
		return host
	}
	return ""
}

// Address is the client's: the other end of the connection, or what trusted
// proxies report. It is not valid where a connection has none, as by a Unix socket.
func (g *Guard) Address(c *fiber.Ctx) netip.Addr {
	peer, trusted := g.peer(c)
	if len(trusted) == 0 || !trusted.Contain(peer) {
		return peer
	}
	client := auth.ClientAddress(peer, linesOf(c, fiber.HeaderXForwardedFor), trusted)
	if client == socketPeer {
		return netip.Addr{}
	}
	return client
}

// outside reports whether a list of addresses keeps a client out. No list keeps out
// nobody; a client that a trusted proxy hides is on none.
func (g *Guard) outside(c *fiber.Ctx, list auth.Prefixes) bool {
	return len(list) > 0 && (g.hidden(c) || !list.Contain(g.Address(c)))
}

// hidden reports whether a trusted proxy says no address of the client.
func (g *Guard) hidden(c *fiber.Ctx) bool {
	peer, trusted := g.peer(c)
	return len(trusted) > 0 && auth.HidesClient(peer, linesOf(c, fiber.HeaderXForwardedFor), trusted)
}

var errHidden = errors.New("a trusted proxy forwards no address")

// warnOfHidden logs, once a minute for each proxy, that the proxy counts as the client.
func (g *Guard) warnOfHidden(c *fiber.Ctx) {
	if !g.hidden(c) || !g.isNew(incident{from: g.Address(c), reason: errHidden}) {
		return
	}
	hops := strings.Join(linesOf(c, fiber.HeaderXForwardedFor), ", ")
	g.Logger.Warn("A trusted proxy forwards what is no address: it counts as the client itself",
		"proxy", cmp.Or(g.AddressText(c), "unknown"), "x_forwarded_for", shortened(hops[max(0, len(hops)-256):]))
}

// peer is the other end of the connection, and which proxies are trusted there.
func (g *Guard) peer(c *fiber.Ctx) (netip.Addr, auth.Prefixes) {
	if g.TrustSockets && bySocket(c) {
		return socketPeer, append(g.Trusted[:len(g.Trusted):len(g.Trusted)], netip.PrefixFrom(socketPeer, socketPeer.BitLen()))
	}
	return tcpAddress(c.Context().RemoteAddr()).Addr(), g.Trusted
}

// bySocket reports whether a request came by a Unix socket.
func bySocket(c *fiber.Ctx) bool {
	_, ok := c.Context().RemoteAddr().(*net.UnixAddr)
	return ok
}

// SchemeOfURL is how the client reaches the server, or the trusted proxy before
// it: http or https.
func (g *Guard) SchemeOfURL(c *fiber.Ctx) string {
	peer, trusted := g.peer(c)
	scheme, ok := auth.ClientScheme(peer, linesOf(c, fiber.HeaderXForwardedFor), linesOf(c, fiber.HeaderXForwardedProto), trusted)
	switch {
	case ok:
		return scheme
	case c.Context().IsTLS():
		return "https"
	}
	return "http"
}

// linesOf are the values of all headers of that name.
func linesOf(c *fiber.Ctx, name string) []string {
	var lines []string
	for _, line := range c.Request().Header.PeekAll(name) {
		lines = append(lines, string(line))
	}
	return lines
}

// AddressText is Address for people and for the record: "unix" for a client of
// which no more is known than that it came by a Unix socket, "" where nothing is.
func (g *Guard) AddressText(c *fiber.Ctx) string {
	switch a := g.Address(c); {
	case a.IsValid():
		return a.String()
	case bySocket(c):
		return "unix"
	}
	return ""
}

// tcpAddress gives IPv4 addresses one form. It is not valid for what is no TCP
// address.
func tcpAddress(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
