package auth_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gatehouse/auth"
)

func parsePrefixes(t *testing.T, list ...string) auth.Prefixes {
	t.Helper()
	p, err := auth.ParsePrefixes(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPrefixesAreParsed(t *testing.T) {
	for s, want := range map[string]string{
		"10.0.0.0/8":                "10.0.0.0/8",
		"10.1.2.3/8":                "10.0.0.0/8",
		"192.0.2.1":                 "192.0.2.1/32",
		"0.0.0.0/0":                 "0.0.0.0/0",
		"2001:db8::/32":             "2001:db8::/32",
		"2001:DB8::1/32":            "2001:db8::/32",
		"::1":                       "::1/128",
		"::/0":                      "::/0",
		"::ffff:192.0.2.1":          "192.0.2.1/32",
		"::ffff:10.1.2.3/104":       "10.0.0.0/8",
		"::ffff:0:0/96":             "0.0.0.0/0",
		"0:0:0:0:0:FFFF:0A00:1/128": "10.0.0.1/32",
	} {
		if p, err := auth.ParsePrefixes([]string{s}); err != nil || len(p) != 1 || p[0].String() != want {
			t.Errorf("%s: got %v, %v, want %s", s, p, err, want)
		}
	}
	if p, err := auth.ParsePrefixes(nil); err != nil || len(p) != 0 {
		t.Errorf("nothing: %v, %v", p, err)
	}
	for _, s := range []string{
		"", " ", "*", "all", "localhost", "example.org", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0/8", "10.0.0.256",
		"010.0.0.1", "167772161", "10.0.0.1:80", "[::1]", "::1/129", "fe80::1%eth0", "fe80::%eth0/64", "::ffff:10.0.0.1%x", "::ffff:10.0.0.0/95", "10.0.0.0/8,11.0.0.0/8", " 10.0.0.0/8", "10.0.0.0/255.0.0.0",
	} {
		want := fmt.Sprintf("expected an address or a range such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32, not %q", s)
		if p, err := auth.ParsePrefixes([]string{"192.0.2.1", s}); failure(err) != want {
			t.Errorf("%q: got %v, %v", s, p, err)
		}
	}
}

func TestAnAddressCountsInEachOfItsSpellings(t *testing.T) {
	p := parsePrefixes(t, "10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "fe80::/10", "::ffff:172.16.0.0/108")
	for addr, want := range map[string]bool{
		"10.255.255.255": true, "11.0.0.0": false, "::ffff:10.0.0.1": true, "::ffff:11.0.0.1": false,
		"192.0.2.1": true, "192.0.2.2": false, "::ffff:192.0.2.1": true, "::192.0.2.1": false, "::10.0.0.1": false,
		"2001:db8:ffff::1": true, "2001:db9::": false, "fe80::1%eth0": true, "fec0::1%eth0": false,
		"172.31.0.1": true, "172.32.0.1": false, "::ffff:10.0.0.1%eth0": true,
	} {
		if got := p.Contain(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %t", addr, got)
		}
	}
	if parsePrefixes(t, "0.0.0.0/0", "::/0").Contain(netip.Addr{}) {
		t.Error("no address is contained")
	}
	if parsePrefixes(t, "::/0").Contain(netip.MustParseAddr("::ffff:10.0.0.1")) {
		t.Error("IPv4 is contained in IPv6")
	}
	if parsePrefixes(t).Contain(netip.MustParseAddr("10.0.0.1")) {
		t.Error("nothing contains something")
	}
}

func TestTheClientIsTheFirstHopThatIsNotTrusted(t *testing.T) {
	trusted := parsePrefixes(t, "10.0.0.0/8", "2001:db8::/32")
	hops := strings.Repeat("10.0.0.2,", 98)
	for _, tt := range []struct {
		name, peer string
		lines      []string
		want       string
	}{
		{"no header", "10.0.0.1", nil, "10.0.0.1"},
		{"a peer that is not trusted", "192.0.2.1", []string{"198.51.100.7"}, "192.0.2.1"},
		{"a proxy", "10.0.0.1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"what the client made up", "10.0.0.1", []string{"127.0.0.1, 198.51.100.7"}, "198.51.100.7"},
		{"what the client made up to look like a proxy's", "10.0.0.1", []string{"1.1.1.1, 10.9.9.9, 198.51.100.7"}, "198.51.100.7"},
		{"two proxies", "10.0.0.1", []string{"1.1.1.1, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"two lines", "10.0.0.1", []string{"1.1.1.1", "198.51.100.7"}, "198.51.100.7"},
		{"two lines, two proxies", "10.0.0.1", []string{"1.1.1.1, 198.51.100.7", "10.0.0.3, 10.0.0.2"}, "198.51.100.7"},
		{"only proxies", "10.0.0.1", []string{"10.0.0.4, 10.0.0.3", "10.0.0.2"}, "10.0.0.4"},
		{"no blanks", "10.0.0.1", []string{"1.1.1.1,198.51.100.7,10.0.0.2"}, "198.51.100.7"},
		{"many blanks", "10.0.0.1", []string{" \t198.51.100.7\t , 10.0.0.2 "}, "198.51.100.7"},
		{"ports", "10.0.0.1", []string{"198.51.100.7:51000, 10.0.0.2:80"}, "198.51.100.7"},
		{"IPv6", "2001:db8::1", []string{"2001:db9::7, 2001:db8::2"}, "2001:db9::7"},
		{"IPv6 with brackets", "2001:db8::1", []string{"[2001:db9::7], [2001:db8::2]"}, "2001:db9::7"},
		{"IPv6 with ports", "2001:db8::1", []string{"[2001:db9::7]:51000, [2001:db8::2]:80"}, "2001:db9::7"},
		{"IPv6 with a zone", "2001:db8::1", []string{"fe80::7%eth0"}, "fe80::7"},
		{"IPv4 as IPv6", "::ffff:10.0.0.1", []string{"::ffff:198.51.100.7, [::ffff:10.0.0.2]:80, [::ffff:10.0.0.2]"}, "198.51.100.7"},
		{"a peer as IPv6", "::ffff:192.0.2.1", nil, "192.0.2.1"},
		{"a peer with a zone", "fe80::1%eth0", nil, "fe80::1"},
		{"nonsense", "10.0.0.1", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		{"nonsense after a good hop", "10.0.0.1", []string{"198.51.100.7, _hidden, 10.0.0.2"}, "10.0.0.2"},
		{"nonsense by the client", "10.0.0.1", []string{"<script>, 198.51.100.7"}, "198.51.100.7"},
		{"an empty line", "10.0.0.1", []string{"198.51.100.7", ""}, "10.0.0.1"},
		{"an empty hop", "10.0.0.1", []string{"198.51.100.7, , 10.0.0.2"}, "10.0.0.2"},
		{"a comma at the end", "10.0.0.1", []string{"198.51.100.7,"}, "10.0.0.1"},
		{"a comma at the start", "10.0.0.1", []string{",10.0.0.2"}, "10.0.0.2"},
		{"a comma at the start of a further line", "10.0.0.1", []string{"198.51.100.7", ",10.0.0.2"}, "10.0.0.2"},
		{"IPv4 as IPv6 with a port", "10.0.0.1", []string{"[::ffff:198.51.100.7]:80"}, "198.51.100.7"},
		{"an address in brackets that has none", "10.0.0.1", []string{"[198.51.100.7]"}, "10.0.0.1"},
		{"half a bracket", "10.0.0.1", []string{"[2001:db9::7"}, "10.0.0.1"},
		{"two brackets", "10.0.0.1", []string{"[[2001:db9::7]]"}, "10.0.0.1"},
		{"an empty port", "10.0.0.1", []string{"198.51.100.7:"}, "10.0.0.1"},
		{"a port that is none", "10.0.0.1", []string{"198.51.100.7:65536"}, "10.0.0.1"},
		{"the syntax of another header", "10.0.0.1", []string{"for=198.51.100.7"}, "10.0.0.1"},
		{"a hundred hops", "10.0.0.1", []string{"198.51.100.7," + hops + "10.0.0.2"}, "198.51.100.7"},
		{"a hundred hops and one", "10.0.0.1", []string{"198.51.100.7,10.0.0.3," + hops + "10.0.0.2"}, "10.0.0.3"},
		{"a hundred hops in lines", "10.0.0.1", append([]string{"198.51.100.7", "10.0.0.3"}, strings.Split(hops+"10.0.0.2", ",")...), "10.0.0.3"},
	} {
		peer := netip.MustParseAddr(tt.peer)
		if got := auth.ClientAddress(peer, tt.lines, trusted); got.String() != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if got := auth.ClientAddress(peer, tt.lines, nil); got != peer.Unmap().WithZone("") {
			t.Errorf("%s: nobody is trusted: got %s, want the peer", tt.name, got)
		}
	}
	if got := auth.ClientAddress(netip.Addr{}, []string{"198.51.100.7"}, parsePrefixes(t, "0.0.0.0/0", "::/0")); got.IsValid() {
		t.Errorf("no peer: got %s", got)
	}
}

func TestTheSchemeIsThatOfTheFirstHopThatIsNotTrusted(t *testing.T) {
	trusted := parsePrefixes(t, "10.0.0.0/8")
	for _, tt := range []struct {
		name, peer string
		hops       []string // X-Forwarded-For
		protos     []string // X-Forwarded-Proto
		want       string   // empty: it is not known
	}{
		{"no header", "10.0.0.1", []string{"198.51.100.7"}, nil, ""},
		{"a proxy with TLS", "10.0.0.1", []string{"198.51.100.7"}, []string{"https"}, "https"},
		{"a proxy without", "10.0.0.1", []string{"198.51.100.7"}, []string{"http"}, "http"},
		{"a proxy that says nothing of addresses", "10.0.0.1", nil, []string{"https"}, "https"},
		{"a proxy of old addresses", "::ffff:10.0.0.1", []string{"198.51.100.7"}, []string{"https"}, "https"},
		{"a peer that is not trusted", "192.0.2.1", []string{"198.51.100.7"}, []string{"https"}, ""},
		{"a peer that is not trusted, but is forwarded by one", "192.0.2.1", []string{"10.0.0.1"}, []string{"https"}, ""},
		{"no peer", "", nil, []string{"https"}, ""},
		{"capitals and blanks", "10.0.0.1", []string{"198.51.100.7"}, []string{" \tHTTPS "}, "https"},
		{"what the client made up", "10.0.0.1", []string{"198.51.100.7"}, []string{"https, http"}, "http"},
		{"what the client made up in a line", "10.0.0.1", []string{"198.51.100.7"}, []string{"https", "http"}, "http"},
		{"what the client made up, behind two proxies", "10.0.0.1", []string{"1.1.1.1, 198.51.100.7, 10.0.0.2"}, []string{"http, https, http"}, "https"},
		{"two proxies that append", "10.0.0.1", []string{"198.51.100.7, 10.0.0.2"}, []string{"https, http"}, "https"},
		{"two proxies that append lines", "10.0.0.1", []string{"198.51.100.7", "10.0.0.2"}, []string{"https", "http"}, "https"},
		{"two proxies of which one replaces", "10.0.0.1", []string{"198.51.100.7, 10.0.0.2"}, []string{"https"}, "https"},
		{"a hop that makes no sense", "10.0.0.1", []string{"198.51.100.7, unknown"}, []string{"https, http"}, "http"},
		{"another scheme", "10.0.0.1", nil, []string{"ftp"}, ""},
		{"a scheme of the web that targets don't have", "10.0.0.1", nil, []string{"wss"}, ""},
		{"nothing in it", "10.0.0.1", nil, []string{""}, ""},
		{"nothing at the end of it", "10.0.0.1", nil, []string{"https,"}, ""},
		{"what is a header's", "10.0.0.1", nil, []string{"proto=https"}, ""},
		{"more than a scheme", "10.0.0.1", nil, []string{"https://evil.example"}, ""},
	} {
		peer, _ := netip.ParseAddr(tt.peer)
		got, ok := auth.ClientScheme(peer, tt.hops, tt.protos, trusted)
		if ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s: got %q, %t, want %q", tt.name, got, ok, tt.want)
		}
		if _, ok := auth.ClientScheme(peer, tt.hops, tt.protos, nil); ok {
			t.Errorf("%s: believed, though nobody is trusted", tt.name)
		}
	}
}

func TestAProxyThatForwardsNoAddressHidesItsClients(t *testing.T) {
	trusted := parsePrefixes(t, "10.0.0.0/8")
	for _, tt := range []struct {
		name, peer string
		lines      []string
		want       bool
	}{
		{"no header", "10.0.0.1", nil, false},
		{"an empty one", "10.0.0.1", []string{" "}, false},
		{"an address", "10.0.0.1", []string{"192.0.2.1"}, false},
		{"unknown", "10.0.0.1", []string{"unknown"}, true},
		{"an obfuscated name", "10.0.0.1", []string{"192.0.2.1, _secret"}, true},
		{"of a proxy before", "10.0.0.1", []string{"unknown, 10.0.0.2"}, true},
		{"in front of a client", "10.0.0.1", []string{"unknown, 192.0.2.1"}, false},
		{"of a peer that is not trusted", "192.0.2.1", []string{"unknown"}, false},
		{"no peer", "", []string{"unknown"}, false},
	} {
		peer, _ := netip.ParseAddr(tt.peer)
		if got := auth.HidesClient(peer, tt.lines, trusted); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
		if auth.HidesClient(peer, tt.lines, nil) {
			t.Errorf("%s: nobody is trusted", tt.name)
		}
	}
}

func FuzzPrefixes(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "192.0.2.1", "::ffff:10.0.0.0/104", "::ffff:10.0.0.0/90", "fe80::1%x", "2001:db8::/32", "/", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := auth.ParsePrefixes([]string{s})
		if err != nil {
			return
		}
		if again, err := auth.ParsePrefixes([]string{p[0].String()}); err != nil || again[0] != p[0] {
			t.Errorf("%q is %s, and that is %v, %v", s, p, again, err)
		}
		if !p.Contain(p[0].Addr()) || !p[0].IsValid() || p[0].Addr().Is4In6() {
			t.Errorf("%q is %s", s, p)
		}
	})
}

func FuzzClientAddress(f *testing.F) {
	f.Add("10.0.0.1", "198.51.100.7, 10.0.0.2", "10.0.0.3")
	f.Add("10.0.0.1", "1.1.1.1:80,[2001:db9::7]:1", "[::ffff:10.0.0.3],,")
	f.Add("::ffff:10.0.0.1", "fe80::7%eth0", "x")
	f.Add("192.0.2.1", "1.1.1.1", "2.2.2.2")
	trusted := auth.Prefixes{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, peerText, first, second string) {
		peer, _ := netip.ParseAddr(peerText)
		got := auth.ClientAddress(peer, []string{first, second}, trusted)
		peer = peer.Unmap().WithZone("")
		if got == peer {
			return
		}
		if !trusted.Contain(peer) {
			t.Fatalf("%s is not trusted, but makes the client %s", peer, got)
		}
		// It is one of the hops, and all to the right of it are trusted.
		hops := strings.Split(first+","+second, ",")
		for i := len(hops) - 1; i >= 0; i-- {
			hop := naiveHop(hops[i])
			if hop == got {
				return
			}
			if !trusted.Contain(hop) {
				break
			}
		}
		t.Fatalf("%q, %q: %s comes from beyond a hop that is not trusted", first, second, got)
	})
}

// naiveHop finds the address in a hop by trying.
func naiveHop(s string) netip.Addr {
	s = strings.Trim(s, " \t")
	for _, text := range []string{s, s[:max(0, strings.LastIndexByte(s, ':'))]} {
		if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")); err == nil {
			return addr.Unmap().WithZone("")
		}
	}
	return netip.Addr{}
}

// failure is the text of an error, "" for none.
func failure(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
