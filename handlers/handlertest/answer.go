package handlertest

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
)

// Log keeps what a server logs. It is safe for concurrent use.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Answer is an answer, and the request for messages.
type Answer struct {
	Request string
	Status  int
	Header  http.Header
	Body    string
}

func (a Answer) String() string {
	return fmt.Sprintf("%s: %d %.300q", a.Request, a.Status, a.Body)
}
