package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The variables that hold secrets. Each also has a form with _FILE behind it,
// which names a file that holds the value.
const (
	UserVariable     = "PUSHGATEWAY_AUTH_USER" // may be in a file beside its password
	PasswordVariable = "PUSHGATEWAY_AUTH_PASS"
	tokensVariable   = "API_TOKENS"
	keyVariable      = "METRICS_VERIFICATION_KEY"
	clientVariable   = "OIDC_CLIENT_SECRET"

	FileSuffix = "_FILE"
)

// secrets are all of them, in the order in which they are read.
var secrets = []struct {
	variable string
	// take puts a value into Options. Its error must not hold it.
	take func(p *parser, source, value string) error
}{
	{UserVariable, (*parser).takeUser},
	{PasswordVariable, (*parser).takePassword},
	{tokensVariable, (*parser).takeTokens},
	{keyVariable, (*parser).takeScrapeKey},
	{clientVariable, (*parser).takeClientSecret},
}

// secretsHelp is for --help, which lists flags only.
const secretsHelp = "Secrets are no flags. The environment gives them: " + PasswordVariable + ", " + tokensVariable + " (several with commas), " +
	keyVariable + " and " + clientVariable + "; or each with " + FileSuffix + " behind its name gives the file that holds it."

const (
	maxSecretFile = 64 << 10
	maxCAFile     = 4 << 20
	maxPassword   = 1 << 10 // a client's secret too
	// shortSecret is the length below which a secret can be guessed by trying.
	shortSecret = 16
)

// readFiles reads what no flag holds, and notes down what is wrong with it.
func (p *parser) readFiles() {
	for _, secret := range secrets {
		if secret.variable == UserVariable && p.of(&p.Auth.BasicUser).given { // the flag beats the environment
			continue
		}
		p.readSecret(secret.variable, func(source, value string) error { return secret.take(p, source, value) })
	}
	p.checkPair()
	if id := p.of(&p.Auth.ClientID); p.Auth.ClientID == "" && isSet(clientVariable) {
		p.problems = append(p.problems, clientVariable+" is set without a client: set "+id.variable+" or "+id.flag()+" too")
	}
	p.readAuthorities()
}

// readSecret hands over the value of a secret that is set, and the variable
// that it comes from.
func (p *parser) readSecret(name string, take func(source, value string) error) {
	value, source := os.Getenv(name), name
	file := os.Getenv(name + FileSuffix)
	var err error
	switch {
	case value != "" && file != "":
		p.problems = append(p.problems, name+" and "+name+FileSuffix+" are both set: unset one of them")
		return
	case file != "":
		source += FileSuffix
		if value, err = readSecretFile(file); err != nil {
			p.problems = append(p.problems, fmt.Sprintf("%s %q: %v", source, file, err))
			return
		}
	case value == "":
		return
	}
	if err := take(source, value); err != nil {
		p.problems = append(p.problems, source+": "+err.Error())
	}
}

// isSet reports whether a secret is given in one way or the other, right or wrong.
func isSet(name string) bool { return os.Getenv(name) != "" || os.Getenv(name+FileSuffix) != "" }

// checkPair refuses a user without password and a password without user.
func (p *parser) checkPair() {
	flag := p.of(&p.Auth.BasicUser)
	user := p.Auth.BasicUser != "" || (!flag.given && isSet(UserVariable))
	switch password := isSet(PasswordVariable); {
	case user && !password:
		p.problems = append(p.problems, UserVariable+" or "+flag.flag()+" is set without a password: set "+PasswordVariable+" too")
	case password && !user:
		p.problems = append(p.problems, PasswordVariable+" is set without a user: set "+UserVariable+" or "+flag.flag()+" too")
	}
}

func (p *parser) takeUser(source, value string) error {
	p.Auth.BasicUser = value
	if source == UserVariable { // checked as a flag
		return nil
	}
	return checkUser(value)
}

func (p *parser) takePassword(_, value string) error {
	p.Auth.BasicPassword = value
	if len(value) > maxPassword || !utf8.ValidString(value) {
		return fmt.Errorf("expected UTF-8 text of at most %d bytes", maxPassword)
	}
	return nil
}

func (p *parser) takeTokens(source, value string) error {
	tokens := splitTokens(value)
	if len(tokens) == 0 {
		return errors.New("expected at least one token; unset it to have none")
	}
	p.Auth.Tokens = tokens
	for i, token := range tokens {
		if !visible(token) {
			return fmt.Errorf("token %d holds something other than visible ASCII characters; commas or newlines separate tokens", i+1)
		}
		if len(token) < shortSecret {
			p.remark("token %d of %s is shorter than %d characters: anyone who guesses it may do everything", i+1, source, shortSecret)
		}
	}
	return nil
}

func (p *parser) takeScrapeKey(source, value string) error {
	p.Auth.ScrapeKey = value
	if !visible(value) {
		return errors.New("expected visible ASCII characters only, without spaces")
	}
	if len(value) < shortSecret {
		p.remark("%s is shorter than %d characters: it can be guessed", source, shortSecret)
	}
	return nil
}

func (p *parser) takeClientSecret(_, value string) error {
	p.Auth.ClientSecret = value
	if len(value) > maxPassword || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return fmt.Errorf("expected one line of UTF-8 text of at most %d bytes", maxPassword)
	}
	return nil
}

func (p *parser) remark(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// splitTokens drops empty tokens: an empty one would let everybody in.
func splitTokens(s string) []string {
	var tokens []string
	for token := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '\n' }) {
		if token = strings.Trim(token, " \t\r"); token != "" {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// visible reports whether clients can send s in a header as it is.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// readSecretFile reads a file without the newline at its end, which editors
// and echo put there.
func readSecretFile(path string) (string, error) {
	text, err := ReadBounded(path, maxSecretFile)
	if err != nil {
		return "", err
	}
	s, ended := strings.CutSuffix(string(text), "\n")
	if ended {
		s = strings.TrimSuffix(s, "\r")
	}
	if s == "" {
		return "", errors.New("the file is empty")
	}
	return s, nil
}

// ReadBounded reads a whole file. Its errors leave out the path.
func ReadBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, WithoutPath(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return nil, WithoutPath(err)
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("the file is larger than %d bytes", limit)
	}
	return text, nil
}

// WithoutPath returns the cause of an error about a file that the message names anyway.
func WithoutPath(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// readAuthorities reads --oidc.ca-file.
func (p *parser) readAuthorities() {
	if p.Auth.IssuerCAFile == "" {
		return
	}
	text, err := ReadBounded(p.Auth.IssuerCAFile, maxCAFile)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = errors.New("expected a PEM file with at least one certificate")
	}
	if err != nil {
		p.problems = append(p.problems, fmt.Sprintf("%s %q: %v", p.of(&p.Auth.IssuerCAFile).source(), p.Auth.IssuerCAFile, err))
		return
	}
	p.Auth.IssuerCAs = pool
}
