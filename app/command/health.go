package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mdlayher/vsock"

	"gatehouse/app/config"
	"gatehouse/app/webconfig"
)

const (
	healthPatience  = 10 * time.Second // with the server's answer
	maxHealthAnswer = 64 << 10         // bytes; the server's own are shorter
)

// checkHealth asks the server that was started with the same flags and variables
// how it is, and returns the exit code: 0 if it takes pushes, else 1 with one line
// about what is wrong.
func checkHealth(ctx context.Context, args []string, out, messages io.Writer) int {
	o, err := config.ParseForCommand(args, out)
	if errors.Is(err, config.ErrAnswered) {
		return 0
	}
	if err == nil {
		err = askHealth(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(messages, "gatehouse:", err)
		return 1
	}
	fmt.Fprintln(out, "healthy")
	return 0
}

// askHealth returns why the server is not healthy, or nil.
func askHealth(ctx context.Context, o config.Options) error {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	address, err := healthAddress(o)
	if err != nil {
		return err
	}
	web, err := webconfig.OpenNamed(o.WebConfigFile, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	transport, scheme := &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dialListener(ctx, address) },
		TLSClientConfig: web.OwnClient(),
	}, "http"
	defer transport.CloseIdleConnections()
	if web.TLS() {
		scheme = "https"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost"+o.RoutePrefix+"/health", nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(r)
	var alert *net.OpError
	switch {
	case err == nil:
		defer answer.Body.Close()
		return unhealthy(answer)
	case web.ClientCertificates() == webconfig.Required && errors.As(err, &alert) && alert.Op == "remote error":
		return nil // it serves, but only clients with a certificate
	}
	return fmt.Errorf("the server at %s does not answer: %w", address, err)
}

// unhealthy returns what an answer of /health says is wrong, or nil.
func unhealthy(answer *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHealthAnswer))
	if err != nil {
		return fmt.Errorf("the server's answer broke off: %w", err)
	}
	var health struct {
		Status  string
		Storage struct{ Reason string }
	}
	switch known := json.Unmarshal(body, &health) == nil; {
	case known && health.Status == "healthy" && answer.StatusCode == http.StatusOK:
		return nil
	case known && health.Storage.Reason != "":
		return errors.New("not healthy: " + health.Storage.Reason)
	case answer.StatusCode == http.StatusForbidden:
		return errors.New("the server does not allow the address of this machine: add 127.0.0.1 to --auth.allowed-cidrs")
	}
	return fmt.Errorf("what answers is not Gatehouse, or has another --web.route-prefix (status %d)", answer.StatusCode)
}

// healthAddress is the first one that the server listens on for everything.
func healthAddress(o config.Options) (config.Address, error) {
	if o.SystemdSocket {
		return config.Address{}, errors.New("the address is systemd's to know: say it with --web.listen-address and --no-web.systemd-socket")
	}
	address := o.ListenAddresses[0]
	if strings.HasSuffix(address.String(), ":0") {
		return config.Address{}, fmt.Errorf("the port of %s is not known: say which one was chosen with --web.listen-address", address)
	}
	return address, nil
}

// dialListener connects to what listens at an address of --web.listen-address.
func dialListener(ctx context.Context, a config.Address) (net.Conn, error) {
	switch {
	case a.VSock:
		return vsock.Dial(vsock.Local, a.Port, nil)
	case a.Path != "":
		return (&net.Dialer{}).DialContext(ctx, "unix", a.Path)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", a.String())
}
