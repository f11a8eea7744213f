package app

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// lingerBounds bounds how much, and how long, a lingering connection reads and
// drops before it closes.
type lingerBounds struct {
	bytes          int
	total, silence time.Duration
}

var defaultLinger = lingerBounds{bytes: 128 << 20, total: 10 * time.Second, silence: 2 * time.Second}

// lingering holds the connections that linger and are not closed yet, so that
// the program doesn't end before their clients have their answer.
type lingering struct {
	bounds lingerBounds

	mu    sync.Mutex
	conns map[*lingerConn]struct{}
	none  chan struct{} // closed as soon as conns is empty; nil: nobody waits
}

func newLingering(b lingerBounds) *lingering {
	return &lingering{bounds: b, conns: make(map[*lingerConn]struct{})}
}

func (l *lingering) add(c *lingerConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
}

func (l *lingering) remove(c *lingerConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	if len(l.conns) == 0 && l.none != nil {
		close(l.none)
		l.none = nil
	}
}

// wait returns when no connection lingers any more. At the end of ctx it cuts
// off those that still do.
func (l *lingering) wait(ctx context.Context) {
	l.mu.Lock()
	if len(l.conns) == 0 {
		l.mu.Unlock()
		return
	}
	if l.none == nil {
		l.none = make(chan struct{})
	}
	none := l.none
	l.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
		l.cut()
	}
}

func (l *lingering) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

// lingerListener hands out connections that can linger. Its Close may be
// called twice.
type lingerListener struct {
	net.Listener
	lingering *lingering

	once sync.Once
	done chan struct{} // closed by Close
	err  error         // of Close
}

func newLingerListener(l net.Listener, all *lingering) *lingerListener {
	return &lingerListener{Listener: l, lingering: all, done: make(chan struct{})}
}

// Accept outlasts a shortage of file descriptors or memory: the server below
// would take it for the end of the listener.
func (l *lingerListener) Accept() (net.Conn, error) {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		c, err := l.Listener.Accept()
		if err == nil {
			return &lingerConn{Conn: c, lingering: l.lingering}, nil
		}
		if !passing(err) {
			return nil, err
		}
		select {
		case <-l.done:
			return nil, net.ErrClosed
		case <-time.After(wait):
		}
	}
}

// passing reports whether accepting may work again without any change here.
func passing(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func (l *lingerListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.err = l.Listener.Close()
	})
	return l.err
}

// lingerConn is a connection whose Close, once Linger was called, ends the
// sending side only and drops what still comes, within bounds, until the client
// has seen the end. Closing at once instead would make the kernel answer the
// client's next bytes with a reset, which discards what the client has not read
// yet: the answer that explains why it should stop sending.
type lingerConn struct {
	net.Conn
	lingering *lingering

	mu     sync.Mutex
	linger bool
	closed bool

	once  sync.Once
	found bool
}

// Once answers what find found out about the connection the first time.
func (c *lingerConn) Once(find func() bool) bool {
	c.once.Do(func() { c.found = find() })
	return c.found
}

// Linger makes the coming Close linger. The caller closes the connection soon.
func (c *lingerConn) Linger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.linger || c.closed {
		return
	}
	c.linger = true
	c.lingering.add(c)
}

// Close may be called twice; the second call doesn't wait.
func (c *lingerConn) Close() error {
	c.mu.Lock()
	linger := c.linger && !c.closed
	c.closed = true
	c.mu.Unlock()
	if linger {
		c.drop()
		defer c.lingering.remove(c)
	}
	return c.Conn.Close()
}

// drop ends the sending side and reads until the client ends too.
func (c *lingerConn) drop() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	bounds := c.lingering.bounds
	end := time.Now().Add(bounds.total)
	buf := make([]byte, 32<<10)
	for left := bounds.bytes; left > 0; {
		silence := time.Now().Add(bounds.silence)
		if silence.After(end) {
			silence = end
		}
		if c.SetReadDeadline(silence) != nil {
			return
		}
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		left -= n
	}
}
