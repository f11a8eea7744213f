package push

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"gatehouse/app/e2e/harness"
)

// maxResident is what bodies in flight may take by default, and as much for
// decoding them.
const maxResident = 512 << 20

// peakMemory is the most memory that it had so far, in bytes.
func peakMemory(c *harness.Child) int64 {
	c.T.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Cmd.Process.Pid))
	harness.Must(c.T, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		c.T.Fatalf("no VmHWM in\n%s", status)
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	harness.Must(c.T, err)
	return n << 10
}

// others pushes and scrapes until the returned function is called, which fails
// if that did not work all the time.
func others(s *harness.Server) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for n := 1; ; n++ {
			path, body := fmt.Sprintf("/metrics/job/other/instance/%d", n%10), fmt.Sprintf("other %d\n", n)
			if a, err := harness.Send("PUT", s.URL, path, strings.NewReader(body)); err != nil || a.Status != 200 {
				s.T.Errorf("another client's push: %v, %v", a, err)
				return
			}
			if a, err := harness.Send("GET", s.URL, path, nil); err != nil || !strings.Contains(a.Body, fmt.Sprintf(`job="other"} %d`, n)) {
				s.T.Errorf("another client's scrape: %v, %v", a, err)
				return
			}
			select {
			case <-done:
				s.T.Logf("%d pushes and scrapes of another client meanwhile", n)
				return
			default:
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

const mega = 10_000_000

// gzipBomb is 200 MB in gzip, in pieces since a test's own compressor is slow.
func gzipBomb() string { return strings.Repeat(harness.Gzip(strings.Repeat("\n", mega)), 20) }

// zstdBomb is 200 MB in zstd.
func zstdBomb() string {
	z, _ := zstd.NewWriter(nil) // without options: never fails
	return strings.Repeat(string(z.EncodeAll(bytes.Repeat([]byte("\n"), mega), nil)), 20)
}

func chunked(body []byte) string {
	var b strings.Builder
	for len(body) > 0 {
		n := min(len(body), 1<<16)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

// withBody is a push with a body whose length is announced.
func withBody(target, headers, body string) string {
	return fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", target, headers, len(body), body)
}

const protobufType = "Content-Type: application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited\r\n"

// hostile are requests that no honest client sends, and the status of the
// answer.
func hostile() map[string]struct {
	request string
	status  int
} {
	const x = "/metrics/job/x"
	type r = struct {
		request string
		status  int
	}
	return map[string]r{
		"a gzip bomb of 200 MB":                 {withBody(x, "Content-Encoding: gzip\r\n", gzipBomb()), 413},
		"a zstd bomb of 200 MB":                 {withBody(x, "Content-Encoding: zstd\r\n", zstdBomb()), 413},
		"a zstd frame with a window of 2 GiB":   {withBody(x, "Content-Encoding: zstd\r\n", "\x28\xb5\x2f\xfd\x00\xa8\x00\x00\x00"), 400},
		"a protobuf length of 1 GiB":            {withBody(x, protobufType, "\x80\x80\x80\x80\x04"), 400},
		"a protobuf length of 2^63":             {withBody(x, protobufType, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 400},
		"a protobuf length of 2^64":             {withBody(x, protobufType, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 400},
		"17 MB of text, announced":              {withBody(x, "", string(harness.Comments(17_000_000))), 413},
		"17 MB of text, chunked":                {"PUT " + x + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(harness.Comments(17_000_000)), 413},
		"a length that is never sent":           {"PUT " + x + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n" + string(harness.Comments(10_000)), 413},
		"a length beyond 64 bits":               {"PUT " + x + " HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nm 1\n", 400},
		"a path of 12 KB":                       {withBody("/metrics/job/"+strings.Repeat("x", 12_000), "", "m 1\n"), 400},
		"a path of 12 KB in pieces":             {withBody(x+strings.Repeat("/a/b", 3_000), "", "m 1\n"), 400},
		"a path of 12 KB that is nowhere":       {"GET /" + strings.Repeat("x", 12_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		"a path of 40 KB":                       {withBody("/metrics/job/"+strings.Repeat("x", 40_000), "", "m 1\n"), 431},
		"a header of 40 KB":                     {"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 40_000) + "\r\n\r\n", 431},
		"10,000 headers":                        {"GET /metrics HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 10_000) + "\r\n", 431},
		"invalid UTF-8 in the job":              {withBody("/metrics/job/%ff", "", "m 1\n"), 400},
		"invalid UTF-8 in a base64 job":         {withBody("/metrics/job@base64/_w", "", "m 1\n"), 400},
		"invalid UTF-8 in the path, raw":        {withBody("/metrics/job/\xff", "", "m 1\n"), 400},
		"invalid UTF-8 in a label's value":      {withBody(x+"/a/%c3%28", "", "m 1\n"), 400},
		"invalid UTF-8 in a label's name":       {withBody(x+"/%ff/a", "", "m 1\n"), 400},
		"invalid UTF-8 in the body's names":     {withBody(x, "", "m\xff 1\n"), 400},
		"invalid UTF-8 in the body's values":    {withBody(x, "", "m{a=\"\xff\"} 1\n"), 400},
		"invalid UTF-8 in HELP":                 {withBody(x, "", "# HELP m \xff\nm 1\n"), 400},
		"invalid UTF-8 in the query":            {withBody(x+"?ttl=%ff", "", "m 1\n"), 400},
		"invalid UTF-8 in a selector":           {"GET /metrics?match[]=%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"invalid UTF-8 in a deleted path":       {"DELETE /metrics/job/%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"invalid UTF-8 in the content type":     {withBody(x, "Content-Type: \xff\r\n", "m 1\n"), 200},
		"invalid UTF-8 in the content encoding": {withBody(x, "Content-Encoding: \xff\r\n", "m 1\n"), 415},
		"a broken percent escape":               {withBody("/metrics/job/%zz", "", "m 1\n"), 400},
		"a line without end":                    {withBody(x, "", "m{a=\""+strings.Repeat("x", 1<<20)), 400},
		"100,001 series":                        {withBody(x, "", series(100_001)), 400},
		"no HTTP":                               {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
	}
}

func series(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "m{i=\"%d\"} 1\n", i)
	}
	return b.String()
}

func TestEveryHostileRequestIsAnsweredAndHarmsNobody(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Put("/metrics/job/before", "before 1\n")
	stop := others(s)
	for name, test := range hostile() {
		// Several times at once, since some only do harm together.
		var clients sync.WaitGroup
		for range 3 {
			c := s.Dial()
			clients.Go(func() {
				if why := exchange(c, test.request, test.status); why != "" {
					t.Errorf("%s: %s", name, why)
				}
			})
		}
		clients.Wait()
	}
	stop()
	s.Want(202, "DELETE", "/metrics/job/other", "")
	s.Want(202, "DELETE", "/metrics/job/x", "")
	s.Holds("before{instance=\"\",job=\"before\"} 1\n")
	s.Want(200, "GET", "/-/ready", "")
	if peak := peakMemory(s.Child); peak > maxResident {
		t.Errorf("it took %d MiB of memory at its peak", peak>>20)
	} else {
		t.Logf("it took %d MiB of memory at its peak", peak>>20)
	}
	if strings.Contains(s.Log.String(), "panic") {
		t.Error("something panicked")
	}
}

func TestPushesThatNeverEndTakeBoundedMemoryAndGiveItBack(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	const each = 15 << 20
	const typed = "# TYPE q gauge\n" // comments alone are no push
	body := typed + string(harness.Comments(each-1-len(typed)))
	conns := make([]*harness.RawConn, 30)
	for i := range conns {
		conns[i] = s.Dial()
		conns[i].Write(fmt.Sprintf("PUT /metrics/job/slow/instance/%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", i, each))
		conns[i].Write(body)
	}
	// Scrapes need none of what pushes share.
	s.Want(200, "GET", "/metrics", "")
	statuses := map[int]int{}
	for _, c := range conns {
		c.Write("\n")
		statuses[c.Read().Status]++
	}
	if statuses[200] < 5 || statuses[503] < 5 || statuses[200]+statuses[503] != len(conns) {
		t.Errorf("answers by status: %v, want some to be taken and some refused for now", statuses)
	}
	if peak := peakMemory(s.Child); peak > maxResident {
		t.Errorf("it took %d MiB of memory at its peak", peak>>20)
	} else {
		t.Logf("answers by status: %v; %d MiB of memory at its peak", statuses, peak>>20)
	}
	for i := range conns {
		s.Put(fmt.Sprintf("/metrics/job/slow/instance/%d", i), body)
	}
}

// exchange sends a request and returns why the answer is not one line with that
// status, "" if it is. The server may stop reading early, but must not reset
// the connection over the answer.
func exchange(c *harness.RawConn, request string, status int) string {
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.Conn, request)
		written <- err
	}()
	resp, err := http.ReadResponse(c.In, nil)
	if err != nil {
		return fmt.Sprintf("no answer: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode != status || err != nil || status >= 400 && strings.Count(string(text), "\n") != 1 {
		return fmt.Sprintf("got %d %.200q, %v; want %d and a line", resp.StatusCode, text, err, status)
	}
	if err := <-written; err != nil {
		return fmt.Sprintf("answered %d, but could not be sent whole: %v", status, err)
	}
	return ""
}
