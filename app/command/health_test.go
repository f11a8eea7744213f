package command

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"gatehouse/app/config"
)

func TestHealthDoesNotWaitForEver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	o, err := config.Parse([]string{"--web.listen-address=" + l.Addr().String()}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := askHealth(ctx, o); err == nil || !strings.Contains(err.Error(), "does not answer: context deadline exceeded") {
		t.Errorf("got %v", err)
	}
}
