//go:build !unix

package app

import "syscall"

func closedSocket(_, _ string, _ syscall.RawConn) error { return nil }
