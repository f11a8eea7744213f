package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// pieces is a connection that brings what it has in pieces of a size.
type pieces struct {
	net.Conn
	text string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.text)
	p.text = p.text[n:]
	return n, nil
}

func TestHeadsHaveLineEndsThatTheServerTakes(t *testing.T) {
	const (
		get  = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
		bare = "GET /health HTTP/1.1\nHost: x\n\n"
	)
	for _, test := range []struct {
		name, in, out, complaint string
		last                     bool
	}{
		{"CRLF", get, get, "", false},
		{"CRLF with what follows", get + get, get, "", false},
		{"CRLF in front", "\r\n\r\n" + get, "\r\n\r\n" + get, "", false},
		{"no headers", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "", false},
		{"bare LF", bare, get, "", true},
		{"bare LF in front", "\n\n" + bare, "\r\n\r\n" + get, "", true},
		{"bare LF with what follows", bare + get, get, "", true},
		{"bare LF without headers", "GET / HTTP/1.0\n\n", "GET / HTTP/1.0\r\n\r\n", "", true},
		{"bare LF with a body of nothing", "PUT /x HTTP/1.1\nContent-Length: 0\n\n", "PUT /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "", true},
		{"bare LF with a body", "PUT /x HTTP/1.1\nContent-Length: 4\n\na 1\n", "", complaintBare, true},
		{"bare LF with a body in odd letters", "PUT /x HTTP/1.1\ncOnTeNt-LeNgTh : 4\n\na 1\n", "", complaintBare, true},
		{"bare LF with a length that is none", "PUT /x HTTP/1.1\nContent-Length:\n\na 1\n", "", complaintBare, true},
		{"bare LF with two lengths", "PUT /x HTTP/1.1\nContent-Length: 0\nContent-Length: 4\n\na 1\n", "", complaintBare, true},
		{"bare LF with a line that goes on", "PUT /x HTTP/1.1\nContent-Length: 0\n 4\n\na 1\n", "", complaintBare, true},
		{"bare LF with chunks", "PUT /x HTTP/1.1\nTransfer-Encoding: chunked\n\n0\n\n", "", complaintBare, true},
		{"bare LF with identity", "GET /x HTTP/1.1\nTransfer-Encoding: identity\n\n", "", complaintBare, true},
		{"bare LF, then CRLF", "GET / HTTP/1.1\nHost: x\r\n\r\n", "", complaintMixed, true},
		{"bare LF, CRLF at the end", "GET / HTTP/1.1\nHost: x\n\r\n", "", complaintMixed, true},
		{"CRLF, then bare LF", "GET / HTTP/1.1\r\nHost: x\n\r\n", "", complaintMixed, true},
		{"CRLF, bare LF at the end", "GET / HTTP/1.1\r\nHost: x\r\n\n", "", complaintMixed, true},
		{"bare LF in front of CRLF", "\n" + get, "", complaintMixed, true},
		{"CRLF in front of bare LF", "\r\n" + bare, "", complaintMixed, true},
		{"CR alone", "GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", "", false},
		{"an empty Host with bare LF", "GET / HTTP/1.1\nHost:\n\n", "GET / HTTP/1.1\r\nHost:host.invalid\r\n\r\n", "", true},
		{"a blank Host with bare LF", "GET / HTTP/1.1\nHost: \n\n", "GET / HTTP/1.1\r\nHost: host.invalid\r\n\r\n", "", true},
		{"a word", "QUIT\n", "QUIT\r\n", "", false},
		{"half a request", "GET / HTTP/1.1\r\nHo", "GET / HTTP/1.1\r\nHo", "", false},
		{"a long line", "GET /" + strings.Repeat("x", 5000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "GET /" + strings.Repeat("x", 5000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "", false},
		{"a long line with bare LF", "GET /" + strings.Repeat("x", 5000) + " HTTP/1.1\nHost: x\n\n", "GET /" + strings.Repeat("x", 5000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "", true},
	} {
		for _, size := range []int{1, 2, 3, 7, 64, 1 << 20} {
			c := &headConn{Conn: &pieces{text: test.in, size: size}, fresh: true}
			out := readHead(c)
			if test.complaint != "" && !strings.HasSuffix(out, spoiled) {
				t.Errorf("%s in pieces of %d: %q is not spoiled", test.name, size, out)
			}
			if test.complaint == "" && out != test.out || c.Complaint() != test.complaint || c.Last() != test.last {
				t.Errorf("%s in pieces of %d: %q, %q, last %v; want %q, %q", test.name, size, out, c.Complaint(), c.Last(), test.out, test.complaint)
			}
		}
	}
}

// readHead reads until the connection has seen the end of the head, or its own.
func readHead(c *headConn) string {
	var all strings.Builder
	buf := make([]byte, 32<<10)
	for {
		n, err := c.Read(buf)
		all.Write(buf[:n])
		if err != nil || !c.inHead && len(c.ready) == 0 && !c.last {
			return all.String()
		}
	}
}

func TestAnEmptyHostIsNobodys(t *testing.T) {
	for in, want := range map[string]string{
		"Host:": "Host:host.invalid", "Host: ": "Host: host.invalid", "host:\t": "host:\thost.invalid", "Host: x": "Host: x", "Hosts:": "Hosts:", "X-Host:": "X-Host:",
	} {
		for size := range 40 {
			c := &headConn{Conn: &pieces{text: "GET / HTTP/1.1\r\n" + in + "\r\nA: b\r\n\r\nGET", size: size + 1}, fresh: true}
			if out := readHead(c); out != "GET / HTTP/1.1\r\n"+want+"\r\nA: b\r\n\r\n" {
				t.Errorf("%q in pieces of %d: %q", in, size+1, out)
			}
		}
	}
}

func TestBodiesAreHandedOnAsTheyAre(t *testing.T) {
	const body = "a 1\nHost:\n\nb 2\r\n\r\n\n"
	text := fmt.Sprintf("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for _, size := range []int{1, 5, 64, 1 << 20} {
		c := &headConn{Conn: &pieces{text: text, size: size}, fresh: true}
		all, err := io.ReadAll(c)
		if string(all) != text || err != nil {
			t.Errorf("in pieces of %d: %q, %v", size, all, err)
		}
	}
}

func TestNoLengthOfABodyIsTooOdd(t *testing.T) {
	for _, length := range []string{"9223372036854775807", "99999999999999999999", "-1", "+4", "4, 4", "", "0x4", "4\r\nContent-Length: 5", "4\r\nTransfer-Encoding: chunked"} {
		text := "PUT /x HTTP/1.1\r\nContent-Length: " + length + "\r\n\r\na 1\n"
		c := &headConn{Conn: &pieces{text: text, size: 1 << 20}, fresh: true}
		if all, err := io.ReadAll(c); string(all) != text || err != nil {
			t.Errorf("%q: %q, %v", length, all, err)
		}
	}
}

// FuzzHead checks that it does not matter in which pieces a head arrives, that no
// bare LF gets through, and that what is as it should be goes through unchanged.
func FuzzHead(f *testing.F) {
	for _, text := range []string{
		"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "GET /health HTTP/1.1\nHost:\n\n", "PUT /x HTTP/1.1\r\nHost: \r\nContent-Length: 4\r\n\r\na 1\n",
		"\r\nGET / HTTP/1.0\r\n\n", "GET / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\n", "\n\r\n\r",
	} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") {
			t.Skip("the server refuses a CR alone")
		}
		whole, wholeHead := passed(text, 1<<20)
		parts, partsHead := passed(text, 1+max(size, 0)%100)
		if whole.complaint != parts.complaint || whole.last != parts.last || whole.complaint == "" && wholeHead != partsHead {
			t.Fatalf("%q becomes %q, in pieces of %d %q", text, wholeHead, size, partsHead)
		}
		if whole.ends != bareLF && !whole.last && !strings.Contains(strings.ToLower(text), "host:") && wholeHead != text {
			t.Fatalf("%q becomes %q", text, wholeHead)
		}
		if head, _, _ := strings.Cut(wholeHead, "\r\n\r\n"); whole.last && whole.complaint == "" && strings.Count(head, "\n") != strings.Count(head, "\r\n") {
			t.Fatalf("%q becomes %q", text, wholeHead)
		}
	})
}

// passed is what comes through a connection to its end.
func passed(text string, size int) (*headConn, string) {
	c := &headConn{Conn: &pieces{text: text, size: size}, fresh: true}
	out, _ := io.ReadAll(c)
	return c, string(out)
}

// say sends bytes to a server and reads all that comes until the server ends the
// connection.
func say(t *testing.T, addr, text string) string {
	t.Helper()
	conn := dial(t, addr)
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("%q: %q, %v", text, all, err)
	}
	return string(all)
}

