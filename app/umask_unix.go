//go:build unix

package app

import "syscall"

// KeepFilesPrivate gives files and directories that the process creates from now on
// to its user alone, whatever it was started with. What others are to reach, such as
// a socket, is opened to them on purpose.
func KeepFilesPrivate() { syscall.Umask(0o077) }
