package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"gatehouse/auth"
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

// checkUser takes what fits into a header beside a password: RFC 7617, 2.
func checkUser(s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, ':') || strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("expected a name without colon and control characters")
	}
	return nil
}