func TestRequestsWithBareLFAreServedOrRefusedAtOnce(t *testing.T) {
	a := start(t)
	const get = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, test := range []struct {
		name, text string
		statuses   []int
	}{
		{"a probe", "GET /health HTTP/1.1\nHost: x\n\n", []int{200}},
		{"a probe of HTTP/1.0", "GET /health HTTP/1.0\n\n", []int{200}},
		{"a scrape", "GET /metrics HTTP/1.0\n\n", []int{200}},
		{"two probes, of which one is served", "GET /health HTTP/1.1\nHost: x\n\nGET /health HTTP/1.1\nHost: x\n\n", []int{200}},
		{"nothing behind one is served", "GET /health HTTP/1.1\nHost: x\n\n" + get, []int{200}},
		{"after a request as it should be", get + "GET /health HTTP/1.1\nHost: x\n\n", []int{200, 200}},
		{"an empty push", "PUT /metrics/job/x HTTP/1.1\nHost: x\n\n", []int{200}},
		{"a delete", "DELETE /metrics/job/x HTTP/1.1\nHost: x\nContent-Length: 0\n\n", []int{202}},
		{"a push", "PUT /metrics/job/x HTTP/1.1\nHost: x\nContent-Length: 4\n\na 1\n", []int{400}},
		{"mixed", "GET /health HTTP/1.1\nHost: x\r\n\r\n", []int{400}},
		{"mixed, without what the server waits for", "GET /health HTTP/1.1\r\nHost: x\r\n\n", []int{400}},
		{"mixed after a request as it should be", get + "GET /health HTTP/1.1\r\nHost: x\n\r\n", []int{200, 400}},
		{"no Host", "GET /health HTTP/1.1\n\n", []int{400}},
		{"an empty Host", "GET /health HTTP/1.1\nHost:\n\n", []int{200}},
		{"an empty Host with CRLF", "GET /health HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", []int{200}},
		{"a word", "QUIT\n", []int{400}},
		{"a CR alone", "GET /health HTTP/1.1\r\nHost: \rx\r\n\r\n", []int{400}},
		{"a CR alone with bare LF", "GET /health HTTP/1.1\nHost: x\ry\n\n", []int{400}},
		{"a request behind a push", "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na 1\nGET /health HTTP/1.1\r\nHost: x\n\r\n", []int{200, 400}},
	} {
		answers := say(t, a.Addr(), test.text)
		in, statuses := bufio.NewReader(strings.NewReader(answers)), []int{}
		for {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				break
			}
			body, _ := io.ReadAll(resp.Body)
			statuses = append(statuses, resp.StatusCode)
			if resp.StatusCode == 400 && strings.Count(string(body), "\n") != 1 {
				t.Errorf("%s: %q", test.name, body)
			}
		}
		if fmt.Sprint(statuses) != fmt.Sprint(test.statuses) {
			t.Errorf("%s: %v, want %v:\n%.600s", test.name, statuses, test.statuses, answers)
		}
	}
}

