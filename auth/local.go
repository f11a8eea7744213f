package auth

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// LocalRequest is the evidence of whether a request comes from a program of
// this machine, rather than from elsewhere through a proxy, or from a web page.
type LocalRequest struct {
	Peer, Local  netip.AddrPort // both ends of the connection
	Host         string         // header
	Forwarded    bool           // there is a header for which IsForwardingHeader holds
	SecFetchSite string         // header
	Origin       string         // header
}

// IsLocal reports whether all evidence is that of a program of this machine. It
// is false for pages whose name an attacker has made to point here, since Host
// then holds that name. It can't see a proxy on this machine that leaves no
// trace in the headers: see SocketOwner.
func (r LocalRequest) IsLocal() bool {
	return r.Peer.Addr().IsLoopback() && r.Local.Addr().IsLoopback() &&
		namesThisMachine(r.Host) && !r.Forwarded && !CrossSite(r.SecFetchSite, r.Origin, r.Host)
}

// namesThisMachine takes exactly the spellings that people use: every other
// one is a way around something.
func namesThisMachine(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		if _, err := strconv.ParseUint(host[i+1:], 10, 16); err != nil {
			return false
		}
		host = host[:i]
	}
	switch strings.ToLower(host) {
	case "localhost", "127.0.0.1", "[::1]":
		return true
	}
	return false
}

// forwardingHeaders are the names of headers that proxies, load balancers and
// content delivery networks add, in lower case.
var forwardingHeaders = []string{
	"cdn-loop", "client-ip", "fastly-client-ip", "forwarded", "forwarded-for", "proxy-client-ip",
	"true-client-ip", "via", "wl-proxy-client-ip", "x-amzn-trace-id", "x-client-ip", "x-cluster-client-ip",
	"x-host", "x-nginx-proxy", "x-proxyuser-ip", "x-real-ip", "x-real-port", "x-remote-addr", "x-remote-ip",
	"x-rewrite-url", "x-scheme", "x-url-scheme", "x-varnish",
}

// forwardingPrefixes are the prefixes of more such headers.
var forwardingPrefixes = []string{"cf-", "x-amz-cf-", "x-appengine-", "x-azure-", "x-envoy-", "x-forwarded", "x-original-"}

// IsForwardingHeader reports whether a header of this name, in any case, is a
// sign that the request came through a proxy. Clients that talk to us directly
// have no reason to send any of them.
func IsForwardingHeader(name string) bool {
	// Some programs take _ for -.
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return slices.Contains(forwardingHeaders, name) ||
		slices.ContainsFunc(forwardingPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// ErrNoSocket says that a connection has no client's end on this machine, or
// none that a program still holds.
var ErrNoSocket = errors.New("no program of this machine holds the client's end of the connection")
