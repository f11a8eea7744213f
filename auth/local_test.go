package auth_test

import (
	"net/netip"
	"testing"

	"gatehouse/auth"
)

func TestOnlyProgramsOfThisMachineAreLocal(t *testing.T) {
	curl := auth.LocalRequest{
		Peer: netip.MustParseAddrPort("127.0.0.1:50000"), Local: netip.MustParseAddrPort("127.0.0.1:9091"), Host: "localhost:9091",
	}
	type change func(*auth.LocalRequest)
	ends := func(peer, local string) change {
		return func(r *auth.LocalRequest) {
			r.Peer, r.Local = netip.MustParseAddrPort(peer), netip.MustParseAddrPort(local)
		}
	}
	host := func(host string) change { return func(r *auth.LocalRequest) { r.Host = host } }
	page := func(host, fetch, origin string) change {
		return func(r *auth.LocalRequest) { r.Host, r.SecFetchSite, r.Origin = host, fetch, origin }
	}
	for _, tt := range []struct {
		name   string
		change change
		want   bool
	}{
		{"curl", func(*auth.LocalRequest) {}, true},
		{"IPv6", ends("[::1]:50000", "[::1]:9091"), true},
		{"IPv4 as IPv6", ends("[::ffff:127.0.0.1]:50000", "[::ffff:127.0.0.1]:9091"), true},
		{"another address of the loopback", ends("127.0.0.2:50000", "127.9.9.9:9091"), true},
		{"another machine", ends("192.0.2.7:50000", "127.0.0.1:9091"), false},
		{"another machine as IPv6", ends("[::ffff:192.0.2.7]:50000", "[::ffff:127.0.0.1]:9091"), false},
		{"an address of the network", ends("127.0.0.1:50000", "192.0.2.1:9091"), false},
		{"this machine by its network", ends("192.0.2.1:50000", "192.0.2.1:9091"), false},
		{"no address", func(r *auth.LocalRequest) { r.Peer, r.Local = netip.AddrPort{}, netip.AddrPort{} }, false},
		{"an address of a Unix socket", ends("0.0.0.0:0", "0.0.0.0:0"), false},

		{"a proxy's header", func(r *auth.LocalRequest) { r.Forwarded = true }, false},

		{"localhost", host("localhost"), true},
		{"LocalHost", host("LocalHost:1"), true},
		{"127.0.0.1", host("127.0.0.1"), true},
		{"127.0.0.1 with port", host("127.0.0.1:9091"), true},
		{"::1", host("[::1]"), true},
		{"::1 with port", host("[::1]:9091"), true},
		{"no host", host(""), false},
		{"a port alone", host(":9091"), false},
		{"a public name", host("push.example"), false},
		{"a name that begins with localhost", host("localhost.evil.test"), false},
		{"a name that ends with localhost", host("evil.localhost"), false},
		{"the root's localhost", host("localhost."), false},
		{"the root's localhost with port", host("localhost.:9091"), false},
		{"a name that means the address", host("127.0.0.1.nip.io"), false},
		{"another address of the loopback as name", host("127.0.0.2"), false},
		{"a decimal address", host("2130706433"), false},
		{"a short address", host("127.1"), false},
		{"an octal address", host("0177.0.0.1"), false},
		{"zero", host("0.0.0.0:9091"), false},
		{"IPv6 without brackets", host("::1"), false},
		{"a long IPv6", host("[0:0:0:0:0:0:0:1]"), false},
		{"IPv4 as IPv6 as name", host("[::ffff:127.0.0.1]"), false},
		{"IPv4 in brackets", host("[127.0.0.1]"), false},
		{"an empty port", host("localhost:"), false},
		{"a name for a port", host("localhost:http"), false},
		{"a port too large", host("localhost:65536"), false},
		{"two ports", host("localhost:1:2"), false},
		{"a user", host("localhost@evil.test"), false},
		{"a user before", host("evil.test@localhost"), false},
		{"a blank", host(" localhost"), false},
		{"a list", host("localhost,evil.test"), false},

		{"a page of ours", page("localhost:9091", "same-origin", "http://localhost:9091"), true},
		{"a page of ours that reads", page("localhost:9091", "same-origin", ""), true},
		{"a typed address", page("127.0.0.1:9091", "none", ""), true},
		{"an older browser", page("[::1]:9091", "", "http://[::1]:9091"), true},
		{"a page of another site", page("localhost:9091", "cross-site", ""), false},
		{"a page of another site that writes", page("localhost:9091", "cross-site", "https://evil.test"), false},
		{"another port", page("localhost:9091", "same-site", ""), false},
		{"another port in an older browser", page("localhost:9091", "", "http://localhost:3000"), false},
		{"null", page("localhost:9091", "", "null"), false},
		{"another origin", page("localhost:9091", "", "http://evil.test"), false},
		{"another name of the same", page("localhost:9091", "", "http://127.0.0.1:9091"), false},
		{"a name that was made to point here", page("rebind.test:9091", "same-origin", "http://rebind.test:9091"), false},
	} {
		r := curl
		tt.change(&r)
		if got := r.IsLocal(); got != tt.want {
			t.Errorf("%s: %+v: got %t", tt.name, r, got)
		}
	}
}

func TestHeadersOfProxiesAreKnown(t *testing.T) {
	for _, name := range []string{
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server",
		"X-Forwarded-Prefix", "X-Forwarded-Anything", "X-Forwarded", "X-Real-Ip", "X-Real-IP", "x-real-ip", "Via", "VIA", "Cf-Connecting-Ip", "CF-Ray",
		"True-Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Forwarded-For", "X-Original-Host", "X-Original-Uri",
		"Fastly-Client-Ip", "X-Envoy-External-Address", "X_Forwarded_For", "x-fORWARDED-fOR", "X-Amzn-Trace-Id", "Cdn-Loop",
	} {
		if !auth.IsForwardingHeader(name) {
			t.Errorf("%s is not known", name)
		}
	}
	for _, name := range []string{
		"", "Host", "User-Agent", "Accept", "Authorization", "Content-Type", "Content-Length", "Content-Encoding", "Origin", "Referer", "Cookie", "Connection",
		"X-Api-Key", "X-Metrics-Key", "X-Requested-With", "X-Request-Id", "Hx-Request", "X-Prometheus-Scrape-Timeout-Seconds", "Traceparent",
		"Sec-Fetch-Site", "Accept-Encoding", "Upgrade-Insecure-Requests", "Viaduct",
	} {
		if auth.IsForwardingHeader(name) {
			t.Errorf("%s is taken for a proxy's", name)
		}
	}
}
