package auth_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"gatehouse/auth"
)

// connect makes a connection to a listener and answers both of its ends.
func connect(t testing.TB, listen, network, host string) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Skipf("this machine cannot listen on %s: %v", listen, err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	client, err = net.Dial(network, net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func addrPort(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }

// ownerOf asks as a server would: about the client of a connection.
func ownerOf(server net.Conn) (uint32, error) {
	return auth.SocketOwner(addrPort(server.RemoteAddr()), addrPort(server.LocalAddr()))
}

func TestTheOwnerOfAConnectionIsFound(t *testing.T) {
	for _, tt := range []struct{ name, listen, network, host string }{
		{"IPv4", "127.0.0.1:0", "tcp4", "127.0.0.1"},
		{"IPv6", "[::1]:0", "tcp6", "::1"},
		{"IPv4 to a listener of both", "[::]:0", "tcp4", "127.0.0.1"},
		{"IPv6 to a listener of both", "[::]:0", "tcp6", "::1"},
		{"another address of the loopback", "127.0.0.2:0", "tcp4", "127.0.0.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, server := connect(t, tt.listen, tt.network, tt.host)
			if uid, err := ownerOf(server); err != nil || int(uid) != os.Getuid() {
				t.Errorf("got %d, %v, want %d", uid, err, os.Getuid())
			}
		})
	}
}

func TestAnIPv4ConnectionOfAnIPv6SocketIsFound(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	defer syscall.Close(fd)
	to := syscall.SockaddrInet6{Port: int(addrPort(l.Addr()).Port()), Addr: netip.MustParseAddr("::ffff:127.0.0.1").As16()}
	if err := syscall.Connect(fd, &to); err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if uid, err := ownerOf(server); err != nil || int(uid) != os.Getuid() {
		t.Errorf("got %d, %v, want %d", uid, err, os.Getuid())
	}
}

func TestAConnectionThatIsNotThereHasNoOwner(t *testing.T) {
	_, server := connect(t, "127.0.0.1:0", "tcp4", "127.0.0.1")
	peer, local := addrPort(server.RemoteAddr()), addrPort(server.LocalAddr())
	for name, ends := range map[string][2]netip.AddrPort{
		"the client's port is another":    {netip.AddrPortFrom(peer.Addr(), peer.Port()^1), local},
		"the server's port is another":    {peer, netip.AddrPortFrom(local.Addr(), local.Port()^1)},
		"the client's address is another": {netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), peer.Port()), local},
		"the server's address is another": {peer, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), local.Port())},
		"both are IPv6":                   {netip.AddrPortFrom(netip.IPv6Loopback(), peer.Port()), netip.AddrPortFrom(netip.IPv6Loopback(), local.Port())},
		"there are none":                  {},
	} {
		if uid, err := auth.SocketOwner(ends[0], ends[1]); !errors.Is(err, auth.ErrNoSocket) {
			t.Errorf("%s: got %d, %v", name, uid, err)
		}
	}
}

func TestAClientThatHasHungUpHasNoOwner(t *testing.T) {
	client, server := connect(t, "127.0.0.1:0", "tcp4", "127.0.0.1")
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if uid, err := ownerOf(server); err != nil || int(uid) != os.Getuid() {
		t.Errorf("while it waits for the answer: got %d, %v, want %d", uid, err, os.Getuid())
	}
	client.Close()
	if uid, err := ownerOf(server); !errors.Is(err, auth.ErrNoSocket) {
		t.Errorf("after it has left: got %d, %v", uid, err)
	}
}

func TestTheOwnerIsTheUserOfTheClient(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start programs of other users")
	}
	const nobody = 65534
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// The test binary lies where others may not look, but it may start itself.
	client := exec.Command("/proc/self/exe", "-test.run=^TestDialForAnotherTest$")
	client.Env = []string{dialVariable + "=" + l.Addr().String()}
	client.Dir = "/"
	client.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	client.Stdout, client.Stderr = &said, &said
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- client.Wait()
		l.Close()
	}()
	server, err := l.Accept()
	if err != nil {
		t.Fatalf("%v; the client: %v, %s", err, <-ended, said.String())
	}
	uid, err := ownerOf(server)
	server.Close()
	if err != nil || uid != nobody {
		t.Errorf("got %d, %v, want %d", uid, err, nobody)
	}
	if err := <-ended; err != nil {
		t.Errorf("the client: %v, %s", err, said.String())
	}
}

const dialVariable = "GATEHOUSE_TEST_DIAL"

// TestDialForAnotherTest is the client of the test above: it stays connected
// until the server hangs up.
func TestDialForAnotherTest(t *testing.T) {
	addr := os.Getenv(dialVariable)
	if addr == "" {
		t.Skip("another test runs this in a process of its own")
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
}

func BenchmarkSocketOwner(b *testing.B) {
	_, server := connect(b, "127.0.0.1:0", "tcp4", "127.0.0.1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ownerOf(server); err != nil {
			b.Fatal(err)
		}
	}
}
