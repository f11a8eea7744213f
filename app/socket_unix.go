//go:build unix

package app

import "syscall"

// closedSocket has a socket made in such a way that at first only the program's
// own user can connect: where the kernel looks at that, which Linux does.
func closedSocket(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) })
}
