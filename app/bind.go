package app

import (
	"errors"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/mdlayher/vsock"

	"gatehouse/app/config"
)

// bind opens all listeners that o names for everything, or none.
func bind(o config.Options) ([]net.Listener, error) {
	if o.SystemdSocket {
		return activated()
	}
	return bindAll(o.ListenAddresses, o.Sockets)
}

// bindAll opens listeners at all addresses, or none.
func bindAll(addresses []config.Address, access config.SocketAccess) ([]net.Listener, error) {
	var bound []net.Listener
	for _, a := range addresses {
		l, err := listen(a, access)
		if err != nil {
			closeAll(bound)
			return nil, fmt.Errorf("cannot listen on %q: %w", a.String(), err)
		}
		bound = append(bound, l)
	}
	return bound, nil
}

func listen(a config.Address, access config.SocketAccess) (net.Listener, error) {
	switch {
	case a.Path != "":
		return listenUnix(a.Path, access)
	case !a.VSock:
		return net.Listen("tcp", a.String())
	case a.Host != "":
		return vsock.ListenContextID(a.ContextID, a.Port, nil)
	}
	return vsock.Listen(a.Port, nil)
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
