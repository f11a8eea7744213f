package config

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"gatehouse/auth"
	"gatehouse/handlers"
)

var (
	errDuration    = errors.New("expected a duration such as 90s, 15m, 1h30m or 1d")
	errBytes       = errors.New("expected a number of bytes above zero such as 16777216, 512KiB or 16MiB")
	errBytesOrNone = errors.New("expected a number of bytes such as 67108864 or 64MiB, or 0")
	errCount       = errors.New("expected a whole number, 0 or more")
	errListen      = errors.New("expected host:port, :port, vsock://:port or unix:///path")
)

// parseDuration takes what Go takes and what Prometheus takes.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		var p model.Duration
		p, err = model.ParseDuration(s)
		d = time.Duration(p)
	}
	if err != nil || d < 0 {
		return 0, errDuration
	}
	return d, nil
}

func parseTimeout(s string) (time.Duration, error) {
	d, err := parseDuration(s)
	if err != nil || d == 0 {
		return 0, errors.New("expected a duration above zero such as 90s, 15m, 1h30m or 1d")
	}
	return d, nil
}

// maxLifetime is how long browsers keep a cookie at the most.
const maxLifetime = 400 * 24 * time.Hour

func parseLifetime(s string) (time.Duration, error) {
	d, err := parseDuration(s)
	if err != nil || d < time.Second || d > maxLifetime {
		return 0, errors.New("expected a duration from 1s to 400d such as 12h")
	}
	return d, nil
}

func parseIdle(s string) (time.Duration, error) {
	d, err := parseDuration(s)
	if err != nil || d != 0 && d < time.Second {
		return 0, errors.New("expected a duration of 1s or more such as 1h, or 0")
	}
	return d, nil
}

// followPushes is the interval of scrapes that is each grouping's own.
const followPushes = "push"

// parseScrapeInterval takes what Prometheus takes for one, within reason. 0 stands
// for an empty one, and for that of the pushes.
func parseScrapeInterval(s string) (time.Duration, error) {
	if s == "" || s == followPushes {
		return 0, nil
	}
	d, err := parseDuration(s)
	if err != nil || d < time.Second || d > 24*time.Hour || d%time.Millisecond != 0 {
		return 0, errors.New("expected push, or a duration from 1s to 1d such as 30s")
	}
	return d, nil
}

// byteUnits are the units parseBytes knows, lower-cased.
var byteUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
	"t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
}

// parseBytes takes a whole number with or without a unit: 16777216, 16MiB.
func parseBytes(s string) (int64, error) {
	n, err := parseBytesOrNone(s)
	if err != nil || n == 0 {
		return 0, errBytes
	}
	return n, nil
}

// parseBytesOrNone takes 0 too.
func parseBytesOrNone(s string) (int64, error) {
	digits := strings.TrimRight(s, "bBkKmMgGtTiI ")
	unit, ok := byteUnits[strings.ToLower(strings.TrimSpace(s[len(digits):]))]
	n, err := strconv.ParseUint(digits, 10, 63)
	if !ok || err != nil || int64(n) > math.MaxInt64/unit {
		return 0, errBytesOrNone
	}
	return int64(n) * unit, nil
}

func parseBoolean(s string) (bool, error) {
	if s != "true" && s != "false" {
		return false, errors.New("expected true or false")
	}
	return s == "true", nil
}

func parseRole(s string) (auth.Role, error) {
	r, err := auth.ParseRole(s)
	if err != nil {
		return r, errors.New("expected one of none, reader, pusher, admin")
	}
	return r, nil
}

func parseRoleIfAny(s string) (auth.Role, error) {
	if s == "" {
		return auth.NoRole, nil
	}
	return parseRole(s)
}

func parseCount(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, errCount
	}
	return int(n), nil
}

// Address is where a listener is to be bound.
type Address struct {
	text      string // as it was configured
	Path      string // of a Unix socket, for that nothing else is set
	VSock     bool
	Host      string
	Port      uint32
	ContextID uint32 // Host as a number, for vsock
}

// ParseAddress takes host:port, :port, [host]:port, vsock://[context]:port and
// unix:///path.
func ParseAddress(s string) (Address, error) {
	a := Address{text: s}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path, ok = strings.CutPrefix(path, "//")
		if err := checkSocketPath(path, false); err != nil || !ok {
			return a, cmp.Or(err, errListen)
		}
		return Address{text: s, Path: filepath.Clean(path)}, nil
	}
	rest, vsock := strings.CutPrefix(s, "vsock://")
	host, port, err := net.SplitHostPort(rest)
	if err != nil || strings.ContainsAny(host, "/ \t@") {
		return a, errListen
	}
	a.Host, a.VSock = host, vsock
	if !vsock {
		n, err := net.LookupPort("tcp", port)
		if port == "" || err != nil {
			return a, errListen
		}
		a.Port = uint32(n)
		return a, nil
	}
	n, err := strconv.ParseUint(port, 10, 32)
	if err != nil {
		return a, errListen
	}
	a.Port = uint32(n)
	if host != "" {
		id, err := strconv.ParseUint(host, 10, 32)
		if err != nil {
			return a, errListen
		}
		a.ContextID = uint32(id)
	}
	return a, nil
}

