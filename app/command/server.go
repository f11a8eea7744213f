package command

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"gatehouse/app/config"
)

const (
	patience   = 30 * time.Second // with the server's answer
	maxAnswer  = 16 << 20         // bytes; a list of as many tokens as there can be is shorter
	maxFile    = 64 << 10         // bytes of a secret
	maxCAFile  = 4 << 20
	maxMessage = 2_000 // characters of what a server says
)

var errAnswer = errors.New("the answer cannot be understood; is it a Gatehouse server?")

// server is the one that is asked.
type server struct {
	url        string
	credential func(*http.Request)
	client     http.Client
	longest    int64 // bytes of an answer
}

// refusal is an error that a server answers with.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the server refuses: %s (status %d)", r.text, r.status)
}

const tokensPath = "/api/v1/tokens"

// connect makes ready to ask the server, and does not ask it yet.
func (c *remote) connect(getenv func(string) string) (*server, error) {
	address, err := parseServer(cmp.Or(c.server, getenv(config.ServerVariable), defaultServer))
	if err != nil {
		return nil, err
	}
	s := &server{url: address, longest: maxAnswer}
	if s.credential, err = credential(getenv); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.caFile != "" {
		if transport.TLSClientConfig, err = trusting(c.caFile); err != nil {
			return nil, err
		}
	}
	s.client = http.Client{
		Transport: transport, Timeout: patience,
		// The credential is for this server and for no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

func parseServer(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", errors.New("the server's address must be like " + defaultServer)
	case u.User != nil:
		return "", errors.New("the server's address must not hold a credential; the environment gives that")
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("the server's address must have no query and no fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func trusting(caFile string) (*tls.Config, error) {
	text, err := config.ReadBounded(caFile, maxCAFile)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = errors.New("expected a PEM file with at least one certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("--ca-file %q: %w", caFile, err)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// credential returns what to sign in with.
func credential(getenv func(string) string) (func(*http.Request), error) {
	var values [3]string
	for i, name := range []string{config.TokenVariable, config.UserVariable, config.PasswordVariable} {
		var err error
		if values[i], err = secret(getenv, name); err != nil {
			return nil, err
		}
	}
	switch token, user, password := values[0], values[1], values[2]; {
	case token != "":
		if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, errors.New(config.TokenVariable + ": expected visible ASCII characters only, without spaces")
		}
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, nil
	case (user == "") != (password == ""):
		return nil, errors.New(config.UserVariable + " and " + config.PasswordVariable + " need each other")
	case user != "":
		return func(r *http.Request) { r.SetBasicAuth(user, password) }, nil
	}
	return func(*http.Request) {}, nil
}

// secret is a value that is in the environment, or in a file that it names.
func secret(getenv func(string) string, name string) (string, error) {
	value, file := getenv(name), getenv(name+config.FileSuffix)
	switch {
	case file == "":
		return value, nil
	case value != "":
		return "", errors.New(name + " and " + name + config.FileSuffix + " are both set: unset one of them")
	}
	text, err := config.ReadBounded(file, maxFile)
	if err != nil {
		return "", fmt.Errorf("%s %q: %w", name+config.FileSuffix, file, err)
	}
	if value = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"); value == "" {
		return "", fmt.Errorf("%s %q: the file is empty", name+config.FileSuffix, file)
	}
	return value, nil
}

// do asks the server and decodes its answer.
func (s *server) do(ctx context.Context, method, path string, fields map[string]string, into any) error {
	var body io.Reader
	kind := ""
	if fields != nil {
		text, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		body, kind = bytes.NewReader(text), "application/json"
	}
	return s.send(ctx, method, path, kind, body, into)
}

// send asks the server with a body of the content type kind and decodes its answer.
func (s *server) send(ctx context.Context, method, path, kind string, body io.Reader, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	s.credential(r)
	resp, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("the server cannot be reached: %w", withoutURL(err))
	}
	defer resp.Body.Close()
	return decode(resp, s.longest, into)
}

// withoutURL is why a request failed.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func decode(resp *http.Response, longest int64, into any) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, longest+1))
	switch {
	case err != nil:
		return fmt.Errorf("the answer did not arrive whole: %w", err)
	case int64(len(text)) > longest:
		return errors.New("the answer is too long")
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return fmt.Errorf("the server leads to %s, which is not followed: give the right address by --server", resp.Header.Get("Location"))
	}
	var answer struct {
		Status string          `json:"status"`
		Value  json.RawMessage `json:"data"`
		Error  string          `json:"error"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Status == "" {
		return fmt.Errorf("status %d: %w", resp.StatusCode, errAnswer)
	}
	if answer.Status != "success" {
		return &refusal{resp.StatusCode, answer.Error}
	}
	if json.Unmarshal(answer.Value, into) != nil {
		return errAnswer
	}
	return nil
}

// token is a server's answer about one.
type token struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Role     string     `json:"role"`
	Limit    string     `json:"limit"`
	LastUsed *time.Time `json:"last_used"`
	Expires  *time.Time `json:"expires"`
	Expired  bool       `json:"expired"`
	Unsigned bool       `json:"made_without_sign_in"`
}

type madeToken struct {
	Token  token  `json:"token"`
	Secret string `json:"secret"`
}

func (t token) path() string { return tokensPath + "/" + url.PathEscape(t.ID) }

func (t token) expiry() string {
	text := moment(t.Expires)
	if t.Expired {
		text = "expired " + text
	}
	if t.Unsigned {
		text += ", made without sign-in"
	}
	return text
}

// String returns all that matters of a token.
func (t token) String() string {
	text := fmt.Sprintf("%q (%s, role %s", t.Name, t.ID, t.Role)
	if t.Limit != "" {
		text += ", scope " + t.Limit
	}
	if t.Expires == nil {
		return printable(text + ", never expires)")
	}
	return printable(text + ", expires " + moment(t.Expires) + ")")
}

// find finds the token with a name or an ID.
func (s *server) find(ctx context.Context, name string) (token, error) {
	var all struct {
		Tokens []token `json:"tokens"`
	}
	if err := s.do(ctx, "GET", tokensPath, nil, &all); err != nil {
		return token{}, err
	}
	var found []token
	for _, t := range all.Tokens {
		if t.ID == name || t.Name == name {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return token{}, fmt.Errorf("there is no token %q", name)
	case 1:
		return found[0], nil
	}
	return token{}, fmt.Errorf("%q is the name of one token and the ID of another; use the ID of the one that is meant", name)
}

// printable is a text that does nothing to a terminal but to be shown.
func printable(text string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > maxMessage {
			return -1
		}
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
