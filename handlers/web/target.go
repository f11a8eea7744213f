package web

import (
	"bytes"
	"net"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"gatehouse/auth/guard"
)

// withHost gives requests without a Host one that is nobody's, so that no reader
// looks for it elsewhere.
func withHost(header *fasthttp.RequestHeader) {
	if len(header.Host()) == 0 {
		header.SetHost(guard.NoHost)
	}
}

// plainTarget gives requests the one target under which all that follows knows
// them: the guard, the routes, the log and the metrics. What is left as it is,
// is refused or served by what it says.
func (s *Server) plainTarget(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		target := ctx.Request.Header.RequestURI()
		if len(target) > 0 && target[0] != '/' {
			if relative, ok := s.relative(ctx, string(target)); ok {
				ctx.Request.SetRequestURI(relative)
				target = ctx.Request.Header.RequestURI()
			}
		}
		if bytes.Contains(target, []byte("//")) {
			if single, ok := singleSlash(s.Site.RoutePrefix, string(target)); ok {
				ctx.Request.SetRequestURI(single)
			}
		}
		next(ctx)
	}
}

// singleSlash takes slashes that are too many at the start of the path of a
// grouping, also directly below the prefix: base addresses that end in one make
// them. Slashes further on are data.
func singleSlash(prefix, target string) (string, bool) {
	path, query, asked := strings.Cut(target, "?")
	below, ok := strings.CutPrefix("/"+strings.TrimLeft(path, "/"), prefix)
	if !ok || !strings.HasPrefix(below, "/") {
		return "", false
	}
	single := "/" + strings.TrimLeft(below, "/")
	if prefix+single == path || !namesGrouping(single) {
		return "", false
	}
	if asked {
		query = "?" + query
	}
	return prefix + single + query, true
}

// namesGrouping reports whether a path begins as those of groupings do.
func namesGrouping(path string) bool {
	rest, ok := strings.CutPrefix(path, "/metrics/")
	first, _, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(first)
	return ok && err == nil && (name == "job" || name == "job@base64")
}

// relative takes the host off a target that has one, if that is the one in the
// Host header and ours. It is not ok for any other target.
func (s *Server) relative(ctx *fasthttp.RequestCtx, target string) (string, bool) {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", false
	}
	host, path := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if strings.HasPrefix(path, "?") {
		path = "/" + path
	}
	if host == "" || !strings.EqualFold(host, string(ctx.Request.Header.Host())) || !s.isOurs(ctx, strings.ToLower(host)) {
		return "", false
	}
	return path, true
}

// isOurs reports whether a host with or without a port leads here: as the
// operator says, else as the address that the connection came to.
func (s *Server) isOurs(ctx *fasthttp.RequestCtx, host string) bool {
	if u := s.Site.ExternalURL; u != nil {
		return withPort(host, u.Scheme) == withPort(strings.ToLower(u.Host), u.Scheme)
	}
	scheme := "http"
	if ctx.IsTLS() {
		scheme = "https"
	}
	local, ok := ctx.LocalAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	name, port, err := net.SplitHostPort(withPort(host, scheme))
	if err != nil || port != portOf(local) {
		return false
	}
	if name == "localhost" {
		return local.IP.IsLoopback()
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.Equal(local.IP)
}

func portOf(a *net.TCPAddr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

// withPort adds the default port of a scheme to a host without a port.
func withPort(host, scheme string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host
	}
	return host + ":" + defaultPort(scheme)
}