func TestRequestsAreKnownByTheirFirstBytes(t *testing.T) {
	for text, want := range map[string]bool{
		"GET /": true, "GET h": true, "PUT h": true, "HEAD ": true, "OPTIO": true, "PATCH": true, "TRACE": true, "CONNE": true, "PROPF": true,
		"get /": true, "\r\nGET": true, "\nPUT ": true, "SSH-2": false, "\x00\x00\x00\x08\x04": false, "\r\n\r\n\r": false, " GET ": false, "{\"a\":": false,
	} {
		if got := beginsHTTP([5]byte([]byte(text))); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestManyRequestsInOnePieceAreAllServed(t *testing.T) {
	a := start(t)
	var text strings.Builder
	const n = 200
	for i := range n {
		fmt.Fprintf(&text, "GET /health HTTP/1.1\r\nHost: x\r\n\r\nPUT /metrics/job/x%d HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na 1\n", i)
		fmt.Fprintf(&text, "POST /metrics/job/x%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nb 1\n\r\n0\r\n\r\n", i)
	}
	text.WriteString("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if got := strings.Count(say(t, a.Addr(), text.String()), "HTTP/1.1 200 OK\r\n"); got != 3*n+1 {
		t.Errorf("%d answers, want %d", got, 3*n+1)
	}
}
