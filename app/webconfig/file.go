// Package webconfig reads the web configuration file that Prometheus' own
// servers take, TLS, users and headers, and keeps up with its changes.
package webconfig

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
)

// File is a web configuration file, as it was when it was good last. Its
// methods may be called at the same time.
type File struct {
	path    string // empty: there is no file
	log     *slog.Logger
	opened  *configuration // what Open found
	current atomic.Pointer[configuration]

	mu     sync.Mutex
	seen   [sha256.Size]byte // what the last look found
	result error             // of the last look
}

// configuration is all that a good file says. It never changes.
type configuration struct {
	tls     *tls.Config // nil: no TLS
	clients ClientCertificates
	users   map[string]string
	headers map[string]string
}

// Open reads and checks the file at path and the files that it names. An error
// is one line that says what is wrong and where, without anything secret.
func Open(path string, logger *slog.Logger) (*File, error) {
	s := read(path)
	c, err := s.configuration()
	if err != nil {
		return nil, located(path, err)
	}
	f := &File{path: path, log: logger, opened: c, seen: s.digest}
	f.current.Store(c)
	return f, nil
}

// OpenNamed opens the file that --web.config.file names, or returns Empty if it
// names none.
func OpenNamed(path string, logger *slog.Logger) (*File, error) {
	if path == "" {
		return Empty(), nil
	}
	f, err := Open(path, logger)
	if err != nil {
		return nil, fmt.Errorf("cannot use --web.config.file: %w", err)
	}
	return f, nil
}

// Empty returns a file that is empty for ever.
func Empty() *File {
	f := &File{opened: &configuration{}}
	f.current.Store(f.opened)
	return f
}

func located(path string, err error) error {
	return fmt.Errorf("web configuration file %q: %w", path, err)
}

// TLS reports whether clients must come with TLS. It never changes.
func (f *File) TLS() bool { return f.opened.tls != nil }

// ClientCertificates says what clients are asked for at present. It never
// becomes less than it was after Open.
func (f *File) ClientCertificates() ClientCertificates { return f.current.Load().clients }

// Users are the names with their bcrypt hashes at present; nil: the file says
// nothing of users. One that lists none, or says nothing at all, is not nil: it was
// made to keep people out.
// The map stays as it is, also when the file changes; callers only read it.
func (f *File) Users() map[string]string { return f.current.Load().users }

// Headers returns those to add to every answer at present; nil: none. The map
// stays as it is, also when the file changes; callers only read it.
func (f *File) Headers() map[string]string { return f.current.Load().headers }

// Listen wraps l in TLS if the file asks for it, else it returns l. Each
// handshake uses the file's content at that time; existing connections go on.
func (f *File) Listen(l net.Listener) net.Listener {
	if !f.TLS() {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return f.current.Load().tls, nil
		},
	})
}

// OwnClient is for a client that connects to this very server on the machine it
// runs on; nil without TLS. The certificate is for other names, so it is not
// checked: nothing secret may be sent.
func (f *File) OwnClient() *tls.Config {
	if !f.TLS() {
		return nil
	}
	return &tls.Config{InsecureSkipVerify: true, MinVersion: f.current.Load().tls.MinVersion} //nolint:gosec // see above
}

// Reload looks at the files once. If their content has changed since the last
// look, it is loaded and the outcome logged. After an error everything goes on
// as before; while the content stays the same, so does the error, which is
// then not logged again.
func (f *File) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	s := read(f.path)
	if s.digest == f.seen {
		return f.result
	}
	f.seen, f.result = s.digest, f.load(s)
	return f.result
}

func (f *File) load(s source) error {
	c, err := s.configuration()
	if err == nil {
		err = f.opened.mayBecome(c)
	}
	if err != nil {
		err = located(f.path, err)
		f.log.Error("Cannot reload the web configuration; going on with the one before", "err", err)
		return err
	}
	f.current.Store(c)
	f.log.Info("Reloaded the web configuration", "file", f.path, "users", len(c.users),
		"tls", c.tls != nil, "client_certificates", c.clients)
	return nil
}

// mayBecome refuses what would open a running server, or what its listeners
// cannot follow.
func (c *configuration) mayBecome(next *configuration) error {
	switch {
	case c.tls == nil && next.tls != nil:
		return errors.New("TLS can be switched on by a restart only")
	case c.tls != nil && next.tls == nil:
		return errors.New("TLS can be switched off by a restart only")
	case next.clients < c.clients:
		return fmt.Errorf("client certificates were %s at the start and can become %s by a restart only", c.clients, next.clients)
	}
	return nil
}
