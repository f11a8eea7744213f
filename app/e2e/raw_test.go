package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"gatehouse/app/e2e/harness"
)

// exchange sends a request and tells why the answer is not one line with that
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
