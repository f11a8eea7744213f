package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
