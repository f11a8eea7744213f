package auth

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// Prefixes are ranges of addresses. They are safe for concurrent use.
type Prefixes []netip.Prefix

// ParsePrefixes parses CIDRs and single addresses. An IPv4 range that is
// written as IPv6 becomes IPv4. The error names the wrong value.
func ParsePrefixes(list []string) (Prefixes, error) {
	prefixes := make(Prefixes, 0, len(list))
	for _, s := range list {
		p, ok := parsePrefix(s)
		if !ok {
			return nil, fmt.Errorf("expected an address or a range such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32, not %q", s)
		}
		prefixes = append(prefixes, p)
	}
	return prefixes, nil
}

func parsePrefix(s string) (p netip.Prefix, ok bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		unmapped := addr.Unmap()
		return netip.PrefixFrom(unmapped, unmapped.BitLen()), addr.Zone() == ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, false
	}
	if p.Addr().Is4In6() {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), p.IsValid()
}

// Contain reports whether an address lies in one of the ranges. An IPv4 address
// that is written as IPv6 counts as IPv4, and a zone does not matter. No IPv4
// address lies in an IPv6 range, not even in ::/0.
func (p Prefixes) Contain(a netip.Addr) bool {
	a = plain(a)
	return slices.ContainsFunc(p, func(p netip.Prefix) bool { return p.Contains(a) })
}

// plain is the one spelling of an address that we compare.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// maxHops is the maximum number of hops that are believed.
const maxHops = 100

// ClientAddress is where a request comes from: the peer, or while that is a
// trusted proxy, what it says in X-Forwarded-For about where it had it from.
// The lines of that header are given in the order in which they came. Every
// hop is appended to them on its way, so they are read from their end; what is
// left of the first hop that is not trusted may be made up, and is not looked
// at. A proxy whose hop makes no sense is taken for the client. The answer has
// no zone, and is never IPv4 written as IPv6.
func ClientAddress(peer netip.Addr, forwardedFor []string, trusted Prefixes) netip.Addr {
	client, _, _ := follow(peer, forwardedFor, trusted)
	return client
}

// HidesClient reports whether ClientAddress is that of a trusted proxy because the hop
// that it has added is no address, such as "unknown": the client can be anywhere.
func HidesClient(peer netip.Addr, forwardedFor []string, trusted Prefixes) bool {
	_, _, hidden := follow(peer, forwardedFor, trusted)
	return hidden
}

// follow is ClientAddress and HidesClient, with the number of hops that were believed.
func follow(peer netip.Addr, forwardedFor []string, trusted Prefixes) (client netip.Addr, hops int, hidden bool) {
	client = plain(peer)
	for hop := range fromTheEnd(forwardedFor) {
		if hops == maxHops || !trusted.Contain(client) {
			break
		}
		addr, ok := parseHop(hop)
		if !ok {
			return client, hops, strings.Trim(hop, " \t") != ""
		}
		client = addr
		hops++
	}
	return client, hops, false
}

// fromTheEnd yields the elements of lines that are lists with commas, the last
// one first.
func fromTheEnd(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range slices.Backward(lines) {
			for more := true; more; {
				var last string
				line, last, more = cutLast(line)
				if !yield(last) {
					return
				}
			}
		}
	}
}

// ClientScheme is how the client reaches the trusted proxy that it talks to, as
// X-Forwarded-Proto says: http or https. It is not ok if the peer is no trusted
// proxy or that header says something else, or nothing. Proxies that don't
// replace it append to it, so it is read as X-Forwarded-For is: as many of its
// elements are believed as there are hops, and of a shorter list the first one.
func ClientScheme(peer netip.Addr, forwardedFor, forwardedProto []string, trusted Prefixes) (scheme string, ok bool) {
	if !trusted.Contain(peer) {
		return "", false
	}
	_, hops, _ := follow(peer, forwardedFor, trusted)
	for proto := range fromTheEnd(forwardedProto) {
		scheme = strings.ToLower(strings.Trim(proto, " \t"))
		if hops--; hops <= 0 {
			break
		}
	}
	return scheme, scheme == "http" || scheme == "https"
}

// cutLast cuts the last element off a list with commas.
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], list[i+1:], i >= 0
}

// parseHop takes an address with or without a port; IPv6 may have brackets.
func parseHop(s string) (addr netip.Addr, ok bool) {
	s = strings.Trim(s, " \t")
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return plain(withPort.Addr()), true
	}
	inner, bracketed := strings.CutPrefix(s, "[")
	if bracketed {
		if inner, bracketed = strings.CutSuffix(inner, "]"); !bracketed {
			return addr, false
		}
	}
	addr, err := netip.ParseAddr(inner)
	if err != nil || bracketed && addr.Is4() {
		return netip.Addr{}, false
	}
	return plain(addr), true
}
