package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"gatehouse/app/config"
)

// socketProbe bounds how long a program that may listen on a socket already is
// waited for.
const socketProbe = 2 * time.Second

// listenUnix makes a socket. What a dead program left in its place goes; what a
// living one listens on, and what is no socket, is in the way. Nobody can connect
// before the socket has its mode and its owner.
func listenUnix(path string, access config.SocketAccess) (net.Listener, error) {
	if err := clearSocket(path); err != nil {
		return nil, err
	}
	c := net.ListenConfig{Control: closedSocket}
	l, err := c.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, pathError(err)
	}
	u := &unixListener{UnixListener: l.(*net.UnixListener), path: path}
	u.SetUnlinkOnClose(false)
	if u.made, err = os.Lstat(path); err == nil {
		err = giveAccess(path, access)
	}
	if err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return u, nil
}

func giveAccess(path string, a config.SocketAccess) error {
	if a.UID != -1 || a.GID != -1 {
		if err := os.Lchown(path, a.UID, a.GID); err != nil {
			return fmt.Errorf("cannot give it to its owner (--web.unix-socket-owner): %w", pathError(err))
		}
	}
	if err := os.Chmod(path, a.Mode); err != nil {
		return fmt.Errorf("cannot set its mode (--web.unix-socket-mode): %w", pathError(err))
	}
	return nil
}

// clearSocket makes way for a socket.
func clearSocket(path string) error {
	found, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return pathError(err)
	case found.Mode()&fs.ModeSocket == 0:
		return errors.New("there is something else than a socket in its place; remove it, or choose another path")
	}
	c, err := net.DialTimeout("unix", path, socketProbe)
	switch {
	case err == nil:
		_ = c.Close()
		return errors.New("address already in use: another program listens on this socket")
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot find out whether another program listens on this socket: %w", pathError(err))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the socket that another program has left: %w", pathError(err))
	}
	return nil
}

// pathError leaves out the path, which the message names already.
func pathError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var s *os.SyscallError
	if errors.As(err, &s) {
		return s.Err
	}
	return err
}

// unixListener takes its socket with it when it closes, unless there is another
// one in its place by now.
type unixListener struct {
	*net.UnixListener
	path string
	made fs.FileInfo
	once sync.Once
}

func (l *unixListener) Close() error {
	l.once.Do(func() {
		if now, err := os.Lstat(l.path); err == nil && l.made != nil && os.SameFile(now, l.made) {
			_ = os.Remove(l.path) // what is left is replaced by the next start
		}
	})
	return l.UnixListener.Close()
}
