package app

import (
	"errors"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/mdlayher/vsock"
)

// bind opens all listeners that o names for everything, or none.
func bind(o Options) ([]net.Listener, error) {
	if o.SystemdSocket {
		return activated()
	}
	return bindAll(o.ListenAddresses, o.Sockets)
}

// bindAll opens listeners at all addresses, or none.
func bindAll(addresses []string, access socketAccess) ([]net.Listener, error) {
	var bound []net.Listener
	for _, s := range addresses {
		l, err := listen(s, access)
		if err != nil {
			closeAll(bound)
			return nil, fmt.Errorf("cannot listen on %q: %w", s, err)
		}
		bound = append(bound, l)
	}
	return bound, nil
}

func listen(s string, access socketAccess) (net.Listener, error) {
	a, err := parseAddress(s)
	switch {
	case err != nil:
		return nil, err
	case a.path != "":
		return listenUnix(a.path, access)
	case !a.vsock:
		return net.Listen("tcp", s)
	case a.host != "":
		return vsock.ListenContextID(a.contextID, a.port, nil)
	}
	return vsock.Listen(a.port, nil)
}

// activated returns the stream sockets that systemd passed.
func activated() ([]net.Listener, error) {
	passed, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("cannot take systemd's sockets: %w", err)
	}
	var bound []net.Listener
	for _, l := range passed {
		if l != nil {
			bound = append(bound, l)
		}
	}
	if len(bound) == 0 {
		return nil, errors.New("systemd passed no socket to listen on")
	}
	return bound, nil
}

func closeAll(ls []net.Listener) {
	for _, l := range ls {
		_ = l.Close()
	}
}