// String returns the address as it was configured.
func (a Address) String() string { return a.text }

// same reports whether both are one address, however they are written.
func (a Address) same(b Address) bool {
	a.text = b.text
	return a == b
}

// parseAddresses returns the good ones, and the first error.
func parseAddresses(texts []string) ([]Address, error) {
	var addresses []Address
	var first error
	for _, s := range texts {
		a, err := ParseAddress(s)
		if err != nil {
			first = cmp.Or(first, err)
			continue
		}
		addresses = append(addresses, a)
	}
	return addresses, first
}

// maxSocketPath is the length of the longest path that a socket can have.
const maxSocketPath = 107

// checkSocketPath takes paths of Unix sockets: absolute ones, so that they don't
// depend on where the program was started.
func checkSocketPath(s string, mayBeEmpty bool) error {
	switch {
	case s == "" && mayBeEmpty:
		return nil
	case !strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/"):
		return errors.New("expected an absolute path of a socket such as /run/gatehouse.sock")
	case len(s) > maxSocketPath:
		return fmt.Errorf("expected a path of at most %d bytes, which is all that sockets can have", maxSocketPath)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("expected a path of UTF-8 without control characters")
	}
	return nil
}

// parseExternalURL takes the address under which clients reach the server. nil
// stands for an empty one. A slash at its end is dropped.
func parseExternalURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	u, ok := absoluteURL(s)
	switch {
	case !ok:
		return nil, errors.New("expected an absolute URL such as https://example.org/pushgateway")
	case u.User != nil:
		return nil, errors.New("expected a URL without user and password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, errors.New("expected a URL without query and fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func absoluteURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, false
	}
	return u, true
}

// checkIssuer takes what can stand in tokens as their issuer. It is compared
// byte for byte, so nothing is done to it.
func checkIssuer(s string) error {
	u, ok := absoluteURL(s)
	switch {
	case s == "":
		return nil
	case !ok || strings.Contains(s, " "):
		return errors.New("expected an absolute URL such as https://login.example.org")
	case u.User != nil:
		return errors.New("expected a URL without user and password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return errors.New("expected a URL without query and fragment")
	}
	return nil
}

func checkJWKSURI(s string) error {
	u, ok := absoluteURL(s)
	switch {
	case s == "":
		return nil
	case !ok || strings.Contains(s, " "):
		return errors.New("expected an absolute URL such as https://login.example.org/keys")
	case u.User != nil:
		return errors.New("expected a URL without user and password")
	}
	return nil
}

// maxClientID is longer than any that a provider gives.
const maxClientID = 512

// checkClientID takes what OAuth allows: RFC 6749, A.1.
func checkClientID(s string) error {
	if len(s) > maxClientID || strings.Trim(s, " ") != s || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("expected the client's name at the provider, of visible ASCII characters")
	}
	return nil
}

// checkScopes takes scopes with spaces between them: RFC 6749, 3.3.
func checkScopes(s string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return errors.New("expected names of scopes such as profile and groups")
	}
	return nil
}

// inPlain reports whether what is asked for at the URL can be changed on the way:
// http to another machine.
func inPlain(s string) bool {
	u, ok := absoluteURL(s)
	if !ok || u.Scheme != "http" || strings.EqualFold(u.Hostname(), "localhost") {
		return false
	}
	host, _ := netip.ParseAddr(u.Hostname()) // a name is not local
	return !host.Unmap().IsLoopback()
}

// checkUser takes what fits into a header beside a password: RFC 7617, 2.
func checkUser(s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, ':') || strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("expected a name without colon and control characters")
	}
	return nil
}

// A segment of a path that we route by: nothing in it needs escaping, means
// something to the router, or is a dot segment.
var segment = regexp.MustCompile(`^[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*$`)

func routable(path string) bool {
	for s := range strings.SplitSeq(path, "/") {
		if !segment.MatchString(s) {
			return false
		}
	}
	return true
}

// parseRoutePrefix returns the prefix with a slash before it and none behind,
// or "" for none.
func parseRoutePrefix(s string) (string, error) {
	s = strings.Trim(s, "/")
	if s == "" {
		return "", nil
	}
	if !routable(s) {
		return "", errors.New("expected a path such as /pushgateway, of letters, digits and ._~-")
	}
	return "/" + s, nil
}

// checkTelemetryPath holds the path of the scrape against all other routes.
func checkTelemetryPath(s string) error {
	rest, ok := strings.CutPrefix(s, "/")
	if !ok || !routable(rest) {
		return errors.New("expected a path such as /metrics, of letters, digits and ._~-, without a slash at the end")
	}
	if handlers.Reserved(s) {
		first, _, _ := strings.Cut(rest, "/")
		return fmt.Errorf("expected a path that is not in use otherwise; /%s is", first)
	}
	return nil
}
