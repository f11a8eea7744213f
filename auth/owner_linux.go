package auth

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"

	"github.com/prometheus/procfs"
)

// SocketOwner returns the id of the user that owns the client's end of a TCP
// connection that was made on this machine. peer and local are the two ends as
// the server sees them. The error is ErrNoSocket if there is no such socket,
// errors.ErrUnsupported on systems that can't report it, or another one if
// the system does not answer.
//
// It reads a list of all sockets, which takes milliseconds: ask only when it
// matters, and once per connection.
func SocketOwner(peer, local netip.AddrPort) (uid uint32, err error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, err
	}
	// A client may use an IPv6 socket for an IPv4 connection; never the other
	// way round.
	lists := []func() (procfs.NetTCP, error){
		proc.NetTCP,  //nolint:staticcheck // Netlink, which is advised instead, is often closed to containers and units.
		proc.NetTCP6, //nolint:staticcheck // As above.
	}
	if !peer.Addr().Unmap().Is4() {
		lists = lists[1:]
	}
	for i, list := range lists {
		sockets, err := list()
		if i > 0 && errors.Is(err, fs.ErrNotExist) {
			break // a kernel without IPv6
		}
		if err != nil {
			return 0, err
		}
		for _, s := range sockets {
			// A socket that its program has closed lives on for a while without
			// an inode. Linux may then say that it belongs to root.
			if s.Inode != 0 && sameEnd(local, s.RemAddr, s.RemPort) && sameEnd(peer, s.LocalAddr, s.LocalPort) {
				return uint32(s.UID), nil
			}
		}
	}
	return 0, ErrNoSocket
}

func sameEnd(end netip.AddrPort, ip net.IP, port uint64) bool {
	addr, ok := netip.AddrFromSlice(ip)
	return ok && uint64(end.Port()) == port && plain(addr) == plain(end.Addr())
}
