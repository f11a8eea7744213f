//go:build unix

package pebble

import "syscall"

// lockHolder is the process that holds a lock on the open file, or 0.
func lockHolder(fd uintptr) int {
	lock := syscall.Flock_t{Type: syscall.F_RDLCK, Whence: 0}
	if err := syscall.FcntlFlock(fd, syscall.F_GETLK, &lock); err != nil || lock.Type == syscall.F_UNLCK {
		return 0
	}
	return int(lock.Pid)
}
