package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"strings"
)

// SocketAccess is who may connect to Unix sockets that are made.
type SocketAccess struct {
	Mode  fs.FileMode `flag:"web.unix-socket-mode" default:"0660" is:"socket mode" help:"Permissions of the Unix sockets that are listened on."`
	Owner `flag:"web.unix-socket-owner" is:"socket owner" help:"Owner of these sockets: user, user:group or :group. Default: the server's own."`
}

// Owner is the owner of a file.
type Owner struct{ UID, GID int } // -1: the program's own

// parseSocketMode takes the permissions of a file in octal digits.
func parseSocketMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return 0, errors.New("expected permissions in octal digits, from 0600 to 0777, such as 0660")
	}
	return fs.FileMode(n), nil
}

// parseSocketOwner takes user, user:group and :group, by name or by number.
func parseSocketOwner(s string) (Owner, error) {
	a := Owner{UID: -1, GID: -1}
	name, group, both := strings.Cut(s, ":")
	if both && group == "" {
		return a, errors.New("expected a user, user:group or :group")
	}
	var err error
	if name != "" {
		if a.UID, err = userID(name); err != nil {
			return a, fmt.Errorf("there is no user %q on this machine", name)
		}
	}
	if group != "" {
		if a.GID, err = groupID(group); err != nil {
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
