package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// socketAccess is who may connect to Unix sockets that are made.
type socketAccess struct {
	mode     fs.FileMode // of the file
	uid, gid int         // -1: the program's own
}

// socketProbe bounds how long a program that may listen on a socket already is
// waited for.
const socketProbe = 2 * time.Second

// listenUnix makes a socket. What a dead program left in its place goes; what a
// living one listens on, and what is no socket, is in the way. Nobody can connect
// before the socket has its mode and its owner.
func listenUnix(path string, access socketAccess) (net.Listener, error) {
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
		err = access.apply(path)
	}
	if err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return u, nil
}

func (a socketAccess) apply(path string) error {
	if a.uid != -1 || a.gid != -1 {
		if err := os.Lchown(path, a.uid, a.gid); err != nil {
			return fmt.Errorf("cannot give it to its owner (--web.unix-socket-owner): %w", pathError(err))
		}
	}
	if err := os.Chmod(path, a.mode); err != nil {
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

// parseSocketMode takes the permissions of a file in octal digits.
func parseSocketMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return 0, errors.New("expected permissions in octal digits, from 0600 to 0777, such as 0660")
	}
	return fs.FileMode(n), nil
}

// parseSocketOwner takes user, user:group and :group, by name or by number.
func parseSocketOwner(s string) (socketAccess, error) {
	a := socketAccess{uid: -1, gid: -1}
	name, group, both := strings.Cut(s, ":")
	if both && group == "" {
		return a, errors.New("expected a user, user:group or :group")
	}
	var err error
	if name != "" {
		if a.uid, err = userID(name); err != nil {
			return a, fmt.Errorf("there is no user %q on this machine", name)
		}
	}
	if group != "" {
		if a.gid, err = groupID(group); err != nil {
			return a, fmt.Errorf("there is no group %q on this machine", group)
		}
	}
	return a, nil
}

func userID(s string) (int, error) {
	if id, err := strconv.ParseUint(s, 10, 31); err == nil {
		return int(id), nil
	}
	u, err := user.Lookup(s)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Uid)
}

func groupID(s string) (int, error) {
	if id, err := strconv.ParseUint(s, 10, 31); err == nil {
		return int(id), nil
	}
	g, err := user.LookupGroup(s)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}
