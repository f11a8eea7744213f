package app

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// accepted starts a listener with bounds and answers each connection's server
// side on the channel.
func accepted(t *testing.T, b lingerBounds) (addr string, l *lingering, conns <-chan net.Conn) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = newLingering(b)
	ln := newLingerListener(inner, l)
	t.Cleanup(func() { _ = ln.Close() })
	ch := make(chan net.Conn)
	go func() {
		defer close(ch)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			ch <- c
		}
	}()
	return inner.Addr().String(), l, ch
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAnAnswerReachesAClientThatSendsEverythingFirst(t *testing.T) {
	addr, l, conns := accepted(t, defaultLinger)
	for range 10 {
		client := dial(t, addr)
		server := <-conns
		closed := make(chan error, 1)
		go func() {
			_, _ = io.WriteString(server, "no")
			server.(*lingerConn).Linger()
			closed <- server.Close()
		}()
		chunk := make([]byte, 1<<20)
		for range 40 {
			if _, err := client.Write(chunk); err != nil {
				t.Fatalf("writing: %v", err)
			}
		}
		if got, err := io.ReadAll(client); string(got) != "no" || err != nil {
			t.Fatalf("read %q, %v, want the answer", got, err)
		}
		_ = client.Close()
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
	}
	l.wait(t.Context())
}

func TestLingeringEnds(t *testing.T) {
	long := time.Hour
	tests := []struct {
		name   string
		bounds lingerBounds
		client func(net.Conn)
	}{
		{"when the client ends", lingerBounds{1 << 30, long, long}, func(c net.Conn) { _ = c.Close() }},
		{"when the client is silent", lingerBounds{1 << 30, long, time.Millisecond}, func(net.Conn) {}},
		{"after a time in all", lingerBounds{1 << 30, time.Millisecond, long}, func(net.Conn) {}},
		{"after an amount", lingerBounds{1 << 20, long, long}, func(c net.Conn) {
			for chunk := make([]byte, 1<<16); ; {
				if _, err := c.Write(chunk); err != nil {
					return
				}
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			addr, l, conns := accepted(t, test.bounds)
			client := dial(t, addr)
			server := <-conns
			server.(*lingerConn).Linger()
			go test.client(client)
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}
			l.wait(t.Context()) // returns at once: nothing lingers
		})
	}
}

func TestWaitCutsOffWhatStillLingersAtItsEnd(t *testing.T) {
	addr, l, conns := accepted(t, lingerBounds{1 << 30, time.Hour, time.Hour})
	client := dial(t, addr)
	server := <-conns
	server.(*lingerConn).Linger()
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the sending side did not end: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.wait(ctx)
	if err := <-closed; err != nil && !strings.Contains(err.Error(), "closed") {
		t.Fatal(err)
	}
}

func TestAConnectionThatNeedNotLingerClosesAtOnce(t *testing.T) {
	addr, l, conns := accepted(t, lingerBounds{1 << 30, time.Hour, time.Hour})
	client := dial(t, addr)
	server := <-conns
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	server.(*lingerConn).Linger() // too late: must not be waited for
	_ = server.Close()            // twice is fine
	l.wait(t.Context())
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("got %v, want the end", err)
	}
}

// shortListener has no file descriptor for its first connections.
type shortListener struct {
	net.Listener
	short int
}

func (l *shortListener) Accept() (net.Conn, error) {
	if l.short--; l.short >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return nil, net.ErrClosed
}

func (l *shortListener) Close() error { return nil }

func TestAListenerOutlastsAShortageOfFileDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &shortListener{short: 10}
		_, err := newLingerListener(inner, newLingering(defaultLinger)).Accept()
		if !errors.Is(err, net.ErrClosed) || inner.short != -1 {
			t.Errorf("got %v with %d failures left", err, inner.short)
		}
	})
}

func TestAListenerThatIsShortOfFileDescriptorsCanBeClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLingerListener(&shortListener{short: 1 << 30}, newLingering(defaultLinger))
		accept := make(chan error)
		go func() {
			_, err := l.Accept()
			accept <- err
		}()
		synctest.Wait()
		_ = l.Close()
		_ = l.Close()
		if err := <-accept; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}
