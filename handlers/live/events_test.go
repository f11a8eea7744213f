package live

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/auth"
	"gatehouse/handlers/web"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStreamsAreLimitedInAll(t *testing.T) {
	t.Parallel()
	all := streams{open: make(map[viewer]int)}
	var leave func()
	for i := range maxStreams {
		var err error
		leave, err = all.enter(viewer{auth.Basic, "ana", fmt.Sprint(i)})
		must(t, err)
	}
	var refused *web.Error
	if _, err := all.enter(viewer{auth.Basic, "bob", ""}); !errors.As(err, &refused) || refused.Status != 503 {
		t.Errorf("got %v", err)
	}
	leave()
	if _, err := all.enter(viewer{auth.Basic, "bob", ""}); err != nil || len(all.open) != maxStreams {
		t.Errorf("got %v, %d clients", err, len(all.open))
	}
}

// pumped sends a stream over conn as the server does, until either ends.
func pumped(s *eventStream, conn net.Conn) (ended <-chan error) {
	done := make(chan error, 1)
	go func() {
		p := make([]byte, 16)
		for {
			n, err := s.Read(p)
			if err == nil {
				_, err = conn.Write(p[:n])
			}
			if err != nil {
				_ = s.Close()
				_ = conn.Close()
				done <- err
				return
			}
		}
	}()
	return done
}

// timed runs a stream of which a test sees every message, on a clock of its
// own.
func timed(t *testing.T, test func(changes *atomic.Uint64, client net.Conn, left *bool, ended <-chan error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		left := false
		var changes atomic.Uint64
		changes.Store(7)
		now := func() web.Mark { return web.Mark{Epoch: "e", Changes: changes.Load()} }
		ended := pumped(newEventStream(server, now, func() bool { return true }, nil, func() { left = true }), server)
		test(&changes, client, &left, ended)
		_ = client.Close()
		synctest.Wait()
		if !left {
			t.Error("the stream still counts")
		}
	})
}

func TestAStreamBeatsAndEndsInTime(t *testing.T) {
	t.Parallel()
	timed(t, func(_ *atomic.Uint64, client net.Conn, _ *bool, ended <-chan error) {
		began := time.Now()
		text, err := io.ReadAll(client)
		if took := time.Since(began); err != nil || took != streamLife {
			t.Errorf("ended after %v with %v", took, err)
		}
		if beats := strings.Count(string(text), "\n\n:\n") + strings.Count(string(text), "\n:\n\n"); beats < int(streamLife/beatEvery)-1 {
			t.Errorf("%d beats in %q", beats, text)
		}
		if err := <-ended; !errors.Is(err, io.EOF) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestManyChangesAreReportedOnceASecond(t *testing.T) {
	t.Parallel()
	timed(t, func(changes *atomic.Uint64, client net.Conn, _ *bool, _ <-chan error) {
		in := bufio.NewReader(client)
		until := func(line string) {
			t.Helper()
			for {
				got, err := in.ReadString('\n')
				must(t, err)
				if got == line {
					return
				}
			}
		}
		until("id: e.7\n")
		began := time.Now()
		for _, n := range []uint64{3, 1, 250} {
			synctest.Wait()
			changes.Add(n)
			until(fmt.Sprintf("data: %d\n", n))
		}
		if took := time.Since(began); took != 3*pollEvery {
			t.Errorf("three events took %v", took)
		}
	})
}

func TestAClientThatReadsTooSlowlyIsLeft(t *testing.T) {
	t.Parallel()
	timed(t, func(_ *atomic.Uint64, _ net.Conn, left *bool, ended <-chan error) {
		began := time.Now()
		var timeout net.Error
		if err := <-ended; !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(began) != tellTime {
			t.Errorf("ended after %v with %v", time.Since(began), err)
		}
		if !*left {
			t.Error("it still counts")
		}
	})
}
