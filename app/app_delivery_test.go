package app

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// refusals are requests that the server refuses before it has read them, and
// how it answers.
var refusals = []struct {
	name   string
	head   string
	size   int
	chunk  bool
	status int
}{
	{"a body of 17 MB", "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\n", 17_000_000, false, 413},
	{"a body of 100 MB", "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\n", 100_000_000, false, 413},
	{"a chunked body of 40 MB", "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\n", 40_000_000, true, 413},
	{"a body for nobody", "PUT /nowhere HTTP/1.1\r\nHost: x\r\n", 17_000_000, false, 404},
	{"a chunked body for nobody", "PUT /nowhere HTTP/1.1\r\nHost: x\r\n", 17_000_000, true, 404},
	{"a chunked body in an unknown encoding", "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\n", 17_000_000, true, 415},
	{"headers of 40 KB", "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 40_000) + "\r\n", 0, false, 431},
}

// raw is a whole request as bytes.
func raw(head string, size int, chunk bool) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	if !chunk {
		if size > 0 {
			fmt.Fprintf(&b, "Content-Length: %d\r\n", size)
		}
		b.WriteString("\r\n")
		b.Write(comment(size))
		return b.Bytes()
	}
	b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
	for size > 0 {
		n := min(size, 64<<10)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, comment(n))
		size -= n
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

// comment is valid text format of n bytes without a metric.
func comment(n int) []byte {
	return bytes.Repeat([]byte("# comment\n"), n/10+1)[:n]
}

func TestARefusalReachesAClientThatSendsEverythingFirst(t *testing.T) {
	a := start(t)
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			request := raw(test.head, test.size, test.chunk)
			for range 10 {
				conn := dial(t, a.Addr())
				if _, err := conn.Write(request); err != nil {
					t.Fatalf("writing: %v", err)
				}
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatalf("no answer: %v", err)
				}
				text, err := io.ReadAll(resp.Body)
				if resp.StatusCode != test.status || err != nil || strings.Count(string(text), "\n") != 1 {
					t.Fatalf("got %d %q, %v; want %d and a line", resp.StatusCode, text, err, test.status)
				}
				_ = conn.Close()
			}
		})
	}
}

func TestARefusalReachesGoClients(t *testing.T) {
	a := start(t)
	for _, size := range []int{17_000_000, 100_000_000} {
		body := comment(size)
		for _, announced := range []bool{true, false} {
			for range 10 {
				var r io.Reader = bytes.NewReader(body)
				if !announced {
					r = io.MultiReader(r)
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+a.Addr()+"/metrics/job/x", r)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatalf("%d bytes, announced %v: %v", size, announced, err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusRequestEntityTooLarge {
					t.Fatalf("%d bytes, announced %v: got %d", size, announced, resp.StatusCode)
				}
			}
		}
	}
}

func TestARefusalReachesCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("curl is not installed")
	}
	a := start(t)
	for _, args := range [][]string{{}, {"-H", "Expect:"}, {"-H", "Transfer-Encoding: chunked"}} {
		for range 10 {
			cmd := exec.CommandContext(t.Context(), curl, append(args, "-sS", "-o", "/dev/null", "-w", "%{http_code}",
				"-X", "PUT", "--data-binary", "@-", "http://"+a.Addr()+"/metrics/job/x")...)
			cmd.Stdin = bytes.NewReader(comment(17_000_000))
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != strconv.Itoa(http.StatusRequestEntityTooLarge) {
				t.Fatalf("curl %q: %q, %v", args, out, err)
			}
		}
	}
}
